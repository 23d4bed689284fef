"""docs/parsers.md, made from parsers/*.yaml by tools/parsers.py."""

INTRO = """\
# Parsers

Made by `tools/parsers.py page` from `parsers/*.yaml`, whose language `parsers/README.md` describes; a test compares.

Nobody has to name a parser: each record is recognised by the marks below. Where one is named for a source (`parser:` of
the source, `hinomi parse --as NAME`), it is asked first, and what it does not know is recognised all the same. `auto`
names none. The parser that took a record stands in `hinomi.parser`; a record that none knows keeps its text in
`message`, with `syslog` where it has such a header, and a reason in `hinomi.parse_error` where it has not.

What all parsers have in common: the header of syslog in all its dialects, character sets (Shift_JIS, EUC-JP,
ISO-2022-JP, UTF-16; `hinomi.charset`), years and zones that a time leaves out, texts that are wrapped in JSON.

The fields are ECS's; what ECS does not know stands below the vendor's prefix.
"""


def code(value):
    mark = "``" if "`" in value else "`"
    value = value.replace("|", "\\|").replace("\t", "\\t")
    return f"{mark} {value} {mark}" if "`" in value or value != value.strip() else f"{mark}{value}{mark}"


def listed(values, most=4):
    shown = " or ".join(code(value) for value in values[:most])
    return shown + (f" … ({len(values)})" if len(values) > most else "")


def mark_text(mark):
    parts = []
    if mark["program"]:
        parts.append("program " + listed(mark["program"]))
    if mark["begins"]:
        parts.append("begins " + listed(mark["begins"], 3))
    if mark["contains"]:
        parts.append("has " + " and ".join(code(value) for value in mark["contains"]))
    if mark["keys"]:
        parts.append("keys " + ", ".join(code(key) for key in mark["keys"]))
    if mark["columns"]:
        parts.append(f"{mark['columns']} columns")
    if mark["looks"]:
        parts.append("looks like " + code(mark["looks"].source))
    if mark["any"] or mark["bare"]:
        parts.append("its shape")
    return " and ".join(parts)


def names_of(parser):
    """The ECS names that a file tells by itself."""
    found = set()

    def add(name, kind):
        for end in (".address", ".ip", ".domain") if kind == "peer" else ("",):
            if not (name + end).startswith("_"):
                found.add(name + end)

    for row in parser.rows:
        for piece in row["match"].pieces if row["match"] else []:
            if piece[0] == "take":
                add(piece[1], piece[2])
        for setting in row["set"]:
            add(setting[0], "")
    for piece in parser.prefix.pieces if parser.prefix else []:
        if piece[0] == "take":
            add(piece[1], piece[2])
    for targets in list(parser.fields.values()) + [targets for _, targets in parser.lists]:
        for target in targets:
            add(target[0], target[1])
    for setting in parser.set:
        add(setting[0], "")
    for rule in parser.maps:
        add(rule["to"], "")
    for step in parser.steps:
        for name in step["to"]:
            add(name, step["as"][1])
    return sorted(name for name in found if name in parser.names.listed)


def classes_of(parser):
    classes = [parser.cls] + [row["class"] for row in parser.rows]
    return list(dict.fromkeys(value for value in classes if value))


def page_of(parsers):
    samples = sum(len(parser.samples) for parser in parsers)
    out = [INTRO, f"\n{len(parsers)} parsers, {samples} samples that a test proves.\n",
           "\n| parser | what | recognised by | class | fields |\n| --- | --- | --- | --- | --- |\n"]
    for parser in parsers:
        marks = list(dict.fromkeys(mark_text(mark) for mark in parser.marks))
        more = f"; {len(marks) - 6} more" if len(marks) > 6 else ""
        classes = classes_of(parser)
        out.append(f"| {code(parser.name)} | {parser.about.replace('|', chr(92) + '|')} | {'; '.join(marks[:6])}{more} | "
                   f"{', '.join(code(value) for value in classes[:3])}{' …' if len(classes) > 3 else ''} | "
                   f"{len(names_of(parser)) or ''} |\n")
    out.append("\n## Which field comes from where\n\n| field | told by |\n| --- | --- |\n")
    by_name = {}
    for parser in parsers:
        for name in names_of(parser):
            by_name.setdefault(name, []).append(parser.name)
    for name in sorted(by_name):
        tellers = by_name[name]
        out.append(f"| {code(name)} | " + (f"{len(tellers)} parsers" if len(tellers) > 8 else ", ".join(tellers)) + " |\n")
    return "".join(out)
