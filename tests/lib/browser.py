"""Tests in a real browser: a script of tests/browser/, run by Node with playwright-core and Debian's
Chromium.  The script's checks count as the run's own."""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import hinomi
from hinomi import ROOT, TMP

FOLDER = ROOT / "tests/browser"
CHROMIUM = shutil.which("chromium")


def words():
    """Every word that pages and mails say: {key: [ja, en]}."""
    sys.path.insert(0, str(ROOT / "tools"))
    import words as table  # noqa: PLC0415
    return table.read(sorted(map(str, [*ROOT.glob("words/*.yaml"), *ROOT.glob("words/portal/*.yaml")])))


def node():
    """Node, with what tests/browser/package-lock.json asks for in place."""
    folder = subprocess.run([ROOT / "tools/node.sh"], capture_output=True, text=True, check=True).stdout.strip()
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    modules = FOLDER / "node_modules"
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with open(FOLDER / "package-lock.json", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = modules / ".lock"
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
                           cwd=FOLDER, env=environment, check=True)
            stamp.write_text(wanted)
    return environment


def run(script, settings, seconds=280):
    """Runs a script with its settings (JSON on its standard input) and counts its checks."""
    if CHROMIUM is None:
        return hinomi.skip("there is no Chromium")
    settings = {"chromium": CHROMIUM, "words": words(), "folder": str(TMP), **settings}
    process = subprocess.Popen(["node", script], cwd=FOLDER, env=node(), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    process.stdin.write(json.dumps(settings))
    process.stdin.close()
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.startswith("ok "):
            hinomi.passed += 1
        elif line.startswith("FAILED "):
            hinomi.failed += 1
    code = process.wait(seconds)
    if code != 0:
        hinomi.check(False, f"{pathlib.Path(script).name} comes to its end", f"exit {code}")
    return None
