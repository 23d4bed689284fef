#!/usr/bin/env python3
"""Runs Meson's tests and sums what they print: tests.py BUILD [argument of meson test ...]

A test program of ours ends with "N passed, N failed[, N skipped]"; whatever does not counts as one.
The output of what failed is shown; the last line is the sum in the same form.
"""
import json
import os
import re
import subprocess
import sys

SUM = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$')
SHOWN_LINES_MAX = 30


def counts(test):
    """(passed, failed, skipped) of one line of Meson's log."""
    lines = (test.get('stdout') or '').rstrip().splitlines()
    match = SUM.match(lines[-1]) if lines else None
    good = test['result'] in ('OK', 'EXPECTEDFAIL')
    if test['result'] == 'SKIP':
        return 0, 0, 1
    if match is None:
        return int(good), int(not good), 0
    passed, failed, skipped = (int(n or 0) for n in match.groups())
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    build, arguments = sys.argv[1], sys.argv[2:]
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.remove(log)
    subprocess.run(['meson', 'test', '--quiet', '-C', build] + arguments, check=False)
    total = [0, 0, 0]
    broken = []
    if os.path.exists(log):
        with open(log, encoding='utf-8') as lines:
            for line in lines:
                test = json.loads(line)
                each = counts(test)
                total = [a + b for a, b in zip(total, each)]
                if each[1] > 0:
                    broken.append(test['name'])
                    shown = (test.get('stdout') or '') + (test.get('stderr') or '')
                    print(f"\n---- {test['name']}: {test['result']}")
                    print('\n'.join(shown.rstrip().splitlines()[-SHOWN_LINES_MAX:]))
    else:
        total[1] = 1
        print('the tests could not be run')
    if broken:
        print('\nfailed: ' + ', '.join(broken))
    print(f'{total[0]} passed, {total[1]} failed' + (f', {total[2]} skipped' if total[2] else ''))
    return 1 if total[1] or not total[0] else 0


sys.exit(main())
