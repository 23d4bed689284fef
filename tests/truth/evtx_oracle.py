"""Event logs of the test data read by us, by libevtx (evtxexport) and by python3-evtx: every field of every record
says the same (R-E3).

    HINOMI_TEST_DATA=… evtx_oracle.py EVTX_LINES [SIZE_MAX]

python3-evtx needs a second for two hundred records, so it reads files of at most SIZE_MAX bytes (70,000: one
chunk).  Agreed:

- records at which the others give up or whose XML is none are counted, not compared; so are files of which
  libevtx finds other records than we do (codec/evtx_truth_test.c counts these);
- the letters' case of hexadecimal, zeros in front of it, blanks around values, and empty values;
- libevtx leaves RenderingInfo out;
- python3-evtx writes lists of strings as tags within the text, and bytes as base64; it calculates moments in
  floating point, and so misses some by microseconds.
"""

import base64
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

SIZE_MAX = int(sys.argv[2]) if len(sys.argv) > 2 else 70000
SHOWN = 12
DATA = pathlib.Path(os.environ.get("HINOMI_TEST_DATA") or "/nonexistent")
PYTHON = """
import sys
import Evtx.Evtx
for number, path in enumerate(sys.stdin.read().splitlines()):
    with Evtx.Evtx.Evtx(path) as file:
        for record in file.records():
            try:
                text = record.xml()
            except Exception:
                text = ""
            sys.stdout.write(f"{number} {record.offset()}\\0{text}\\0")
"""


# ---- one event as XML, by names as codec/winevent.h has them

def own(tag):
    return tag.rpartition("}")[2]


def flat(event):
    system, data = collections.defaultdict(list), collections.defaultdict(list)

    def leaf(to, name, text):
        to[name].append(text or "")

    def walk(element, to, name_in_data):
        name = own(element.tag)
        if name_in_data and name == "Data" and element.get("Name") is not None:
            name = element.get("Name")
            attributes = {}
        else:
            attributes = {f"{name}_{own(key)}": value for key, value in element.attrib.items()}
        for key, value in attributes.items():
            leaf(to, "TimeCreated" if key == "TimeCreated_SystemTime" else key, value)
        if len(element) == 0:
            leaf(to, name, element.text)
        for child in element:
            walk(child, to, False)

    for part in event:
        for child in part:
            walk(child, system if own(part.tag) == "System" else data, own(part.tag) == "EventData")
    return {**{(f"System.{name}" if name in data else name): values for name, values in system.items()}, **data}


def told(values):
    """Texts in one form: blanks around them, line ends, the letters' case and the zeros of numbers and times go;
    empty ones do too."""
    out = []
    for text in values if isinstance(values, list) else [values]:
        text = text.replace("\r", "").strip().lower()
        if re.fullmatch(r"0x[0-9a-f]+", text):
            text = f"0x{int(text, 16):x}"
        moment = re.fullmatch(r"(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d:\d\d)(?:\.(\d+))?z?(?:\+00:00)?", text)
        if moment:
            text = f"{moment[1]} {moment[2]}.{(moment[3] or '')[:6].ljust(6, '0')}"
        if text:
            out.append(text)
    return out


def near(mine, other):
    """Whether they are moments with microseconds between them."""
    try:
        return len(mine) == len(other) and all(
            abs((datetime.datetime.fromisoformat(a) - datetime.datetime.fromisoformat(b)).total_seconds()) < 0.00001
            for a, b in zip(mine, other))
    except ValueError:
        return False


def compare(ours, theirs):
    """The names whose values differ."""
    wrong = []
    for name in sorted(set(ours) | set(theirs)):
        mine, other = told(ours.get(name, [])), told(theirs.get(name, []))
        if mine != other and not near(mine, other):
            wrong.append((name, mine, other))
    return wrong


def python_told(name, values):
    """What python3-evtx means by these."""
    if name == "Binary":
        return [base64.b64decode(text).hex() for text in values]
    return [part for text in values for part in re.findall("<string>(.*?)</string>", text or "", re.DOTALL) or [text]]


def parsed(text):
    """The event of a text; characters that XML may not hold become blanks."""
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", text)
    return flat(ElementTree.fromstring(text))


def ours_read(paths):
    result = subprocess.run([sys.argv[1]], input="".join(f"{path}\n" for path in paths).encode(), capture_output=True,
                            check=True)
    files = collections.defaultdict(dict)
    for line in result.stdout.splitlines():
        number, at, text = line.decode().split(" ", 2)
        record = json.loads(text)
        for name in ["@timestamp", *(name for name in record if " " in name)]:
            # what stands there once more: names with blanks also come without them
            for double in ([name.replace(" ", ""), name.replace(" ", "_")] if " " in name else [name]):
                record.pop(double, None)
        files[int(number)][int(at)] = record
    return files


def main():
    paths = sorted(DATA.glob("**/*.evtx"))
    if not paths or not shutil.which("evtxexport"):
        print("skipped: no event logs, or no evtxexport\n0 passed, 0 failed, 1 skipped")
        return 0
    ours = ours_read(paths)
    count, differ, names = collections.Counter(), collections.Counter(), collections.Counter()

    def judge(peer, path, mine, text):
        try:
            theirs = parsed(text)
        except ElementTree.ParseError:
            count[peer, "no XML"] += 1
            return
        if peer == "libevtx":
            rendered = any(name.startswith("RenderingInfo_") for name in mine)
            mine = {name: value for name, value in mine.items()
                    if not (rendered and name == "Message") and not name.startswith("RenderingInfo_")}
        else:
            theirs = {name: python_told(name, values) for name, values in theirs.items()}
        count[peer, "records"] += 1
        count[peer, "fields"] += len(theirs)
        for name, a, b in compare(mine, theirs):
            differ[peer] += 1
            names[peer, name] += 1
            if differ[peer] <= SHOWN:
                print(f"DIFFERS: {peer} {path.name[-40:]} {name}: {a} not {b}")

    for number, path in enumerate(paths):
        said = subprocess.run(["evtxexport", "-f", "xml", path], capture_output=True,
                              check=False).stdout.decode(errors="replace")
        events = re.findall(r"<Event xmlns.*?</Event>", said, re.DOTALL)
        mine = [ours[number][at] for at in sorted(ours[number])]
        if len(events) != len(mine):
            count["libevtx", "other records"] += 1
            continue
        for record, text in zip(mine, events):
            judge("libevtx", path, record, text)
    small = [path for path in paths if path.stat().st_size <= SIZE_MAX]
    result = subprocess.run(["/usr/bin/python3", "-c", PYTHON], input="\n".join(map(str, small)), capture_output=True,
                            text=True, check=True)
    parts = result.stdout.split("\0")
    for place, text in zip(parts[::2], parts[1::2]):
        number, at = map(int, place.split())
        if text:
            judge("python3-evtx", small[number], ours[paths.index(small[number])].get(at, {}), text)
        else:
            count["python3-evtx", "failed"] += 1
    for what, number in [*count.items(), *names.most_common(SHOWN)]:
        print(*what, "differs:" if what in names else "", number)
    wrong = sum(1 for peer in ("libevtx", "python3-evtx") if differ[peer] or not count[peer, "records"])
    print(f"{2 - wrong} passed, {wrong} failed")
    return wrong > 0


sys.exit(main())
