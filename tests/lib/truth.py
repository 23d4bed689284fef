"""Detections over public logs against reference results (the README of the test data says how those were
made).  A truth test names its files and what it expects; this says how `hinomi scan` is asked and how
the two are compared.

    found, stats = scan(PATH...)               {(file, member, record): {rule id: event}}
    compare("what", found, expected, ...)      counts a check for each place where something is expected,
                                               and one for all others together
    finish()
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import time

import yaml

HINOMI = os.environ["HINOMI"]
TMP = pathlib.Path(os.environ["TMP"])
DATA = pathlib.Path(os.environ.get("HINOMI_TEST_DATA") or "/nonexistent")
RULES = [DATA / "sigma" / name for name in ("rules", "rules-compliance", "rules-emerging-threats",
                                            "rules-placeholder", "rules-threat-hunting")]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SHOWN_MAX = 60

passed = failed = 0


def need(*folders):
    """Ends the test as skipped where the data are not there."""
    if not all((DATA / folder).exists() for folder in folders):
        print("no test data\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    return path


def rule_id(rule):
    return rule if isinstance(rule, str) else rule["id"]


def rules():
    """SigmaHQ's active rules by id."""
    found = {}
    for folder in RULES:
        for path in folder.rglob("*.yml"):
            with open(path, encoding="utf-8") as file:
                found.update((rule["id"], rule) for rule in yaml.load_all(file, Loader=LOADER))
    return found


def has_keywords(rule):
    """Whether the rule looks for words without a field, and whether it looks at fields too."""
    words = fields = False
    for name, search in rule["detection"].items():
        for part in search if isinstance(search, list) else [search]:
            if name not in ("condition", "timeframe"):
                words, fields = words or not isinstance(part, dict), fields or isinstance(part, dict)
    return words, fields


def scan(*paths, may_fail=False):
    """What SigmaHQ's rules say of these files: {(file, member, record): {rule id: event}}, and the stats."""
    stats = TMP / "stats.json"
    command = [HINOMI, "scan", "--threads", "2", "--stats", str(stats)]
    for folder in RULES:
        command += ["--rules", str(folder)]
    begun = time.monotonic()
    done = subprocess.run(command + [str(path) for path in paths], capture_output=True, check=False)
    found = collections.defaultdict(dict)
    folders = [f"{path}/" for path in paths if pathlib.Path(path).is_dir()]
    for line in done.stdout.splitlines():
        alert = json.loads(line)
        source = alert["source"]
        file = source["file"]
        for folder in folders:
            file = file.removeprefix(folder)
        found[file, source["member"], source["record"]][alert["rule"]["id"]] = alert["event"]
    complaints = [line for line in done.stderr.decode().splitlines() if "needs values" not in line]
    for line in complaints[:SHOWN_MAX]:
        print("    " + line)
    if not may_fail:
        check("the scan reads every file", done.returncode == 0)
    numbers = json.loads(stats.read_text(encoding="utf-8"))
    numbers["elapsed"] = time.monotonic() - begun
    return found, numbers


def check(what, holds):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAILED: {what}")
    return holds


def compare(what, found, expected, either=None, explain=lambda rule, event, place: None):
    """found: as scan has it; expected: {place: {rule}}; either: the same, of rules that may fire or not.
    `explain` gives a detection that the reference lacks its reason, if there is one (each of them stands
    in docs/detection-truth.md); those are counted by reason."""
    either = either or {}
    missing = extra = right = 0
    shown, reasons = [], collections.Counter()
    for place in sorted(set(found) | set(expected), key=str):
        got, wanted = found.get(place, {}), expected.get(place, set())
        free = either.get(place, set())
        lost, surplus = wanted - set(got) - free, set(got) - wanted - free
        for rule in sorted(surplus):
            reason = explain(rule, got[rule], place)
            if reason is not None:
                reasons[reason] += 1
                surplus.remove(rule)
        right += len(set(got) & wanted)
        missing, extra = missing + len(lost), extra + len(surplus)
        shown += [f"    missing {rule} {place}" for rule in sorted(lost)]
        shown += [f"    surplus {rule} {place}" for rule in sorted(surplus)]
        if place in expected:
            check(f"{what}: {place}", not lost and not surplus)
    check(f"{what}: nothing else fires", extra == 0)
    for line in shown[:SHOWN_MAX]:
        print(line)
    print(f"{what}: {right} detections as expected, {missing} missing, {extra} too many")
    for reason, count in sorted(reasons.items()):
        print(f"    {count} that the reference lacks: {reason}")


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)
