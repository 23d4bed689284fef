#!/usr/bin/env python3
"""Makes the tables behind src/document/document.h from schema/*.yaml (schema/README.md).

    schema.py SOURCE FILE...

Refused, with file, line and column: keys that are unknown, stand twice or are missing, types, roles,
lists and values that do not exist, texts that lack a language.
"""

import difflib
import re
import sys

import yaml

LANGUAGES = ("ja", "en")
ROLES = ("provider-admin", "engineer", "analyst", "consultant", "responsible", "contact", "viewer",
         "auditor", "bidder")
TYPES = ("group", "list", "text", "long-text", "words", "choice", "number", "yes-no", "duration",
         "address", "network", "ports", "mail", "url", "phone", "date", "time", "hours", "zone", "query",
         "reference")
# Sizes are bytes; a duration's are milliseconds, a number's are itself.
RANGES = {"text": (0, 500), "long-text": (0, 20000), "words": (0, 500), "number": (0, 10**9),
          "duration": (0, 3660 * 86400000), "query": (0, 4000), "url": (0, 2000), "mail": (0, 254)}
KIND_KEYS = ("kind", "name", "guideline", "signatures", "elements")
KEYS = ("type", "label", "help", "required", "many", "min", "max", "initial", "hidden", "guideline",
        "requirements", "elements", "choices", "to")
CHILDREN_MAX = 60  # CHILDREN_MAX in src/document/private.h, less `slug` and the end
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
UNITS = {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}


class Mistake(Exception):
    def __init__(self, node, text):
        mark = node.start_mark
        super().__init__(f"{mark.name}:{mark.line + 1}:{mark.column + 1}: {text}")


def known(node, value, values, what):
    if value in values:
        return value
    near = difflib.get_close_matches(value, values, 1)
    raise Mistake(node, f"unknown {what} '{value}'" + (f"; did you mean '{near[0]}'?" if near else ""))


def pairs(node, keys=None, what="key"):
    if not isinstance(node, yaml.MappingNode):
        raise Mistake(node, "a mapping is expected here")
    seen = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise Mistake(key, "a key must be a text")
        if key.value in seen:
            raise Mistake(key, f"'{key.value}' stands twice")
        if keys is not None:
            known(key, key.value, keys, what)
        seen[key.value] = (key, value)
    return seen


def scalar(node):
    if not isinstance(node, yaml.ScalarNode) or node.value.strip() == "":
        raise Mistake(node, "a text is expected here")
    return node.value.strip()


def flag(node):
    if not isinstance(node, yaml.ScalarNode) or node.value not in ("true", "false"):
        raise Mistake(node, "true or false is expected here")
    return node.value == "true"


def texts(node):
    found = pairs(node, LANGUAGES, "language")
    for language in LANGUAGES:
        if language not in found:
            raise Mistake(node, f"the text in '{language}' is missing")
    return [scalar(found[language][1]) for language in LANGUAGES]


def slug(node, pattern=SLUG):
    if not pattern.fullmatch(scalar(node)):
        raise Mistake(node, f"'{node.value}' is no slug: a-z, 0-9 and '-', at most 63 of them")
    return node.value


def duration(node):
    total, rest = 0, scalar(node)
    for amount, unit in re.findall(r"([0-9]+)([smhd])", rest):
        total += int(amount) * UNITS[unit]
    if not re.fullmatch(r"(?:[0-9]+[smhd])+", rest):
        raise Mistake(node, f"'{rest}' is no duration such as 90s, 15m, 4h, 30d")
    return total


def bound(node, kind):
    if kind not in RANGES:
        raise Mistake(node, f"'{kind}' has no min or max")
    if kind == "duration":
        return duration(node)
    if not re.fullmatch(r"-?[0-9]{1,15}", scalar(node)):
        raise Mistake(node, "a whole number is expected here")
    return int(node.value)


class Element:
    def __init__(self, key_node, node, parent, in_list):
        self.key = slug(key_node, KEY) if key_node is not None else ""
        self.path = self.key if parent in (None, "") else f"{parent}/{self.key}"
        self.node, self.in_list = node, in_list
        found = pairs(node, KEYS)
        if "type" not in found:
            raise Mistake(node, f"'{self.key}' has no type")
        self.type = known(found["type"][1], scalar(found["type"][1]), TYPES, "type")
        if "label" not in found:
            raise Mistake(node, f"'{self.key}' has no label")
        if self.key == "slug":
            raise Mistake(node, "'slug' is understood in every list")
        self.label = texts(found["label"][1])
        self.help = texts(found["help"][1]) if "help" in found else ["", ""]
        for name in ("required", "many", "hidden"):
            setattr(self, name, name in found and flag(found[name][1]))
        self.guideline = scalar(found["guideline"][1]) if "guideline" in found else ""
        self.requirements = scalar(found["requirements"][1]) if "requirements" in found else ""
        if not re.fullmatch(r"(?:R[0-9]{3}(?: R[0-9]{3})*)?", self.requirements):
            raise Mistake(found["requirements"][1], "requirements are such as 'R041 R043'")
        self.min, self.max = RANGES.get(self.type, (0, 0))
        for name in ("min", "max"):
            if name in found:
                setattr(self, name, bound(found[name][1], self.type))
        if self.min > self.max:
            raise Mistake(node, "min is above max")
        self.parts(found)
        self.initial_number = 0
        self.initial = self.initial_of(found)

    def parts(self, found):
        def only(key, *types):
            if (self.type in types) != (key in found):
                raise Mistake(self.node, f"'{self.key}': '{key}' belongs to {' and '.join(types)}, and to no other")
        only("elements", "group", "list")
        only("choices", "choice")
        only("to", "reference")
        if self.many and self.type in ("group", "list", "words", "long-text"):
            raise Mistake(self.node, f"a {self.type} cannot be many")
        if self.type == "list" and self.in_list == "deep":
            raise Mistake(self.node, "a list stands in a list at most once")
        self.choices = []
        if "choices" in found:
            for key, (at, value) in pairs(found["choices"][1]).items():
                self.choices.append((slug(at), texts(value)))
        self.to = found["to"][1] if "to" in found else None
        below = self.in_list
        if self.type == "list":
            below = "deep" if self.in_list else "list"
        self.children = children(found["elements"][1], self.path, below) if "elements" in found else []

    def initial_of(self, found):
        if "initial" not in found:
            return None
        node = found["initial"][1]
        if self.many or self.type not in ("choice", "number", "yes-no", "duration", "text", "zone"):
            raise Mistake(node, f"a {'list' if self.many else self.type} has no initial value")
        if self.type == "choice":
            known(node, scalar(node), [value for value, _ in self.choices], "choice")
        if self.type in ("number", "duration") and not self.min <= bound(node, self.type) <= self.max:
            raise Mistake(node, "the initial value is not between min and max")
        if self.type == "yes-no":
            known(node, scalar(node), ("yes", "no"), "value")
        numbers = {"number": int, "duration": lambda _: duration(node), "yes-no": lambda text: int(text == "yes")}
        self.initial_number = numbers.get(self.type, lambda _: 0)(scalar(node))
        return scalar(node)


def children(node, path, in_list):
    made = [Element(key, value, path, in_list) for key, value in pairs(node).values()]
    if not 1 <= len(made) <= CHILDREN_MAX:
        raise Mistake(node, f"between 1 and {CHILDREN_MAX} elements are expected here")
    return made


class Kind:
    def __init__(self, root):
        found = pairs(root, KIND_KEYS)
        for key in ("kind", "name", "signatures", "elements"):
            if key not in found:
                raise Mistake(root, f"'{key}' is missing")
        self.node, self.kind = found["kind"][1], slug(found["kind"][1])
        self.name = texts(found["name"][1])
        self.guideline = scalar(found["guideline"][1]) if "guideline" in found else ""
        self.signatures = [self.roles(one) for one in self.sequence(found["signatures"][1])]
        self.elements = children(found["elements"][1], "", None)

    @staticmethod
    def sequence(node):
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise Mistake(node, "a list is expected here")
        return node.value

    def roles(self, node):
        return [known(one, scalar(one), ROLES, "role") for one in self.sequence(node)]


def walk(elements):
    for element in elements:
        yield element
        yield from walk(element.children)


def references_check(kinds):
    lists = {f"{kind.kind}:{element.path}" for kind in kinds for element in walk(kind.elements)
             if element.type == "list" and element.in_list is None}
    for kind in kinds:
        for element in walk(kind.elements):
            if element.to is not None:
                known(element.to, scalar(element.to), sorted(lists), "list")


def read(paths):
    kinds = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file)
        if root is None:
            sys.exit(f"schema.py: {path}:1:1: the file is empty")
        kind = Kind(root)
        if kind.kind in kinds:
            raise Mistake(kind.node, f"the kind '{kind.kind}' stands in another file already")
        kinds[kind.kind] = kind
    kinds = sorted(kinds.values(), key=lambda kind: kind.kind)
    references_check(kinds)
    return kinds


def literal(text):
    if text is None:
        return "NULL"
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char == "\n":
            out.append("\\n")
        elif char in '"\\?':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x7F:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def both(two):
    return "{" + ", ".join(literal(one) for one in two) + "}"


class Writer:
    def __init__(self):
        self.lines, self.count = [], 0

    def table(self, type_, rows):
        name = f"table_{self.count}"
        self.count += 1
        self.lines.append(f"static const {type_} {name}[] = {{\n" +
                          "".join(f"    {row},\n" for row in rows) + "};\n")
        return name

    def element(self, element):
        made = {"key": literal(element.key), "path": literal(element.path),
                "type": "ELEMENT_" + element.type.replace("-", "_").upper(),
                "label": both(element.label), "help": both(element.help),
                "guideline": literal(element.guideline), "requirements": literal(element.requirements),
                "min": str(element.min), "max": str(element.max), "initial": literal(element.initial),
                "initial_number": str(element.initial_number)}
        for name in ("required", "many", "hidden"):
            if getattr(element, name):
                made[name] = "true"
        if element.choices:
            rows = [f"{{{literal(value)}, {both(label)}}}" for value, label in element.choices]
            made["choices"] = self.table("struct schema_choice", rows + ["{NULL, {NULL, NULL}}"])
        if element.to is not None:
            made["reference"] = literal(element.to.value)
        if element.children:
            made["children"] = self.children(element.children)
        return "{" + ", ".join(f".{key} = {value}" for key, value in made.items()) + "}"

    def children(self, elements):
        rows = [self.element(element) for element in elements]
        return self.table("struct schema_element", rows + ["{.key = NULL}"])

    def kind(self, kind):
        root = (f'{{.key = "", .path = "", .type = ELEMENT_GROUP, .label = {both(kind.name)}, '
                f'.help = {{"", ""}}, .guideline = {literal(kind.guideline)}, .requirements = "", '
                f".children = {self.children(kind.elements)}}}")
        roles = [" | ".join("1U << ROLE_" + role.replace("-", "_").upper() for role in one)
                 for one in kind.signatures]
        signatures = self.table("uint32_t", roles + ["0"])
        return f"{{{literal(kind.kind)}, {both(kind.name)}, {root}, {signatures}}}"


def main():
    target, *paths = sys.argv[1:]
    try:
        kinds = read(sorted(paths))
    except (Mistake, yaml.YAMLError) as mistake:
        sys.exit(f"schema.py: {mistake}")
    writer = Writer()
    rows = [writer.kind(kind) for kind in kinds]
    with open(target, "w", encoding="ascii") as out:
        out.write("/* Made by tools/schema.py from schema/. */\n\n")
        out.write('#include "document/private.h"\n\n')
        out.writelines(writer.lines)
        out.write("const struct schema schema_table[] = {\n")
        out.writelines(f"    {row},\n" for row in rows)
        out.write("};\n")
        out.write(f"const size_t schema_table_count = {len(kinds)};\n")


main()
