"""Cases through `hinomi parse`, and what of each came out right.

Records go to few processes, as many as there are zones and files with a header.  The output is one
line a record, in order; where that is not so the record is lost, which no figure may hide.
"""

import collections
import csv
import functools
import json
import pathlib
import re
import subprocess
import tempfile

import yaml

from cases import NAMES
from comparing import flat, moment, moments_same, values_same

GENERAL = re.compile(r"none$|syslog$|json$|$")  # parsers that know no product


class Wrong:
    """A field that did not come out as expected, and why."""

    __slots__ = ("case", "expect", "reason", "got", "known")

    def __init__(self, case, expect, reason, got=None):
        self.case, self.expect, self.reason, self.got, self.known = case, expect, reason, got, None


class Family:
    """What is counted of one family."""

    def __init__(self):
        self.cases = self.right = 0
        self.wrong, self.lost = [], []
        self.parsers = collections.Counter()

    def counted(self):
        return [wrong for wrong in self.wrong if wrong.known is None]


def outputs(hinomi, records, zone):
    """A list as long as `records`: what `hinomi parse` printed for each, None where it did not."""
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(b"\n".join(records) + b"\n")
        file.flush()
        done = subprocess.run([hinomi, "parse", "--zone", zone, file.name], capture_output=True, check=False,
                              timeout=200)
    printed = collections.deque(json.loads(line) for line in done.stdout.splitlines())
    ret = []
    for record in records:
        text = record.decode("utf-8", "replace")
        fits = bool(printed) and printed[0].get("event", {}).get("original") == text
        if not fits and len(printed) == len(records) - len(ret):
            printed.popleft()  # printed, but not with the record's own text: lost all the same
            ret.append(None)
            continue
        ret.append(printed.popleft() if fits else None)
    return ret


def parse_all(hinomi, cases):
    """Yields each case with its records' fields: [{name: values} or None, …]."""
    batches = collections.defaultdict(list)
    for case in cases:
        batches[(case.zone, case.group)].append(case)
    for (zone, _), batch in batches.items():
        printed = iter(outputs(hinomi, [record for case in batch for record in case.records], zone))
        for case in batch:
            got = [next(printed) for _ in case.records]
            yield case, [None if one is None else flat(one) for one in got]


# ---- One field.

def judged(expect, case, fields):
    """(reason or None, what came out) of one expected field in one record's fields."""
    if expect.kind == "leaves":
        return leaves_judged(expect.value, fields)
    got = [value for name in expect.names for value in fields.get(name, [])]
    if expect.kind == "absent":
        return ("not absent", got) if got else (None, None)
    if expect.kind == "parser":
        fits = any(re.fullmatch(expect.value, str(value)) for value in got)
        return (None, None) if fits else ("no parser" if parserless(fields) else "other parser", got)
    if expect.kind == "any":
        fits = any(values_same(expect.value, values) for name, values in fields.items()
                   if name not in ("event.original", "message"))
        return (None, None) if fits else ("missing", None)
    if expect.kind == "values":
        wanted = expect.value if isinstance(expect.value, list) else [expect.value]
        there = [value for name, values in fields.items() if name not in ("event.original", "message")
                 for value in values]
        return (None, None) if values_same(wanted, there) else ("missing", got or None)
    if expect.kind == "moment":
        return moment_judged(expect, case, got)
    if values_same(expect.value, got):
        return None, None
    return ("differs", got) if got else ("missing", None)


def moment_judged(expect, case, got):
    seconds = zone_seconds(case.zone)
    wanted = moment(expect.value, seconds)
    if wanted is None:
        return ("not a time", got)
    year = re.search(r"(?:19|20)\d\d", str(expect.value))
    text = b"".join(case.records).decode("utf-8", "replace")
    with_year = (year is not None and year[0] in text) or year is None and re.match(r"1\d{9}", str(expect.value))
    fits = any(moments_same(wanted, moment(value), bool(with_year), wanted == int(wanted)) for value in got)
    return (None, None) if fits else ("other time" if got else "missing", got)


def zone_seconds(zone):
    if zone == "UTC":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)


def leaves_judged(record, fields):
    """Every leaf of a JSON record keeps its name and its value."""
    for name, values in flat(record).items():
        values = [value for value in values if value is not None and value != ""]
        candidates = fields.get(name) or fields.get(name + ".value") or []
        if values and not values_same(values, candidates):
            return "differs" if candidates else "missing", {name: candidates}
    return None, None


def parserless(fields):
    return GENERAL.match(str((fields.get("hinomi.parser") or [""])[0])) is not None


# ---- All.

def judge(hinomi, cases, known_path, names):
    """({family: Family}, {name: record}): the counts, and the emitted names that nobody declared."""
    families = collections.defaultdict(Family)
    strange, declared, columns = {}, {}, collections.defaultdict(set)
    for case, got in parse_all(hinomi, cases):
        family = families[case.family]
        family.cases += 1
        for record, fields in zip(case.records, got):
            if fields is None:
                family.lost.append(case)
                continue
            if case.group and record.startswith(b"#fields\t"):
                columns[case.group].update(["_path", *record.decode("utf-8", "replace").split("\t")[1:]])
            family.parsers[str((fields.get("hinomi.parser") or ["none"])[0])] += 1
            for name in fields:
                if name not in declared:
                    declared[name] = names.declared(name)
                if not declared[name] and name not in strange and name not in columns[case.group] \
                        and name not in own_names(record):
                    strange[name] = record
        there = [fields for fields in got if fields is not None]
        for expect in case.expected:
            wrong = case_judged(expect, case, there)
            if wrong is None:
                family.right += 1
            else:
                family.wrong.append(wrong)
    known_apply(families, known_path)
    return families, strange


def case_judged(expect, case, there):
    """None, or why none of a case's records has the field."""
    answers = [judged(expect, case, fields) for fields in there]
    if expect.kind == "absent":
        answers = [answer for answer in answers if answer[0]] or [(None, None)]
    if any(reason is None for reason, _ in answers):
        return None
    if not answers:
        return Wrong(case, expect, "lost")
    best = next((answer for answer in answers if answer[0] != "missing"), answers[0])
    if expect.kind != "parser" and best[0] == "missing" and all(parserless(fields) for fields in there):
        return Wrong(case, expect, "no parser", best[1])
    return Wrong(case, expect, *best)


def known_apply(families, path):
    with open(path, encoding="utf-8") as file:
        rows = yaml.safe_load(file)["known"] or []
    for row in rows:
        row["used"] = 0
        for name, family in families.items():
            if not matches(row["family"], name):
                continue
            for wrong in family.wrong:
                if "only" in row and str(wrong.expect.value) != str(row["only"]):
                    continue
                if wrong.known is None and wrong.reason not in ("lost", "no parser") and any(
                        matches(row["field"], field) for field in wrong.expect.names):
                    wrong.known = row["why"]
                    row["used"] += 1
    return [row for row in rows if not row["used"]]


def matches(pattern, text):
    """A pattern as of a shell, where * is anything and nothing else is special."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


# ---- Names.

class Names:
    """Which names a parser may emit: ECS's, a declared vendor's, or the record's own."""

    def __init__(self, root, data):
        self.ecs, self.open_names = set(NAMES["others"]), []
        with open(data / "ecs/fields.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.ecs.add(row["Field"])
                if row["Type"] in ("object", "flattened", "nested"):
                    self.open_names.append(row["Field"] + ".")
        self.vendors = {"hinomi."} | {vendor + "." for vendor in NAMES["vendors"]}
        for path in sorted(pathlib.Path(root, "parsers").glob("*.yaml")):
            with open(path, encoding="utf-8") as file:
                vendor = yaml.safe_load(file).get("vendor") or []
            self.vendors.update(one.rstrip(".") + "." for one in ([vendor] if isinstance(vendor, str) else vendor))
        self.vendors, self.open_names = tuple(self.vendors), tuple(self.open_names)

    def declared(self, name):
        return name in self.ecs or name.startswith(self.vendors) or name.startswith(self.open_names)


@functools.lru_cache(maxsize=64)
def own_names(record):
    """The names that a record brings itself, which count as its vendor's: of the leaves of its JSON, also of JSON inside
    a text of it, and of a Windows event's XML (System's elements and attributes, EventData's names)."""
    text = record.decode("utf-8", "replace")
    ret = set()
    if "<Event" in text:
        ret.update(re.findall(r"Name=['\"]([^'\"]+)['\"]", text))
        for element, attributes in re.findall(r"<(\w+)([^<>]*)>", text):
            ret.add(element)
            ret.update(f"{element}_{name}" for name in re.findall(r"(\w+)=", attributes))
    start = text.find("{")
    while start >= 0:
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        except ValueError:
            start = text.find("{", start + 1)
            continue
        json_names(value, ret)
        break
    return ret


def json_names(value, ret):
    for name, values in flat(value).items():
        ret.update((name, name + ".value"))
        for one in values:
            if isinstance(one, str) and one.startswith("{"):
                try:
                    json_names(json.loads(one), ret)
                except ValueError:
                    pass
