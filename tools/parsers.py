#!/usr/bin/env python3
"""Reads parsers/*.yaml, checks them, and makes what the engine in src/parse/ reads.

    parsers.py check [FILE...]            all files, or these alone
    parsers.py table HEADER SOURCE SAMPLES
    parsers.py page                       docs/parsers.md
    parsers.py ecs                        parsers/ecs.yaml anew, from HINOMI_TEST_DATA

parsers/README.md describes the files.  Whatever is refused is told with file, line and column.
"""

import csv
import difflib
import glob
import os
import re
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = ("name", "about", "vendor", "class", "rank", "recognise", "set", "sets", "prefix", "rows", "rows_required",
       "pairs", "columns", "json", "code", "fields", "others", "names", "lists", "header", "empty", "maps", "steps",
       "inner", "like", "samples")
SHAPES = ("pairs", "columns", "json", "code")
MARKS = ("program", "begins", "contains", "keys", "columns", "looks", "any", "bare")
ROW = ("match", "in", "when", "with", "set", "class", "fields")
SAMPLE = ("line", "before", "fields", "absent", "class", "parser", "received", "zone", "charset")
TYPES = ("any", "last", "escaped", "word", "int", "num", "hex", "ip", "port", "mac", "peer", "quoted", "oneof", "blanks",
         "lower", "upper", "bsd", "iso", "clf", "asctime", "epoch", "epoch_ms", "at", "s", "ms", "us", "ns", "clock",
         "time", "endpoint")
OPEN = ("", "any", "last", "escaped", "lower", "upper")  # what ends where the pattern goes on
TIMES = ("time", "bsd", "iso", "clf", "asctime", "epoch", "epoch_ms", "at")
STEPS = {  # the first key names the step; what else it may have
    "url": (), "request": (), "user": (), "mail": (), "sum": ("to",), "join": ("to", "between"),
    "time": ("as", "to"), "copy": ("to", "as"), "split": ("to", "by", "as"), "in": ("match", "pairs"),
    "plus": (), "labels": ("to",), "named": ("fields",),
}
NAME = re.compile(r"@timestamp|[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_@-]+)*")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CLASS = re.compile(r"[a-z0-9_.|-]*/[a-z0-9_.|-]*/[a-z0-9_.|-]*")
CAPTURE = re.compile(r"\{([@A-Za-z_][A-Za-z0-9_.@-]*)(?::([a-z_]+)(?:\(([^)]*)\))?)?\}")
LITERAL_MIN = 4  # of what must be contained, where nothing else tells a parser


class Mistake(Exception):
    def __init__(self, node, text):
        mark = node.start_mark
        super().__init__(f"{mark.name}:{mark.line + 1}:{mark.column + 1}: {text}")


def pairs(node, known=None):
    """The pairs of a mapping as (key's text, key's node, value)."""
    if not isinstance(node, yaml.MappingNode):
        raise Mistake(node, "a mapping is expected here")
    seen = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Mistake(key, "a name is expected here")
        if key.value in seen:
            raise Mistake(key, f"'{key.value}' stands twice")
        if known is not None and key.value not in known:
            near = difflib.get_close_matches(key.value, known, 1)
            raise Mistake(key, f"'{key.value}' is not known here; " + (
                f"did you mean '{near[0]}'?" if near else f"it may be {', '.join(known)}"))
        seen.add(key.value)
        yield key.value, key, value


def part(node, known):
    return {name: value for name, _, value in pairs(node, known)}


def items(node):
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


def text(node, empty=False):
    if not isinstance(node, yaml.ScalarNode) or not (node.value or empty):
        raise Mistake(node, "a text is expected here")
    return node.value


def texts(node):
    return [text(item) for item in items(node)]


def number(node, low, high):
    value = text(node)
    if not re.fullmatch(r"-?[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise Mistake(node, f"a number from {low} to {high} is expected here")
    return int(value)


def truth(node):
    if text(node) not in ("yes", "no", "true", "false"):
        raise Mistake(node, "yes or no is expected here")
    return node.value in ("yes", "true")


class Names:
    """Which names of fields there are."""

    def __init__(self):
        with open(os.path.join(ROOT, "parsers/ecs.yaml"), encoding="utf-8") as file:
            read = yaml.safe_load(file)
            self.listed, self.lists = set(read["names"]), set(read.get("lists", []))
        self.all = set(self.listed) | names_of_data()
        self.used = {}

    def check(self, name, node, vendors):
        if name.startswith("_"):
            return name
        if not NAME.fullmatch(name):
            raise Mistake(node, f"'{name}' is no name of a field")
        if any(name == vendor or name.startswith(vendor + ".") for vendor in vendors):
            return name
        if name not in self.all and not name.startswith("labels."):
            near = difflib.get_close_matches(name, self.all, 1, 0.8)
            raise Mistake(node, f"'{name}' is neither in ECS nor below {', '.join(vendors) or 'a vendor'}" + (
                f"; did you mean '{near[0]}'?" if near else ""))
        self.used.setdefault(name, node)
        return name


def names_of_data():
    """ECS as a whole, where the test data are."""
    path = os.path.join(os.environ.get("HINOMI_TEST_DATA", ""), "ecs/fields.csv")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as file:
        return {line.split(",")[3] for line in file if line.count(",") > 3}


def lists_of_data():
    """The names of ECS that may have several values."""
    path = os.path.join(os.environ.get("HINOMI_TEST_DATA", ""), "ecs/fields.csv")
    with open(path, encoding="utf-8", newline="") as file:
        return {row["Field"] for row in csv.DictReader(file) if row["Normalization"] == "array"}


class Pattern:
    """Pieces: ('text', TEXT), ('take', NAME, TYPE, ARGUMENT), ('open',), ('close',)."""

    def __init__(self, node, parser):
        self.source, self.node, self.pieces = text(node), node, []
        at, inside, source = 0, False, self.source
        while at < len(source):
            capture = CAPTURE.match(source, at)
            if capture:
                self.take(capture, parser)
                at = capture.end()
            elif source.startswith("[[", at) and not inside and "]]" in source[at:]:
                self.pieces.append(("open",))
                inside, at = True, at + 2
            elif source.startswith("]]", at) and inside:
                self.pieces.append(("close",))
                inside, at = False, at + 2
            elif source[at] == "{" and re.match(r"\{[@A-Za-z_.]+[:}]", source[at:]):
                raise Mistake(node, f"'{source[at:at + 24]}' is no capture; it is {{NAME:TYPE}}")
            else:
                at += 2 if source[at:at + 2] in ("\\{", "\\[", "\\]") else 1
                self.text(source[at - 1])
        self.check()

    def text(self, char):
        if self.pieces and self.pieces[-1][0] == "text":
            self.pieces[-1] = ("text", self.pieces[-1][1] + char)
        else:
            self.pieces.append(("text", char))

    def take(self, capture, parser):
        name, kind, argument = capture.group(1), capture.group(2) or "", capture.group(3) or ""
        kind_check(kind, argument, self.node)
        parser.told(name, kind, self.node)
        self.pieces.append(("take", name, kind, argument))

    def check(self):
        for i, piece in enumerate(self.pieces):
            after = next((other for other in self.pieces[i + 1:] if other[0] != "close"), None)
            if piece[0] == "open" and (after is None or after[0] != "text"):
                raise Mistake(self.node, "a part that may be missing begins with a text of its own")
            if piece[0] == "take" and piece[2] in OPEN and after is not None and after[0] == "take":
                raise Mistake(self.node, f"where does '{piece[1]}' end? a text has to stand between it and '{after[1]}'")

    def literal(self):
        """The text that it begins with."""
        return self.pieces[0][1] if self.pieces and self.pieces[0][0] == "text" else ""


def kind_check(kind, argument, node):
    if kind and kind not in TYPES:
        near = difflib.get_close_matches(kind, TYPES, 1)
        raise Mistake(node, f"there is no type '{kind}'" + (f"; did you mean '{near[0]}'?" if near else ""))
    if (kind in ("oneof", "at")) != bool(argument):
        raise Mistake(node, f"'{kind}' {'needs' if not argument else 'has no'} (…)")
    if kind == "at" and re.sub(r"%[aAbBdefHIjmMpSTyYz%]", "", argument).count("%"):
        raise Mistake(node, f"'{argument}' has a letter behind '%' that is not known")


def root_read(path):
    """A file; with 'like', what it does not say itself is what another one says."""
    with open(path, encoding="utf-8") as file:
        root = yaml.compose(file)
    if root is None:
        raise SystemExit(f"parsers.py: {path}: empty")
    own = {key: value for key, _, value in pairs(root)}
    if "like" in own:
        other = os.path.join(os.path.dirname(path), text(own["like"]) + ".yaml")
        if not os.path.exists(other):
            raise Mistake(own["like"], f"there is no {os.path.basename(other)}")
        shaped = any(shape in own for shape in SHAPES)
        for key, value in root_read(other).value:
            if key.value not in own and key.value not in ("recognise", "samples", "rank", "like") and not (
                    shaped and key.value in SHAPES):
                root.value.append((key, value))
    return root


class Parser:
    """One file, read and checked."""

    def __init__(self, path, names):
        root = root_read(path)
        self.path, self.names, self.root = path, names, root
        self.known = {"message", "@timestamp", "_program", "_host", "_event", "_pid", "_msgid"}
        top = part(root, TOP)
        for needed in ("name", "about", "samples"):
            if needed not in top:
                raise Mistake(root, f"'{needed}' is missing")
        self.name = text(top["name"])
        if not SLUG.fullmatch(self.name) or os.path.basename(path) != self.name + ".yaml":
            raise Mistake(top["name"], "the name is the file's, of a-z, 0-9 and '-'")
        self.about = text(top["about"])
        self.vendors = texts(top["vendor"]) if "vendor" in top else []
        self.cls = self.class_of(top.get("class"))
        self.rank = number(top["rank"], 0, 99) if "rank" in top else 50
        self.shape = [shape for shape in SHAPES if shape in top and text_or(top[shape]) != "no"]
        if len(self.shape) > 1:
            raise Mistake(top[self.shape[1]], f"a file has one shape; '{self.shape[0]}' stands here already")
        self.shape = self.shape[0] if self.shape else "rows"
        self.code = text(top["code"]) if self.shape == "code" else ""
        self.empty = [text(item, True) for item in items(top["empty"])] if "empty" in top else []
        self.rows_required = truth(top["rows_required"]) if "rows_required" in top else False
        self.shape_read(top)
        self.prefix = Pattern(top["prefix"], self) if "prefix" in top else None
        self.marks = [self.mark_read(item) for item in items(top["recognise"])] if "recognise" in top else []
        self.fields = self.fields_read(top["fields"]) if "fields" in top else {}
        self.others = self.others_read(top.get("others"))
        self.set = self.set_read(top["set"]) if "set" in top else []
        self.sets = {name: self.set_read(value) for name, _, value in pairs(top["sets"])} if "sets" in top else {}
        self.rows = [self.row_read(item) for item in items(top["rows"])] if "rows" in top else []
        self.steps = [self.step_read(item) for item in items(top["steps"])] if "steps" in top else []
        self.maps = [self.map_read(item) for item in items(top["maps"])] if "maps" in top else []
        self.inner = self.inner_read(top["inner"]) if "inner" in top else None
        if self.shape == "rows" and not self.rows and not self.prefix:
            raise Mistake(root, "there are neither rows nor a shape: pairs, columns, json or code")
        self.samples = [self.sample_read(item) for item in items(top["samples"])]
        self.asked_check()

    def told(self, name, kind, node):
        """A name that a value gets."""
        self.known.add(name)
        if kind not in ("peer", "endpoint"):
            self.names.check(name, node, self.vendors)
            return
        for end in (".address", ".ip", ".domain") + ((".port",) if kind == "endpoint" else ()):
            self.known.add(name + end)
            self.names.check(name + end, node, self.vendors)

    def asked_check(self):
        for name, node in getattr(self, "asked", []):
            if self.shape == "json" or self.shape == "code":
                continue  # A leaf of the document, or what the code tells.
            if name in self.known or (self.shape in ("pairs", "columns") and self.others):
                continue
            near = difflib.get_close_matches(name, self.known, 1)
            raise Mistake(node, f"nothing here gives '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))

    def ask(self, node):
        """A name that a value should have by then."""
        name = text(node)
        if not hasattr(self, "asked"):
            self.asked = []
        self.asked.append((name, node))
        return name

    def class_of(self, node):
        if node is None:
            return ""
        if not CLASS.fullmatch(text(node)):
            raise Mistake(node, f"'{node.value}' is no category/product/service")
        return node.value

    def shape_read(self, top):
        self.pairs, self.columns, self.header, self.lists, self.names_known = None, None, "", [], []
        for only, shape in (("names", "columns"), ("lists", "columns"), ("header", "columns")):
            if only in top and self.shape != shape:
                raise Mistake(top[only], f"'{only}' belongs to {shape}")
        if self.shape == "pairs":
            self.pairs = self.pairs_read(top["pairs"])
        if self.shape == "columns":
            read = part(top["columns"], ("separator", "quote", "escape"))
            self.columns = {"separator": text(read["separator"]) if "separator" in read else separator_of(top),
                            "quote": text(read["quote"]) if "quote" in read else "",
                            "escape": truth(read["escape"]) if "escape" in read else False}
            if len(self.columns["separator"].encode()) != 1 or len(self.columns["quote"].encode()) > 1:
                raise Mistake(top["columns"], "separator and quote are one byte each")
            self.lists_read(top)

    def pairs_read(self, node):
        read = part(node, ("assign", "between", "quote", "until_key", "escape", "between_of"))
        return {"assign": text(read["assign"]) if "assign" in read else "=",
                "between": text(read["between"]) if "between" in read else " ",
                "quote": text(read["quote"]) if "quote" in read else '"',
                "until_key": truth(read["until_key"]) if "until_key" in read else False,
                "escape": truth(read["escape"]) if "escape" in read else False,
                "between_of": self.ask(read["between_of"]) if "between_of" in read else ""}

    def lists_read(self, top):
        if "header" in top:
            self.header = text(top["header"])
            if self.header not in ("zeek", "w3c", "first"):
                raise Mistake(top["header"], "a header is zeek, w3c or first")
            self.known |= {"_path"}
            self.empty += ["-", "(empty)"] if self.header == "zeek" else ["-"] if self.header == "w3c" else []
            if "lists" in top:
                raise Mistake(top["lists"], "with a header there are only 'names', for when none was seen")
            self.names_known = texts(top["names"]) if "names" in top else []
            return
        if ("names" in top) == ("lists" in top):
            raise Mistake(top["columns"], "columns have either 'names', 'lists' or a 'header'")
        if "names" in top:
            self.lists = [([], [self.target_read(item) for item in items(top["names"])])]
            return
        for item in items(top["lists"]):
            read = part(item, ("when", "names"))
            when = [(number(key, 1, 999), texts(value)) for _, key, value in pairs(read["when"])] if "when" in read \
                else []
            self.lists.append((when, [self.target_read(name) for name in items(read["names"])]))

    def mark_read(self, node):
        read = part(node, MARKS)
        mark = {"program": texts(read["program"]) if "program" in read else [],
                "begins": texts(read["begins"]) if "begins" in read else [],
                "contains": texts(read["contains"]) if "contains" in read else [],
                "keys": texts(read["keys"]) if "keys" in read else [],
                "columns": number(read["columns"], 2, 999) if "columns" in read else 0,
                "looks": Pattern(read["looks"], self) if "looks" in read else None,
                "any": truth(read["any"]) if "any" in read else False,
                "bare": truth(read["bare"]) if "bare" in read else False, "node": node}
        alone = not (mark["program"] or mark["begins"] or mark["keys"] or mark["looks"] or mark["any"] or mark["bare"])
        if mark["keys"] and self.shape != "json" and not self.header and self.shape != "code":
            raise Mistake(node, "keys are those of JSON objects, or of a header's columns")
        if alone and not any(len(value.encode()) >= LITERAL_MIN for value in mark["contains"]):
            raise Mistake(node, f"one of 'contains' needs {LITERAL_MIN} bytes where nothing else is asked for")
        return mark

    def target_read(self, node):
        """NAME or NAME:TYPE or NAME:TYPE(ARGUMENT)."""
        value = text(node)
        found = re.fullmatch(r"([@A-Za-z_][A-Za-z0-9_.@-]*)(?::([a-z_]+)(?:\((.*)\))?)?", value)
        if not found:
            raise Mistake(node, f"'{value}' is neither NAME nor NAME:TYPE")
        name, kind, argument = found.group(1), found.group(2) or "", found.group(3) or ""
        kind_check(kind, argument, node)
        self.told(name, kind, node)
        return name, kind, argument

    def fields_read(self, node):
        fields = {}
        for key, at, value in pairs(node):
            self.known.add(key)
            key = key.replace("[]", "")
            if key in fields:
                raise Mistake(at, f"'{key}' stands twice")
            fields[key] = [self.target_read(item) for item in items(value)]
        return fields

    def others_read(self, node):
        if node is not None:
            value = text(node)
            if value == "no":
                return ""
            if value == "{}" and self.header:
                return "{}"  # All keep their own names; 'fields' are told besides, as in JSON.
            if value.count("{}") != 1 or not value.endswith("{}"):
                raise Mistake(node, "the name ends with one {}")
            if not any(value.startswith(vendor + ".") for vendor in self.vendors):
                raise Mistake(node, "the names of others stand below the vendor's prefix")
            return value[:-2]
        return self.vendors[0] + "." if self.vendors and (self.shape == "pairs" or self.header) else ""

    def set_read(self, node):
        found = []
        for name, at, value in pairs(node):
            self.told(name, "", at)
            found.append((name, texts(value), [item.tag for item in items(value)]))
        return found

    def when_read(self, node):
        found = []
        for name, at, value in pairs(node):
            self.ask(at)
            found.append((name, texts(value)))
        return found

    def row_read(self, node):
        read = part(node, ROW)
        if "match" not in read and "when" not in read:
            raise Mistake(node, "a row has a 'match' or a 'when'")
        if "match" in read and "in" not in read and self.shape != "rows":
            raise Mistake(read["match"], "in this shape a match says in which field: 'in'")
        sets = []
        for item in items(read["with"]) if "with" in read else []:
            if text(item) not in self.sets:
                raise Mistake(item, f"there is no '{item.value}' in 'sets'")
            sets.append(self.sets[item.value])
        own = self.set_read(read["set"]) if "set" in read else []
        fields = []
        for key, at, value in pairs(read["fields"]) if "fields" in read else []:
            if self.shape == "rows":
                raise Mistake(at, "rows of texts have captures, not 'fields'")
            self.ask(at)
            fields.append((key, [self.target_read(item) for item in items(value)]))
        return {"match": Pattern(read["match"], self) if "match" in read else None,
                "in": self.ask(read["in"]) if "in" in read else "",
                "when": self.when_read(read["when"]) if "when" in read else [],
                "set": merged(self.set, *sets, own), "class": self.class_of(read.get("class")), "fields": fields}

    def step_read(self, node):
        kind = next(iter(pairs(node)), ("",))[0]
        if kind not in STEPS:
            near = difflib.get_close_matches(kind, STEPS, 1)
            raise Mistake(node, f"there is no step '{kind}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        read = part(node, (kind,) + STEPS[kind])
        step = {"kind": kind, "from": [self.ask(item) for item in items(read[kind])], "to": [], "as": ("", "", ""),
                "text": "", "match": None, "pairs": None, "fields": []}
        if len(step["from"]) > (4 if kind in ("sum", "join", "time") else 2 if kind == "named" else 1):
            raise Mistake(read[kind], "too many names here")
        if "as" in read:
            step["as"] = self.target_read_type(read["as"])
        for name in items(read["to"]) if "to" in read else []:
            self.told(text(name), step["as"][1], name)
            step["to"].append(name.value)
        if kind == "time" and not step["to"]:
            step["to"] = ["@timestamp"]
        if kind in ("sum", "join", "copy", "split", "labels") and not step["to"]:
            raise Mistake(node, "'to' is missing")
        if kind == "time" and step["as"][1] not in TIMES:
            raise Mistake(node, f"'as' is one of {', '.join(TIMES)}")
        step["text"] = text(read["between"], True) if "between" in read else text(read["by"]) if "by" in read else \
            " " if kind in ("join", "time") else ","
        if kind == "named":
            if len(step["from"]) != 2 or "fields" not in read:
                raise Mistake(node, "'named' has the names of a name and of a value, and 'fields'")
            for key, _, value in pairs(read["fields"]):
                step["fields"].append((key, [self.target_read(item) for item in items(value)]))
        if kind == "in" and ("match" in read) == ("pairs" in read):
            raise Mistake(node, "'in' goes with 'match' or with 'pairs'")
        if "match" in read:
            step["match"] = Pattern(read["match"], self)
        if "pairs" in read:
            step["pairs"] = self.pairs_read(read["pairs"])
        for end in STEP_NAMES.get(kind, ()):
            self.told(end, "", node)
        return step

    def target_read_type(self, node):
        found = re.fullmatch(r"([a-z_]+)(?:\((.*)\))?", text(node))
        if not found:
            raise Mistake(node, "a type is expected here")
        kind_check(found.group(1), found.group(2) or "", node)
        return "", found.group(1), found.group(2) or ""

    def map_read(self, node):
        read = part(node, ("from", "to", "values", "otherwise"))
        for needed in ("from", "to", "values"):
            if needed not in read:
                raise Mistake(node, f"'{needed}' is missing")
        self.told(text(read["to"]), "", read["to"])
        cases = []
        for key, _, value in pairs(read["values"]):
            cases.append((key, [text(item, True) for item in items(value)]))
        return {"from": self.ask(read["from"]), "to": read["to"].value, "values": cases,
                "otherwise": texts(read["otherwise"]) if "otherwise" in read else []}

    def inner_read(self, node):
        read = part(node, ("from", "parser", "program", "object"))
        if ("from" in read) == ("object" in read):
            raise Mistake(node, "'inner' has either 'from', a text, or 'object', a name")
        if "object" in read and self.shape != "json":
            raise Mistake(read["object"], "an object stands in JSON alone")
        return ([self.ask(item) for item in items(read["from"])] if "from" in read else [],
                text(read["parser"]) if "parser" in read else "auto",
                self.ask(read["program"]) if "program" in read else "",
                text(read["object"]) if "object" in read else "")

    def sample_read(self, node):
        read = part(node, SAMPLE)
        if "line" not in read:
            raise Mistake(node, "'line' is missing")
        fields = []
        for name, at, value in pairs(read["fields"]) if "fields" in read else []:
            if self.shape not in ("json", "code") and self.others != "{}" and not (name.startswith("log.syslog.") or self.inner):
                self.names.check(name, at, self.vendors)
            fields.append((name, [text(item, True) for item in items(value)]))
        return {"line": text(read["line"]), "fields": fields, "node": node,
                "before": texts(read["before"]) if "before" in read else [],
                "absent": texts(read["absent"]) if "absent" in read else [],
                "class": self.class_of(read.get("class")) if "class" in read else None,
                "parser": text(read["parser"]) if "parser" in read else self.name,
                "received": text(read["received"]) if "received" in read else "2026-11-21T12:00:00Z",
                "zone": number(read["zone"], -50400, 50400) if "zone" in read else 0,
                "charset": text(read["charset"]) if "charset" in read else ""}


STEP_NAMES = {  # what a step tells by itself
    "url": ("url.path", "url.query", "url.fragment", "url.scheme", "url.domain", "url.port", "url.extension"),
    "request": ("http.request.method", "url.original", "http.version"),
    "user": ("user.name", "user.domain"),
    "mail": (),
    "time": (),
}


def separator_of(top):
    """Where none is said."""
    header = text_or(top["header"]) if "header" in top else ""
    return "\t" if header == "zeek" else " " if header == "w3c" else ","


def text_or(node):
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def merged(*sets):
    """Later ones take the place of earlier ones."""
    found = {}
    for group in sets:
        for name, values, tags in group:
            found[name] = (name, values, tags)
    return list(found.values())


def paths_all():
    return sorted(path for path in glob.glob(os.path.join(ROOT, "parsers/*.yaml")) if not path.endswith("/ecs.yaml"))


def read_all(paths):
    names = Names()
    parsers, failed = [], False
    for path in paths:
        try:
            parsers.append(Parser(path, names))
        except (Mistake, yaml.YAMLError) as mistake:
            sys.stderr.write(f"parsers.py: {mistake}\n")
            failed = True
    known = {parser.name for parser in parsers} | {"auto", "syslog"}
    for parser in parsers:
        if parser.inner and parser.inner[1] not in known and len(paths) == len(paths_all()):
            sys.stderr.write(f"parsers.py: {parser.path}: 'inner' names no parser: {parser.inner[1]}\n")
            failed = True
    if failed:
        sys.exit(1)
    return parsers, names


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "check":
        parsers, names = read_all(sys.argv[2:] or paths_all())
        missing = sorted(set(names.used) - names.listed)
        if missing:
            print("in ECS, but not in parsers/ecs.yaml yet (tools/parsers.py ecs adds them): " + ", ".join(missing))
        print(f"{len(parsers)} parsers, {sum(len(parser.samples) for parser in parsers)} samples: fine")
    elif command == "table" and len(sys.argv) == 5:
        import parsers_table
        parsers, _ = read_all(paths_all())
        parsers_table.header_write(parsers, sys.argv[2])
        parsers_table.Table(parsers).write(sys.argv[3])
        parsers_table.samples_write(parsers, sys.argv[4])
    elif command == "page":
        import parsers_page
        parsers, _ = read_all(paths_all())
        sys.stdout.write(parsers_page.page_of(parsers))
    elif command == "ecs":
        _, names = read_all(paths_all())
        ecs_write(names)
    else:
        sys.exit(__doc__)


def ecs_write(names):
    data = names_of_data()
    if not data:
        sys.exit("parsers.py: HINOMI_TEST_DATA names no data")
    wanted = sorted(name for name in names.listed | set(names.used) if name in data)
    with open(os.path.join(ROOT, "parsers/ecs.yaml"), "w", encoding="utf-8") as out:
        out.write("# The names of ECS that parsers use.  `tools/parsers.py ecs` adds those that are new.\n\nnames:\n")
        out.writelines(f"  - {name!r}\n" if name.startswith("@") else f"  - {name}\n" for name in wanted)
        out.write("\n# Of these, and of what lies below them, an event may have several.\nlists:\n")
        out.writelines(f"  - {name}\n" for name in sorted(lists_of_data())
                       if any(other == name or other.startswith(name + ".") for other in wanted))


if __name__ == "__main__":
    main()
