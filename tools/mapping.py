#!/usr/bin/env python3
"""Makes the tables behind src/detect/mapping.h, or docs/logsources.md, from mapping/*.yaml.

    mapping.py HEADER SOURCE FILE...
    mapping.py --page FILE...

mapping/README.md describes the files.  Refused, with file, line and column: keys that are unknown or
stand twice, names that belong to two keys, classes without their three parts, conditions on unknown
keys, and fields that would go by more than FIELD_NAMES_MAX names.
"""

import itertools
import re
import sys

import yaml

FIELD_NAMES_MAX = 32  # src/detect/private.h; the next: src/detect/mapping.h
KEYS_MAX = 128
TEXT_SIZE_MAX = 127  # of a value that decides
SECTIONS = ("about", "keys", "channels", "providers", "categories", "sources", "sources last", "prefixes",
            "strip", "names")
PARTS = ("category", "product", "service")
KNOWN = {"class": ["hinomi.class"]}  # what is no field
NEEDED = ("windows.channel", "windows.id", "windows.kind", "windows.provider", "class")
CLASS = re.compile(r"[a-z0-9_.|-]*/[a-z0-9_.|-]*/[a-z0-9_.|-]*")
SERVICE = re.compile(r"[a-z0-9_.|-]+")


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
        if key.value in seen:
            raise Mistake(key, f"'{key.value}' stands twice")
        if known is not None and key.value not in known:
            raise Mistake(key, f"'{key.value}' is none of {', '.join(known)}")
        seen.add(key.value)
        yield key.value, key, value


def items(node):
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


def text(node):
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise Mistake(node, "a text is expected here")
    return node.value


def texts(node):
    return [text(item) for item in items(node)]


def class_of(node, product="windows"):
    value = text(node)
    if "/" not in value and SERVICE.fullmatch(value):
        value = f"/{product}/{value}"
    if not CLASS.fullmatch(value):
        raise Mistake(node, f"'{value}' is no category/product/service")
    return value


def fits(wanted, source):
    """Whether a row for `wanted` is for rules of that log source."""
    return all(not want or part in want.split("|") for want, part in zip(wanted, source))


class Mapping:
    """What the files say together."""

    def __init__(self):
        self.keys, self.names_of = {}, {}  # key to number; name of a field to key
        self.channels, self.providers, self.categories = {}, {}, {}
        self.sources, self.last = [], []
        self.prefixes, self.strips, self.names = [], [], []
        self.families = []
        for key, names in KNOWN.items():
            self.key_add(key, names, None)

    def key_add(self, key, names, node):
        if key in self.keys:
            raise Mistake(node, f"the key '{key}' stands in another file already")
        self.keys[key] = len(self.keys)
        for name in names:
            if name in self.names_of:
                raise Mistake(node, f"the field '{name}' belongs to the key '{self.names_of[name]}' already")
            self.names_of[name] = key

    def key_of(self, name, node):
        """A key by its name; a field that is in no key is a key of its own."""
        if name not in self.keys:
            self.key_add(name, [name], node)
        return self.keys[name]

    def log_sources(self, node):
        """The value of `for`, as a list of (category, product, service), each a list of texts."""
        found = []
        for item in items(node):
            parts = {part: texts(value) for part, _, value in pairs(item, PARTS)}
            found.append(tuple("|".join(parts.get(part, [])) for part in PARTS))
        return found

    def source_read(self, node, family):
        row = {"tests": [], "needs": [], "by": None, "cases": [], "class": None, "from": "", "family": family}
        for name, key, value in pairs(node, ("from", "when", "by", "classes", "is")):
            if name == "from":
                row["from"] = text(value)
            elif name == "is":
                row["class"] = class_of(value)
            elif name == "by":
                row["by"] = self.key_of(text(value), value)
                row["needs"].append(row["by"])
            elif name == "classes":
                for _, at, values in pairs(value):
                    row["cases"] += [(case, class_of(at)) for case in texts(values)]
            else:
                for field, at, wanted in pairs(value):
                    number = self.key_of(field, at)
                    row["needs"].append(number)
                    if texts(wanted) != ["*"]:
                        row["tests"].append((number, field, texts(wanted)))
        if (row["by"] is None) != (not row["cases"]) or (row["class"] is None) == (row["by"] is None):
            raise Mistake(node, "a source has either 'is', or 'by' and 'classes'")
        lower = [case.lower() for case, _ in row["cases"]]
        if len(set(lower)) != len(lower) or not row["from"] or not row["needs"]:
            raise Mistake(node, "a source needs 'from', and each of its values one class")
        return row

    def categories_read(self, node):
        for channel, key, ids in pairs(node):
            if channel not in self.channels:
                raise Mistake(key, f"'{channel}' is no channel of this file")
            for number, at, value in pairs(ids):
                kinds = pairs(value) if isinstance(value, yaml.MappingNode) else [("*", at, value)]
                for kind, _, category in kinds:
                    self.categories.setdefault(channel, []).append((int(number), kind, text(category)))

    def names_read(self, node):
        for item in items(node):
            part = {name: value for name, _, value in pairs(item, ("for", "nested", "names"))}
            nested = "nested" in part and text(part["nested"]) == "yes"
            for field, key, names in pairs(part["names"]):
                for wanted in self.log_sources(part["for"]):
                    self.names.append((field, wanted, texts(names), nested, key))

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file)
        family = path.rsplit("/", 1)[-1][:-5]
        sections = {name: value for name, _, value in pairs(root, SECTIONS)}
        self.families.append((family, text(sections["about"])))
        for key, at, names in pairs(sections["keys"]) if "keys" in sections else []:
            self.key_add(key, texts(names), at)
        return family, sections

    def fill(self, family, sections):
        for channel, _, value in pairs(sections["channels"]) if "channels" in sections else []:
            self.channels[channel] = class_of(value)
        if "categories" in sections:
            self.categories_read(sections["categories"])
        for provider, at, channel in pairs(sections["providers"]) if "providers" in sections else []:
            if text(channel) not in self.channels:
                raise Mistake(at, f"'{channel.value}' is no channel of this file")
            self.providers[provider] = channel.value
        for section, rows in (("sources", self.sources), ("sources last", self.last)):
            for node in items(sections[section]) if section in sections else []:
                rows.append(self.source_read(node, family))
        for section, what, rows in (("prefixes", "put", self.prefixes), ("strip", "cut", self.strips)):
            for node in items(sections[section]) if section in sections else []:
                part = {name: value for name, _, value in pairs(node, ("for", what))}
                rows += [(wanted, put) for wanted in self.log_sources(part["for"]) for put in texts(part[what])]
        if "names" in sections:
            self.names_read(sections["names"])

    def names_for(self, field, rows, source, prefixes):
        """As field_names in src/detect/fields.c has it."""
        found, bare = [field], [field]
        for prefix in (cut for wanted, cut in self.strips if fits(wanted, source) and field.startswith(cut)):
            found.append(field[len(prefix):])
        for _, wanted, names, nested, _ in rows:
            found += names if fits(wanted, source) else []
            bare += names if fits(wanted, source) and nested else []
        return set(found + [put + name for name in bare for put in prefixes])

    def check(self):
        if len(self.keys) > KEYS_MAX:
            raise SystemExit(f"mapping.py: {len(self.keys)} keys; there may be {KEYS_MAX}")
        by_field = {}
        for row in self.names:
            by_field.setdefault(row[0], []).append(row)
        parts = [{part for wanted, *_ in self.prefixes + [row[1:] for row in self.names]
                  for part in wanted[i].split("|")} | {""} for i in range(3)]
        for source in itertools.product(*parts):
            prefixes = [put for wanted, put in self.prefixes if fits(wanted, source)]
            if "" not in source and not prefixes:
                continue  # The fullest of these has been seen without one of its parts.
            for field, rows in by_field.items():
                if len(prefixes) + sum(len(row[2]) for row in rows) >= FIELD_NAMES_MAX // 2 and \
                        len(self.names_for(field, rows, source, prefixes)) > FIELD_NAMES_MAX:
                    raise Mistake(rows[0][4], f"'{field}' goes by more than {FIELD_NAMES_MAX} names for {source}")
        texts_all = [case for row in self.sources + self.last for case, _ in row["cases"]]
        for value in texts_all + list(self.channels) + list(self.providers):
            if len(value.encode()) > TEXT_SIZE_MAX:
                raise SystemExit(f"mapping.py: '{value}' is longer than {TEXT_SIZE_MAX} bytes")


def literal(value):
    out = []
    for byte in value.encode("utf-8"):
        char = chr(byte)
        out.append("\\" + char if char in '"\\?' else char if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def string(value):
    return f"{{{literal(value)}, {len(value.encode())}}}"


def bits(numbers):
    words = [0, 0]
    for number in numbers:
        words[number // 64] |= 1 << number % 64
    return "{" + ", ".join(f"UINT64_C(0x{word:x})" for word in words) + "}"


def table(out, kind, name, rows):
    out.write(f"const struct {kind} {name}[] = {{\n")
    out.writelines(f"    {{{row}}},\n" for row in rows)
    out.write(f"}};\nconst size_t {name}_count = {len(rows)};\n\n")


def pattern(value):
    """A value of `when` as (how, text)."""
    if value.startswith("*") and value.endswith("*") and len(value) > 2:
        return "MAPPING_HOLDS", value[1:-1]
    if value.startswith("*") and len(value) > 1:
        return "MAPPING_ENDS", value[1:]
    if value.endswith("*"):
        return "MAPPING_STARTS", value[:-1]
    return "MAPPING_EQUALS", value


def write(mapping, header, source):
    constant = {key: "KEY_" + re.sub("[^A-Z0-9]", "_", key.upper()) for key in NEEDED}
    with open(header, "w", encoding="ascii") as out:
        out.write("#pragma once\n\n/* Made by tools/mapping.py from mapping/. */\n\nenum mapping_key {\n")
        out.writelines(f"    {constant[key]} = {mapping.keys[key]},\n" for key in NEEDED)
        out.write(f"    KEY_COUNT = {len(mapping.keys)}\n}};\n")
    with open(source, "w", encoding="ascii") as out:
        out.write('/* Made by tools/mapping.py from mapping/. */\n\n#include "detect/mapping.h"\n\n')
        table(out, "mapping_name", "mapping_names",
              [f"{string(name)}, {mapping.keys[key]}" for name, key in
               sorted(mapping.names_of.items(), key=lambda item: item[0].encode()) if name != "hinomi.class"])
        channels = sorted(mapping.channels, key=lambda name: name.lower().encode())
        events, first = [], {}
        for channel in channels:
            category, product, service = mapping.channels[channel].split("/")
            first[channel] = len(events)
            for number, kind, name in sorted(mapping.categories.get(channel, []),
                                             key=lambda row: (row[0], row[1] == "*", row[1])):
                # Both are true of the event: what its channel says, and what its id says.
                joined = "|".join(part for part in (name, category) if part)
                events.append(f"{number}, {string('' if kind == '*' else kind.lower())}, "
                              f"{string(f'{joined}/{product}/{service}')}")
        table(out, "mapping_event", "mapping_events", events)
        table(out, "mapping_channel", "mapping_channels",
              [f"{string(channel.lower())}, {string(mapping.channels[channel])}, {first[channel]}, "
               f"{len(mapping.categories.get(channel, []))}" for channel in channels])
        table(out, "mapping_provider", "mapping_providers",
              [f"{string(name.lower())}, {channels.index(channel)}" for name, channel in
               sorted(mapping.providers.items(), key=lambda item: item[0].lower().encode())])
        values, tests, cases, sources = [], [], [], []
        for row in mapping.sources + mapping.last:
            tests_first, cases_first = len(tests), len(cases)
            for number, _, wanted in row["tests"]:
                tests.append(f"{number}, {len(values)}, {len(wanted)}")
                values += [f"{pattern(value)[0]}, {string(pattern(value)[1])}" for value in wanted]
            cases += [f"{string(case.lower())}, {string(name)}" for case, name in
                      sorted(row["cases"], key=lambda case: case[0].lower().encode())]
            refines = "true" if mapping.keys["class"] in row["needs"] else "false"
            sources.append(f"{bits(row['needs'])}, {tests_first}, {len(tests) - tests_first}, {cases_first}, "
                           f"{len(cases) - cases_first}, {'KEY_COUNT' if row['by'] is None else row['by']}, "
                           f"{refines}, {string(row['class'] or '')}")
        table(out, "mapping_value", "mapping_values", values)
        table(out, "mapping_test", "mapping_tests", tests)
        table(out, "mapping_case", "mapping_cases", cases)
        table(out, "mapping_source", "mapping_sources", sources)

        def wanted(parts):
            return "{" + ", ".join(map(string, parts)) + "}"

        fields = sorted(mapping.names, key=lambda row: row[0].encode())
        table(out, "mapping_field", "mapping_fields",
              [f"{string(field)}, {wanted(parts)}, {'true' if nested else 'false'}, "
               f"{{{', '.join(map(literal, names))}}}" for field, parts, names, nested, _ in fields])
        table(out, "mapping_prefix", "mapping_prefixes",
              [f"{string(put)}, {wanted(parts)}" for parts, put in mapping.prefixes])
        table(out, "mapping_prefix", "mapping_strips",
              [f"{string(put)}, {wanted(parts)}" for parts, put in mapping.strips])


INTRO = """\
# Which logs are which Sigma log source

Made by `tools/mapping.py --page` from `mapping/`; change it there.

A rule says in `logsource` which events it is for: a category, a product, a service, or some of them. Each event
gets one *class*, `category/product/service`, when it is judged; a rule looks at an event if each part that the
rule names is that part of the class, or one of its alternatives (`registry_set|registry_event/windows/sysmon` is
both). An empty part is not known. Letter case never matters, nor does it matter by which of its names a field comes.

What a parser recognises by itself has a class already: `sshd` gives `/linux/sshd`, web servers' access logs
`webserver/PRODUCT/`, lines of syslog `/linux/syslog`, the
packet filter's `firewall/linux/netfilter`, those of inotifywait and AIDE `file_change/linux/…` and its like. Of events that come as fields (JSON, CSV, event XML, EVTX), the
tables below decide; the first row that holds wins. "has" means: the field is there and not null.

An event of no row has no class: only rules whose log source names nothing look at it. To see the class of your
own events: `hinomi explain`, or search for `hinomi.class`. What is missing here is one row in `mapping/`.
"""


def code(value):
    return "`" + value.replace("|", "\\|") + "`"


def told_by(mapping, row):
    """A source's conditions as a sentence."""
    names = {number: key for key, number in mapping.keys.items()}
    fields = {}
    for name, key in mapping.names_of.items():
        fields.setdefault(key, []).append(name)
    tests = {number: wanted for number, _, wanted in row["tests"]}
    parts = []
    for number in row["needs"]:
        if number == row["by"]:
            continue
        title = code(fields[names[number]][0])
        wanted = tests.get(number)
        if wanted is None:
            parts.append(f"has {title}")
        else:
            more = f" … ({len(wanted)} values)" if len(wanted) > 4 else ""
            parts.append(f"{title} is " + " or ".join(code(value) for value in wanted[:4]) + more)
    return "; ".join(parts)


def rows_of(mapping, row):
    names = {number: key for key, number in mapping.keys.items()}
    first = {}
    for name, key in mapping.names_of.items():
        first.setdefault(key, name)
    if row["by"] is None:
        yield row["from"], told_by(mapping, row), row["class"]
        return
    classes = {}
    for case, name in row["cases"]:
        classes.setdefault(name, []).append(case)
    for name, cases in classes.items():
        more = told_by(mapping, row)
        yield (row["from"], f"{code(first[names[row['by']]])} is " + ", ".join(map(code, cases)) +
               ("; " + more if more else ""), name)


def page_of(mapping):
    out = [INTRO]
    for family, about in mapping.families:
        out.append(f"\n## {about}\n")
        if family == "windows":
            out.append("\nThe channel says the service; channel and event id say the category.\n"
                       "\n| channel | class |\n| --- | --- |\n")
            out += [f"| {channel} | {code(name)} |\n" for channel, name in mapping.channels.items()]
            out.append("| any other, with an event id | `/windows/` |\n\n| channel | event ids | category |\n"
                       "| --- | --- | --- |\n")
            for channel, events in mapping.categories.items():
                ids = {}
                for number, kind, name in events:
                    ids.setdefault(name, []).append(str(number) + ("" if kind == "*" else f" {kind}"))
                out += [f"| {channel} | {', '.join(numbers)} | {code(name)} |\n" for name, numbers in ids.items()]
        rows = [line for row in mapping.sources + mapping.last if row["family"] == family
                for line in rows_of(mapping, row)]
        if rows:
            out.append("\n| log | told by | class |\n| --- | --- | --- |\n")
            out += [f"| {log} | {told} | {code(name)} |\n" for log, told, name in rows]
    out.append("\n## Names by which a rule's fields are found\n\nBesides its own name, and behind the envelopes "
               "that stand below the table.\n\n| rules for | field | also |\n| --- | --- | --- |\n")
    for field, wanted, names, _, _ in sorted(mapping.names, key=lambda row: (row[1], row[0])):
        out.append(f"| {source_text(wanted)} | {code(field)} | {', '.join(map(code, names))} |\n")
    out.append("\n| rules for | envelope |\n| --- | --- |\n")
    out += [f"| {source_text(wanted)} | {code(put)} |\n" for wanted, put in mapping.prefixes]
    out += [f"| {source_text(wanted)} | without {code(cut)} |\n" for wanted, cut in mapping.strips]
    return "".join(out)


def source_text(wanted):
    found = [f"{part} {value.replace('|', ' or ')}" for part, value in zip(PARTS, wanted) if value]
    return ", ".join(found) or "any log source"


def main():
    page = sys.argv[1:2] == ["--page"]
    paths = sys.argv[2:] if page else sys.argv[3:]
    mapping = Mapping()
    try:
        read = [mapping.read(path) for path in paths]
        for family, sections in read:
            mapping.fill(family, sections)
        mapping.check()
    except (Mistake, yaml.YAMLError) as mistake:
        sys.exit(f"mapping.py: {mistake}")
    if page:
        sys.stdout.write(page_of(mapping))
    else:
        write(mapping, sys.argv[1], sys.argv[2])


main()
