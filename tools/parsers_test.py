#!/usr/bin/env python3
"""What tools/parsers.py refuses, and where it says so; that docs/parsers.md is what it makes, and that the names of
parsers/ecs.yaml are ECS's."""

import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)
RIGHT = r"""name: acme
about: Acme firewalls
vendor: [acme.firewall]
class: firewall/acme/
recognise:
  - {begins: "%ACME-"}
  - {contains: ["devname="]}
set: {event.kind: event}
sets:
  denied: {event.type: [connection, denied]}
prefix: "%ACME-{event.code:int}: "
rows:
  - match: "Deny {source:peer}/{source.port:int} by {acme.firewall.rule}[[ via {_way}]]"
    when: {event.code: [1, 2]}
    with: denied
steps:
  - {copy: acme.firewall.rule, to: rule.name}
maps:
  - {from: _way, to: network.transport, values: {t: tcp}}
samples:
  - line: "%ACME-1: Deny 192.0.2.1/5 by r1"
    fields: {source.ip: 192.0.2.1}
"""
passed = failed = 0


def run(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "acme.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([sys.executable, os.path.join(FOLDER, "parsers.py"), "check", path], capture_output=True,
                              text=True, check=False, env={**os.environ, "HINOMI_TEST_DATA": ""})
        return done.returncode, done.stderr.replace(folder + "/", "")


def swapped(old, new):
    assert RIGHT.count(old) >= 1, old
    return RIGHT.replace(old, new, 1)


REFUSED = [
    ("an unknown key", swapped("about:", "abuot:"), "acme.yaml:2:1: 'abuot' is not known here; did you mean 'about'?"),
    ("a key twice", RIGHT + "about: again\n", "'about' stands twice"),
    ("another file's name", swapped("name: acme", "name: acne"), "acme.yaml:1:7: the name is the file's"),
    ("a name that ECS does not have", swapped("event.code:int", "event.cod:int"), "'event.cod' is neither in ECS"),
    ("another vendor's name", swapped("{acme.firewall.rule}", "{other.rule}"), "nor below acme.firewall"),
    ("an unknown type", swapped("source:peer", "source:pear"), "there is no type 'pear'; did you mean 'peer'?"),
    ("a class of two parts", swapped("firewall/acme/", "firewall/acme"), "no category/product/service"),
    ("an unknown set", swapped("with: denied", "with: allowed"), "there is no 'allowed' in 'sets'"),
    ("a question for what nothing tells", swapped("from: _way", "from: _why"), "nothing here gives '_why'"),
    ("captures side by side", swapped("{acme.firewall.rule}[[", "{acme.firewall.rule}{_x}[["), "where does"),
    ("a part without a text of its own", swapped("[[ via {_way}]]", "[[{_way}]]"), "begins with a text of its own"),
    ("an unknown step", swapped("copy: acme", "cpoy: acme"), "there is no step 'cpoy'; did you mean 'copy'?"),
    ("a mark that is too short", swapped('contains: ["devname="]', 'contains: ["d="]'), "needs 4 bytes"),
    ("a file without samples", RIGHT[:RIGHT.index("samples:")], "'samples' is missing"),
    ("two shapes", swapped("rows:\n", "json: yes\npairs: {}\nrows:\n"), "a file has one shape"),
]


def check(what, holds):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAILED: {what}")


code, said = run(RIGHT)
check(f"what is right is taken: {said}", code == 0)
for what, text, reason in REFUSED:
    code, said = run(text)
    check(f"{what} is refused: {said}", code != 0 and reason in said)

made = subprocess.run([sys.executable, os.path.join(FOLDER, "parsers.py"), "page"], capture_output=True, text=True,
                      check=False, cwd=ROOT)
with open(os.path.join(ROOT, "docs/parsers.md"), encoding="utf-8") as file:
    check(f"docs/parsers.md is what tools/parsers.py page makes {made.stderr}", file.read() == made.stdout)

fields = os.path.join(os.environ.get("HINOMI_TEST_DATA", ""), "ecs/fields.csv")
if os.path.exists(fields):
    sys.path.insert(0, FOLDER)
    import parsers
    strange = sorted(parsers.Names().listed - parsers.names_of_data())
    check(f"every name of parsers/ecs.yaml is ECS's: {strange}", not strange)
    print(f"{passed} passed, {failed} failed")
else:
    print(f"{passed} passed, {failed} failed, 1 skipped")
sys.exit(failed != 0)
