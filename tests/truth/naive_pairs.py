"""Pairs of a rule and an event, judged by the engine and by naive_sigma.py: any difference fails.

    HINOMI_TEST_DATA=… naive_pairs.py JUDGE_LINES [PAIRS]

Events are those derived from SigmaHQ's rules, in their rules' classes, and recorded ones: OTRF's
archives, decoded Windows event logs, CloudTrail, samples of thirty services.  Of a recorded event
the engine says the class, which is not what is tested here; so is what else a field is called
(src/detect/judge_lines.c), so that rules look at recorded events under their own fields' names alone.

Two fifths of the pairs are an event and a rule of its class: those that the engine fires, and
others, drawn.  The rest are matches, as the naive side says, of which one field was changed: deleted,
emptied, in other case, with something before, behind or inside, or with the value of another event;
the class stays what it was.  The seed is fixed.  PAIRS: how many (the long form: 1200000).
"""

import collections
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import naive_sigma

FOLDERS = (
    "rules",
    "rules-compliance",
    "rules-emerging-threats",
    "rules-placeholder",
    "rules-threat-hunting",
)
GONE = object()  # a field that is not there any more
SHOWN = 20  # differences that are printed


def changes(values, others, chance):
    """A field's values in other forms; most of them decide a rule otherwise, some do not."""
    place = chance.randrange(len(values)) if values else 0
    text = values[place] if values and values[place] else ""
    at = chance.randrange(len(text) + 1)
    yield GONE
    for other in (
        text.swapcase(),
        text.upper(),
        text + chance.choice("x \\/-*?%"),
        chance.choice("x \\/-.") + text,
        text[:at] + chance.choice("\u00e9\u017f*?1 ") + text[at:],
        text[: max(0, at - 1)] + text[at:],
        text.replace("-", "/"),
        text.replace("/", "\u2013"),
        text[::-1],
        "",
        None,
        chance.choice(others),
    ):
        yield [*values[:place], other, *values[place + 1 :]]
    yield [*values, chance.choice(others)]
    yield others


def parsed(line):
    return json.loads(line, parse_int=str, parse_float=str)


def derived(data):
    """(class, record, fields) of events made from rules."""
    for line in (data / "sigma/rule-derived-events.jsonl").open(encoding="utf-8"):
        row = parsed(line)
        raw = row["event"].pop("_raw", None) or ""
        source = row["logsource"]
        kind = "/".join(source.get(part) or "" for part in ("category", "product", "service"))
        yield kind, raw, naive_sigma.flatten(row["event"])


def archived(path):
    """(member, lines) of a zip or tar file."""
    if path.suffix == ".zip":
        box = zipfile.ZipFile(path)
        return [(name, box.open(name)) for name in box.namelist() if name.endswith(".json")]
    box = tarfile.open(path)
    return [(item.name, box.extractfile(item)) for item in box if item.isfile()]


def recorded(data, share):
    """Recorded events; of OTRF's, those that are expected to match and every so many of the rest."""
    base = data / "windows-json/otrf-security-datasets"
    wanted = set()
    for line in (base / "expected-detections.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        wanted.add((row["archive"], row["member"], row["line"]))
    archives = [path for path in sorted((base / "archives").rglob("*.*")) if path.is_file()]
    for archive in archives[:: 1 + share // 200]:
        name = str(archive.relative_to(base / "archives"))
        for member, lines in archived(archive):
            for place, line in enumerate(lines, 1):
                if line.strip() and (place % share == 0 or (name, member, place) in wanted):
                    yield parsed(line)
    path = data / "windows-evtx/evtx-to-mitre-attack/decoded.jsonl.gz"
    for place, line in enumerate(gzip.open(path, "rt", encoding="utf-8")):
        row = parsed(line)
        if place % max(1, share // 10) == 0:
            inner = [v for v in (row["UserData"] or {}).values() if isinstance(v, dict)]
            yield dict(collections.ChainMap(row["System"], row["EventData"] or {}, *inner))
    for path in sorted((data / "cloud-and-saas/aws-cloudtrail-invictus/CloudTrail").glob("*.json")):
        yield from parsed(path.read_text("utf-8"))["Records"]
    for path in sorted((data / "cloud-and-saas/panther-analysis").glob("*.jsonl")):
        for line in path.open(encoding="utf-8"):
            yield parsed(line)["event"]


def line_of(kind, raw, fields):
    return json.dumps({"class": kind, "raw": raw, "event": fields}).encode() + b"\n"


def engine(judge, rules, lines):
    """The class of each line and the (line, rule) that fire, as the engine says."""
    lines.seek(0)
    with tempfile.NamedTemporaryFile(suffix=".rules") as file:
        file.write(b"\0".join(rules))
        file.flush()
        run = subprocess.run([judge, file.name], stdin=lines, stdout=subprocess.PIPE, check=True)
    kinds, fired = [], set()
    for row in run.stdout.decode().splitlines():
        number, text = row.split(" ", 1)
        if text.startswith("= "):
            kinds.append(text[2:])
        else:
            fired.add((int(number), text))
    return kinds, fired


class Draw:
    """Lines for the engine, and of each the rules to compare with what naive_sigma.py says."""

    def __init__(self, rules, lines):
        self.chance = random.Random(20261122)
        self.sources = collections.defaultdict(list)
        for rule in rules.values():
            self.sources[tuple(rule.source)].append(rule)
        self.near = {}
        self.lines = lines
        self.verdicts = []  # (line, rule, fires)
        self.count = 0  # of lines
        self.changed = self.true = self.real = 0
        self.kinds = collections.Counter()

    def rules_for(self, kind):
        if kind not in self.near:
            fitting = [rules for rules in self.sources.values() if rules[0].applies(kind)]
            self.near[kind] = [rule for rules in fitting for rule in rules]
        return self.near[kind]

    def put(self, kind, raw, fields, rules):
        """Adds an event and rules to hold against it; which of them fire."""
        event = naive_sigma.Event(fields, raw)
        found = []
        for rule in rules:
            fires = rule.fires(event)
            self.verdicts.append((self.count, rule, fires))
            self.true += fires
            if fires:
                found.append(rule)
        self.lines.write(line_of(kind, raw, fields))
        self.kinds[kind] += len(rules)
        self.count += 1
        return found

    def change(self, rule, kind, raw, fields, real, pool):
        """A match with one field changed, in every way."""
        named = [name for name in rule.names if name in fields]
        if not named or self.chance.random() < 0.1:
            named = sorted(fields)
        if not named:
            return
        name = self.chance.choice(named)
        others = [self.chance.choice(pool[name] or [""]), self.chance.choice(pool[None])]
        for values in changes(fields[name], others, self.chance):
            other = {**fields, name: values}
            if values is GONE:
                del other[name]
            self.put(kind, raw, other, [rule])
            self.changed += 1
            self.real += real


def draw(events, kinds, fired, rules, lines, pairs):
    """Pairs of these events, and matches of theirs with a change."""
    drawn = Draw(rules, lines)
    known = collections.defaultdict(list)
    for number, name in sorted(fired):
        if name in rules:
            known[number].append(rules[name])
    pool = collections.defaultdict(list)
    matches = []
    for number, ((made, raw, fields), kind) in enumerate(zip(events, kinds, strict=True)):
        for name, values in fields.items():
            pool[name] += [value for value in values if value]
            pool[None] += [value for value in values if value]
        near = drawn.rules_for(kind) if kind else []
        some = drawn.chance.sample(near, min(2 * pairs // 5 // len(events), len(near)))
        some += [rule for rule in known[number] if rule not in some]
        found = drawn.put(kind, raw, fields, some)
        matches += [(rule, kind, raw, fields, not made) for rule in found]
        drawn.real += 0 if made else len(some)
    drawn.chance.shuffle(matches)
    while matches and len(drawn.verdicts) < pairs:
        for match in matches:
            drawn.change(*match, pool)
            if len(drawn.verdicts) >= pairs:
                break
    return drawn


def main(judge, pairs="30000"):
    if not os.environ.get("HINOMI_TEST_DATA"):
        print("skipped: the SigmaHQ rules are not here")
        return 77
    start, pairs = time.monotonic(), int(pairs)
    data = pathlib.Path(os.environ["HINOMI_TEST_DATA"])
    folders = [data / "sigma" / name for name in FOLDERS]
    rules, unread = naive_sigma.rules_of(folders)
    files = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.yml"))]
    own = list(derived(data))
    real = [("", "", naive_sigma.flatten(e)) for e in recorded(data, max(20, 24000000 // pairs))]
    events = own + [(k, r if len(f) % 4 else json.dumps(f), f) for k, r, f in real]
    random.Random(7).shuffle(events)
    del events[max(200, pairs // 20) :]
    with tempfile.TemporaryFile() as lines:
        lines.writelines(line_of(*event) for event in events)
        kinds, fired = engine(judge, files, lines)
    with tempfile.TemporaryFile() as lines:
        drawn = draw(events, kinds, fired, rules, lines, pairs)
        kinds, fired = engine(judge, files, lines)
        differ = [
            (number, rule.id, fires)
            for number, rule, fires in drawn.verdicts
            if ((number, rule.id) in fired) != (fires and rule.applies(kinds[number]))
        ]
        shown = {number: (name, fires) for number, name, fires in differ[:SHOWN]}
        lines.seek(0)
        for number, text in enumerate(lines if shown else ()):
            if number in shown:
                print("differs: %s: plainly %s:" % shown[number], text.decode()[:2000].rstrip())
    print(
        f"{len(rules)} rules, {len(unread)} not understood; {len(own)} events of rules and "
        f"{len(real)} recorded ones, of which {len(events)} in {len(drawn.kinds)} classes; "
        f"{len(drawn.verdicts)} pairs ({drawn.real} of recorded events), of which {drawn.true} "
        f"match and {drawn.changed} are matches with one field changed; {len(differ)} differ; "
        f"{time.monotonic() - start:.0f} s"
    )
    return 1 if differ or not drawn.verdicts else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
