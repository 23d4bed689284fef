"""Sigma over events, as plainly as it can be said: a second opinion on the engine.

Written from the Sigma specification 2.1 and docs/sigma.md, with PyYAML and `re` only; it shares
nothing with the C code, and is not quick.  A rule becomes a function of an event.

    rules = [Rule(document, path) for document in documents(text)]
    rule.applies("process_creation/windows/") and rule.fires(Event(fields, raw))

Run by itself it judges the lines of a file of derived events, {"rule_id", "event", "expected"}, by
the rules of some folders, prints how many agree, and fails if one does not:

    naive_sigma.py EVENTS.jsonl FOLDER...
"""

import base64
import datetime
import ipaddress
import itertools
import json
import pathlib
import re
import sys

import yaml


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Every scalar is its text, but for null and whole numbers of YAML 1.1 (not of base 60)."""


def whole(loader, node):
    text = loader.construct_scalar(node)
    return text if ":" in text else str(loader.construct_yaml_int(node))


Loader.yaml_implicit_resolvers = {
    first: [(tag, how) for tag, how in rows if tag.endswith((":null", ":int"))]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_constructor("tag:yaml.org,2002:int", whole)


def documents(text):
    return [document for document in yaml.load_all(text, Loader) if isinstance(document, dict)]


class Unreadable(Exception):
    """The rule says something that this reader does not know."""


# ---- Events


def fold(text):
    if text.isascii():
        return text.lower()
    return "".join(c.casefold() if len(c.casefold()) == 1 else c for c in text)


class Event:
    """fields: name to a list of values, each a text or None."""

    def __init__(self, fields, raw=""):
        self.fields = fields
        self.raw = raw

    def values(self, name):
        return [value for value in self.fields.get(name, []) if value is not None]

    def everything(self):
        yield self.raw
        for values in self.fields.values():
            yield from (value for value in values if value is not None)


def flatten(tree, path="", into=None):
    """JSON as fields: names joined by dots, lists as several values, numbers as written."""
    into = {} if into is None else into
    if isinstance(tree, dict):
        for key, value in tree.items():
            flatten(value, f"{path}.{key}" if path else key, into)
    elif isinstance(tree, list):
        for value in tree:
            flatten(value, path, into)
    else:
        text = {True: "true", False: "false"}.get(tree) if isinstance(tree, bool) else tree
        into.setdefault(path, []).append(text)
    return into


# ---- Texts: a pattern is a list of characters, MANY and ONE

MANY, ONE, DASH = object(), object(), object()
DASHES = "-/\u2013\u2014\u2015"


def pattern_of(text):
    pattern, at = [], 0
    while at < len(text):
        c = text[at]
        if c == "\\" and text[at + 1 : at + 2] in ("*", "?", "\\"):
            pattern.append(text[at + 1])
            at += 1
        else:
            pattern.append({"*": MANY, "?": ONE}.get(c, c))
        at += 1
    return pattern


def plain(pattern):
    if any(piece in (MANY, ONE) for piece in pattern):
        raise Unreadable("wildcards cannot be encoded")
    return "".join(pattern)


def is_word(piece):
    return isinstance(piece, str) and (piece.isalnum() or piece == "_")


def windash(pattern):
    return [
        DASH
        if piece in ("-", "/")
        and (at == 0 or not is_word(pattern[at - 1]))
        and is_word(pattern[at + 1] if at + 1 < len(pattern) else None)
        else piece
        for at, piece in enumerate(pattern)
    ]


def spelt(pattern):
    """Every text with its dashes written out."""
    choices = [DASHES if piece is DASH else [piece] for piece in pattern]
    return [list(pieces) for pieces in itertools.product(*choices)]


def latin(data):
    return list(data.decode("latin-1"))


def octets(pattern, wide):
    return plain(pattern).encode("latin-1" if wide else "utf-8")


def widen(pattern, codec):
    """UTF-16, an octet a character, so that what follows can treat it as text."""
    pieces = []
    for piece in pattern:
        pieces += [piece] if piece in (MANY, ONE) else latin(piece.encode(codec))
    return pieces


def base64_at(data, offset):
    text = base64.b64encode(b" " * offset + data).decode()
    return text[(0, 2, 3)[offset] : len(text) - (0, 3, 2)[(len(data) + offset) % 3]]


def transformed(modifiers, text):
    """The patterns that a value becomes under its modifiers, in their order."""
    patterns, wide = [pattern_of(text)], False
    for modifier in modifiers:
        if modifier in ("base64", "base64offset", "wide", "utf16le", "utf16be", "utf16"):
            patterns = [each for pattern in patterns for each in spelt(pattern)]
        if modifier in ("contains", "endswith"):
            patterns = [[MANY] + pattern for pattern in patterns]
        if modifier in ("contains", "startswith"):
            patterns = [pattern + [MANY] for pattern in patterns]
        if modifier == "windash":
            patterns = [windash(pattern) for pattern in patterns]
        if modifier in ("wide", "utf16le", "utf16be", "utf16"):
            codec = "utf-16-be" if modifier == "utf16be" else "utf-16-le"
            mark = latin(b"\xff\xfe") if modifier == "utf16" else []
            patterns = [mark + widen(pattern, codec) for pattern in patterns]
            wide = True
        if modifier == "base64":
            patterns = [list(base64.b64encode(octets(p, wide)).decode()) for p in patterns]
        if modifier == "base64offset":
            patterns = [list(base64_at(octets(p, wide), at)) for p in patterns for at in range(3)]
        wide = wide and not modifier.startswith("base64")
    return patterns


def text_test(pattern, cased):
    fixed = "".join(piece if isinstance(piece, str) else "" for piece in pattern)
    kinds = [piece for piece in pattern if not isinstance(piece, str)]
    wanted = fixed if cased else fold(fixed)
    look = (lambda value: value) if cased else fold
    if not kinds:
        return lambda value: look(value) == wanted
    if kinds == [MANY] and pattern[0] is MANY:
        return lambda value: look(value).endswith(wanted)
    if kinds == [MANY] and pattern[-1] is MANY:
        return lambda value: look(value).startswith(wanted)
    if kinds == [MANY, MANY] and pattern[0] is MANY and pattern[-1] is MANY:
        return lambda value: wanted in look(value)
    spelling = {MANY: ".*", ONE: ".", DASH: f"[{DASHES}]"}
    regex = "".join(
        spelling[piece] if piece in spelling else re.escape(piece if cased else fold(piece))
        for piece in pattern
    )
    found = re.compile(regex, re.DOTALL).fullmatch
    return lambda value: found(look(value)) is not None


# ---- Values of other kinds


def number(text):
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text.strip()):
        raise ValueError(text)
    return int(text) if re.fullmatch(r"\s*[-+]?\d+\s*", text) else float(text)


COMPARISONS = {
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
}

PARTS = {
    "minute": lambda t: t.minute,
    "hour": lambda t: t.hour,
    "day": lambda t: t.day,
    "week": lambda t: t.isocalendar()[1],
    "month": lambda t: t.month,
    "year": lambda t: t.year,
}


def guarded(test):
    def safe(value):
        try:
            return test(value)
        except ValueError:
            return False

    return safe


def moment(text):
    time = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return time.astimezone(datetime.timezone.utc) if time.tzinfo else time


def address(text):
    found = ipaddress.ip_address(text)
    return getattr(found, "ipv4_mapped", None) or found


def value_test(modifiers, text):
    """A function of one value of the event."""
    if "re" in modifiers:
        flags = {"i": re.I, "ignorecase": re.I, "m": re.M, "multiline": re.M, "s": re.S}
        flags["dotall"] = re.S
        found = re.compile(text, sum(flags.get(name, 0) for name in set(modifiers))).search
        return lambda value: found(value) is not None
    if "cidr" in modifiers:
        network = ipaddress.ip_network(text, strict=False)
        return guarded(lambda value: address(value) in network)
    for name, compare in COMPARISONS.items():
        if name in modifiers:
            than = number(text)
            return guarded(lambda value: compare(number(value), than))
    for name, part in PARTS.items():
        if name in modifiers:
            wanted = number(text)
            return guarded(lambda value: part(moment(value)) == wanted)
    cased = "cased" in modifiers
    tests = [text_test(pattern, cased) for pattern in transformed(modifiers, text)]
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


# ---- Searches

KNOWN = set(
    "contains startswith endswith windash base64 base64offset wide utf16le utf16be utf16 all cased"
    " neq re i m s ignorecase multiline dotall cidr exists lt lte gt gte fieldref expand minute"
    " hour day week month year".split()
)


def one_value(field, modifiers, value):
    """A function of the event: does the field (any place without one) fit this value?"""
    if "exists" in modifiers:
        wanted = value.lower() in ("true", "yes", "on")
        return lambda event: (field in event.fields) == wanted
    if value is None:
        return lambda event: all(v is None for v in event.fields.get(field, []))
    if "expand" in modifiers and re.search(r"(?<!\\)%[\w.-]+%", value):
        raise Unreadable("a placeholder")
    if "fieldref" in modifiers:
        look = (lambda text: text) if "cased" in modifiers else fold
        fits = (
            str.__contains__
            if "contains" in modifiers
            else str.startswith
            if "startswith" in modifiers
            else str.endswith
            if "endswith" in modifiers
            else str.__eq__
        )
        return lambda event: any(
            fits(look(a), look(b)) for a in event.values(field) for b in event.values(value)
        )
    if field:
        test = value_test(modifiers, value)
        return lambda event: any(test(v) for v in event.values(field))
    test = value_test(modifiers if "re" in modifiers else [*modifiers, "contains"], value)
    return lambda event: any(test(v) for v in event.everything())


def item(key, values):
    field, *modifiers = key.split("|")
    if set(modifiers) - KNOWN:
        raise Unreadable(f"modifiers {modifiers}")
    values = values if isinstance(values, list) else [values]
    tests = [one_value(field, modifiers, value) for value in values or [None]]
    joined = all if "all" in modifiers else any
    if "neq" in modifiers:
        return lambda event: not joined(test(event) for test in tests)
    return lambda event: joined(test(event) for test in tests)


def search(node):
    if isinstance(node, dict):
        tests = [item(key or "", value) for key, value in node.items()]
        return lambda event: all(test(event) for test in tests)
    if isinstance(node, list):
        tests = [search(member) for member in node]
        return lambda event: any(test(event) for test in tests)
    return one_value("", [], node)


# ---- Conditions


def condition(text, searches):
    words = re.findall(r"[()]|[^\s()]+", text)

    def word():
        return words[0].lower() if words else ""

    def primary():
        if word() == "(":
            words.pop(0)
            inside = either()
            if not words or words.pop(0) != ")":
                raise Unreadable("parentheses")
            return inside
        if word() in ("1", "any", "all") and words[1:2] and words[1].lower() == "of":
            joined = all if words.pop(0).lower() == "all" else any
            words.pop(0)
            name = words.pop(0)
            like = "*" if name == "them" else name
            regex = re.compile(".*".join(re.escape(part) for part in like.split("*")))
            tests = [
                test
                for known, test in searches.items()
                if regex.fullmatch(known) and (like[0] == "_" or known[0] != "_")
            ]
            if not tests:
                raise Unreadable(f"nothing is called {name}")
            return lambda event: joined(test(event) for test in tests)
        if not words or words[0] not in searches:
            raise Unreadable(f"nothing is called {words[:1]}")
        return searches[words.pop(0)]

    def unary():
        if word() == "not":
            words.pop(0)
            test = unary()
            return lambda event: not test(event)
        return primary()

    def series(joint, member, joined):
        tests = [member()]
        while word() == joint:
            words.pop(0)
            tests.append(member())
        return tests[0] if len(tests) == 1 else lambda event: joined(t(event) for t in tests)

    def both():
        return series("and", unary, all)

    def either():
        return series("or", both, any)

    test = either()
    if words:
        raise Unreadable(f"{words[0]} does not belong here")
    return test


def names_of(node):
    """The fields that a search names, which fieldref's are among."""
    if isinstance(node, list):
        return set().union(*map(names_of, node))
    if not isinstance(node, dict):
        return set()
    names = {key.split("|")[0] for key in node if key}
    named = [values for key, values in node.items() if "fieldref" in (key or "")]
    names.update(v for values in named for v in (values if isinstance(values, list) else [values]))
    return names.union(*map(names_of, node.values()))


class Rule:
    def __init__(self, document, path):
        detection = document["detection"]
        source = document.get("logsource") or {}
        self.id = document.get("id") or str(path)
        self.source = [fold(source.get(key) or "") for key in ("category", "product", "service")]
        searches = {
            str(name): search(node)
            for name, node in detection.items()
            if name not in ("condition", "timeframe")
        }
        self.names = sorted(names_of(list(detection.values())))
        texts = detection["condition"]
        texts = texts if isinstance(texts, list) else [texts]
        self.conditions = [condition(text, searches) for text in texts]

    def applies(self, kind):
        parts = fold(kind or "//").split("/", 2)
        return all(not w or w in part.split("|") for w, part in zip(self.source, parts))

    def fires(self, event):
        return any(test(event) for test in self.conditions)


def rules_of(folders):
    """The rules that this reader understands, by id, and what it does not understand."""
    rules, unread = {}, []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.yml")):
            for document in documents(path.read_text("utf-8")):
                try:
                    rule = Rule(document, path)
                    rules[rule.id] = rule
                except (Unreadable, KeyError, re.error, ValueError) as reason:
                    unread.append((path, reason))
    return rules, unread


def main(events, *folders):
    rules, unread = rules_of(folders)
    lines = agree = 0
    for line in open(events, encoding="utf-8"):
        row = json.loads(line, parse_int=str, parse_float=str)
        fields = row["event"]
        raw = fields.pop("_raw", None) or ""
        event = Event({k: v if isinstance(v, list) else [v] for k, v in flatten(fields).items()}, raw)
        fires = rules[row["rule_id"]].fires(event)
        lines += 1
        agree += fires == row["expected"]
        if fires != row["expected"]:
            print("differs:", row["rule_id"], row.get("kind"), line[:300])
    print(f"{len(rules)} rules, {len(unread)} not understood; {agree} of {lines} agree")
    return 0 if lines > 0 and agree == lines else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
