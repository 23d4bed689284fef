#!/usr/bin/env python3
"""What tools/mapping.py refuses, and where it says so; and that docs/logsources.md is what it makes."""

import os
import re
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)
WINDOWS = """\
about: Windows
keys:
  windows.channel: [Channel]
  windows.id: [EventID]
  windows.kind: [EventType]
  windows.provider: [SourceName]
channels:
  Security: security
providers:
  Auditing: Security
categories:
  Security:
    4688: process_creation
"""
RIGHT = """\
about: things
keys:
  thing.kind: [kind, thing.kind]
sources:
  - from: things
    when: {kind2: "*"}
    by: thing.kind
    classes: {a/thing/: [x, y]}
prefixes:
  - {for: {product: thing}, put: [thing.]}
names:
  - for: {product: thing}
    names: {Name: [name]}
"""


def run(text):
    """The exit code, what was complained of, and the table."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, content in (("windows.yaml", WINDOWS), ("things.yaml", text)):
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(content)
        made = [os.path.join(folder, name) for name in ("table.h", "table.c")]
        done = subprocess.run([sys.executable, os.path.join(FOLDER, "mapping.py")] + made + paths,
                              capture_output=True, text=True, check=False)
        table = open(made[1], encoding="ascii").read() if done.returncode == 0 else ""
        return done.returncode, re.sub(r"\S*/things.yaml", "things.yaml", done.stderr), table


def swapped(old, new):
    assert RIGHT.count(old) >= 1, old
    return RIGHT.replace(old, new, 1)


REFUSED = [
    ("an unknown section", swapped("about:", "abuot:"), "things.yaml:1:1: 'abuot' is none of"),
    ("a key that stands twice", swapped("  thing.kind:", "  windows.id:"), "'windows.id' stands in another file"),
    ("a field of two keys", swapped("[kind, thing.kind]", "[kind, Channel]"), "'Channel' belongs to the key"),
    ("a class of two parts", swapped("a/thing/", "a/thing"), "no category/product/service"),
    ("a case of two classes", swapped("[x, y]", "[x, X]"), "each of its values one class"),
    ("a source without an answer", swapped("    classes: {a/thing/: [x, y]}\n", ""), "either 'is', or 'by'"),
    ("an answer twice", swapped("    by: thing.kind\n", "    by: thing.kind\n    is: a/b/c\n"), "either 'is', or 'by'"),
    ("an unknown part of a log source", swapped("{product: thing}, put", "{produkt: thing}, put"), "'produkt' is none"),
    ("too many names", swapped("[name]", "[" + ", ".join(f"n{i}" for i in range(32)) + "]"), "goes by more than 32"),
]

passed = failed = 0


def check(what, holds):
    global passed, failed
    passed += holds
    failed += not holds
    if not holds:
        print(f"FAILED: {what}")


code, said, table = run(RIGHT)
check(f"what is right is taken: {said}", code == 0)
check("ids add their category to the channel's service", '"process_creation/windows/security"' in table)
for what, text, reason in REFUSED:
    code, said, _ = run(text)
    check(f"{what} is refused: {said}", code != 0 and reason in said)

with open(os.path.join(ROOT, "src/detect/meson.build"), encoding="utf-8") as file:
    order = re.findall(r"'../../(mapping/[a-z0-9]+\.yaml)'", file.read())
check("every file of mapping/ is in the build",
      sorted(order) == sorted("mapping/" + name for name in os.listdir(os.path.join(ROOT, "mapping"))
                              if name.endswith(".yaml")))
page = subprocess.run([sys.executable, os.path.join(FOLDER, "mapping.py"), "--page"] + order, cwd=ROOT,
                      capture_output=True, text=True, check=False).stdout
with open(os.path.join(ROOT, "docs/logsources.md"), encoding="utf-8") as file:
    check("docs/logsources.md is what tools/mapping.py --page makes", file.read() == page)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
