"""Official clients from npm, as senders: scripts of tests/senders/, run by Node, that print one line of
JSON each."""

import fcntl
import hashlib
import json
import os
import subprocess

from hinomi import ROOT

FOLDER = ROOT / "tests/senders"


def environment():
    """Node, with what tests/senders/package-lock.json asks for in place."""
    folder = subprocess.run([ROOT / "tools/node.sh"], capture_output=True, text=True, check=True).stdout.strip()
    ours = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    modules = FOLDER / "node_modules"
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    with open(FOLDER / "package-lock.json", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = modules / ".lock"
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
                           cwd=FOLDER, env=ours, check=True, stdout=subprocess.DEVNULL)
            stamp.write_text(wanted)
    return ours


def send(script, *words, seconds=60):
    """What a sender says; its error as {"error": …}."""
    result = subprocess.run(["node", script, *map(str, words)], cwd=FOLDER, env=environment(),
                            capture_output=True, text=True, timeout=seconds)
    if result.returncode != 0:
        return {"error": result.stderr[-2000:]}
    return json.loads(result.stdout.splitlines()[-1])
