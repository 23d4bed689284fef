"""The C tables of tools/parsers.py; src/parse/table.h says what they mean."""

import collections
import re

from parsers import OPEN, TYPES

OWN = ("message", "@timestamp", "host.hostname", "process.name", "process.pid", "log.syslog.hostname",
       "log.syslog.appname", "log.syslog.procid", "log.syslog.msgid", "log.syslog.priority",
       "log.syslog.facility.code", "log.syslog.severity.code", "_program", "_pid", "_host", "_msgid", "_path",
       "url.path", "url.query", "url.fragment", "url.scheme", "url.domain", "url.port", "url.extension",
       "http.request.method", "url.original", "http.version", "user.name", "user.domain", "log.source.address",
       "log.syslog.version")
SIFT_BITS = 15
SIFT_FROM = 5
PATHS_MAX = 8191  # src/parse/json.c
SIFT_STRIDE = 4
LITERAL_MIN = SIFT_STRIDE + 3  # shorter ones are not searched for, but tried
MASK = (1 << 64) - 1
RARE_FIRST = "`~^$*!?@;&#%|\\{}<>+()[]=\"'_,/:-."
SHAPES = {"rows": "SHAPE_ROWS", "pairs": "SHAPE_PAIRS", "columns": "SHAPE_COLUMNS", "json": "SHAPE_JSON",
          "code": "SHAPE_CODE"}
DIGITS, HEXES = "0123456789", "0123456789abcdefABCDEF"
FIRST = {"int": "+-" + DIGITS, "num": "+-." + DIGITS, "hex": HEXES, "ip": HEXES + ":[", "port": DIGITS, "mac": HEXES,
         "quoted": '"', "bsd": "ADFJMNOSadfjmnos", "iso": DIGITS, "clf": DIGITS, "epoch": DIGITS, "epoch_ms": DIGITS,
         "asctime": "FMSTWfmstw"}


def literal(value):
    out = []
    for byte in value.encode("utf-8"):
        char = chr(byte)
        out.append("\\" + char if char in '"\\?' else char if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def string(value):
    return f"{{{literal(value)}, {len(value.encode())}}}"


def yes(value):
    return "true" if value else "false"


def ends_hash(value):
    """As dictionary.c has it."""
    data = value.encode()
    if len(data) >= 8:
        first, last = int.from_bytes(data[:8], "little"), int.from_bytes(data[-8:], "little")
    elif len(data) >= 4:
        first, last = int.from_bytes(data[:4] + data[-4:], "little"), 0
    else:
        first, last = int.from_bytes(data, "big"), 0
    mixed = ((first ^ len(data)) * 0x9E3779B97F4A7C15) & MASK
    return ((mixed ^ last) * 0xC2B2AE3D27D4EB4F) & MASK


def gram_hash(data):
    """As sift.c has it."""
    return int.from_bytes(data, "little") * 2654435761 % (1 << 32) >> (32 - SIFT_BITS)


def scalar(value):
    return bool(re.fullmatch(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?", value))


def path_hash(path):
    """As json.c has it."""
    value = 2166136261
    for byte in path.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value | 1


class Table:
    """Everything on its way into one C file."""

    def __init__(self, parsers):
        self.parsers, self.out, self.count = parsers, [], 0
        self.names = {name: i for i, name in enumerate(OWN)}
        self.peers, self.shared, self.paths = {}, {}, {}

    def name(self, name):
        return self.names.setdefault(name, len(self.names))

    def single(self, name):
        """Whether ECS has one value of that name in an event."""
        ecs = self.parsers[0].names if self.parsers else None
        parts = name.split(".")
        # OUR reading: one record may tell of several rules that a request broke (ModSecurity's audit log).
        return bool(ecs) and parts[0] != "rule" and name in ecs.listed and not any(
            ".".join(parts[:i]) in ecs.lists for i in range(1, len(parts) + 1))

    def array(self, kind, rows):
        """A constant array of its own; (its name, its count).  Equal ones are one."""
        if not rows:
            return "NULL", 0
        body = "".join(f"    {row},\n" for row in rows)
        if (kind, body) not in self.shared:
            self.count += 1
            self.shared[kind, body] = f"a{self.count}"
            self.out.append(f"static const {kind} a{self.count}[] = {{\n{body}}};\n")
        return self.shared[kind, body], len(rows)

    def listed(self, kind, rows):
        return "%s, %d" % self.array(kind, rows)

    def target(self, target, silent=False):
        name, kind, argument = target
        take = f"TAKE_{kind.upper()}" if kind else "TAKE_REST"
        if kind in ("peer", "endpoint"):
            ends = [self.name(name + end) for end in (".address", ".ip", ".domain")]
            ends.append(self.name(name + ".port") if kind == "endpoint" else 65535)
            number = self.peers.setdefault(tuple(ends), len(self.peers))
        else:
            number = self.name(name)
        return f"{{{number}, {take}, {yes(silent)}, {string(argument)}}}"

    def pattern(self, pattern):
        if pattern is None:
            return "NULL"
        rows = []
        for i, piece in enumerate(pattern.pieces):
            if piece[0] == "text":
                rows.append(f"{{.kind = PIECE_TEXT, .text = {string(piece[1])}}}")
            elif piece[0] == "take":
                rows.append(f"{{.kind = PIECE_TAKE, .target = {self.target(piece[1:])}}}")
            elif piece[0] == "open":
                close = next(j for j in range(i, len(pattern.pieces)) if pattern.pieces[j][0] == "close")
                rows.append(f"{{.kind = PIECE_OPEN, .skip = {close - i}}}")
            else:
                rows.append("{.kind = PIECE_CLOSE}")
        return self.array("struct piece", rows + ["{.kind = PIECE_END}"])[0]

    def settings(self, settings):
        return [f"{{{self.name(name)}, {yes(scalar(value) and tag.endswith((':int', ':float')))}, {string(value)}}}"
                for name, values, tags in settings for value, tag in zip(values, tags)]

    def values_of(self, name, values):
        return [f"{{{self.name(name)}, {yes(scalar(value))}, {string(value)}}}" for value in values]

    def wanted(self, value):
        starts, ends = value.endswith("*"), value.startswith("*") and len(value) > 1
        text = value[1 if ends else 0:len(value) - 1 if starts else len(value)]
        return f"{{{yes(starts)}, {yes(ends)}, {string(text)}}}"

    def wants(self, values):
        return self.listed("struct wanted", [self.wanted(value) for value in values])

    def row(self, row):
        own = {piece[1] + end for piece in (row["match"].pieces if row["match"] else []) if piece[0] == "take"
               for end in ("", ".address", ".ip", ".domain")}
        tests = [f"{{{self.name(name)}, {yes(name in own)}, {self.wants(values)}}}" for name, values in row["when"]]
        inside = self.name(row["in"]) if row["in"] else "NAME_OTHER"
        return (f"{{{self.pattern(row['match'])}, {inside}, {self.listed('struct test', tests)}, "
                f"{self.listed('struct setting', self.settings(row['set']))}, {string(row['class'])}, "
                f"{self.listed('struct copy', [self.copy(*field) for field in row['fields']])}}}")

    def copy(self, name, targets):
        return f"{{{self.name(name)}, {self.listed('struct target', [self.target(target) for target in targets])}}}"

    def pick(self, text, targets):
        return f"{{{string(text)}, {self.listed('struct target', [self.target(target) for target in targets])}}}"

    def pairs_form(self, form):
        if form is None:
            return "NULL"
        of = self.name(form["between_of"]) if form["between_of"] else "NAME_OTHER"
        quote = "" if form["quote"] == "no" else form["quote"]
        return self.array("struct pairs_form", [
            f"{{{string(form['assign'])}, {string(form['between'])}, {string(quote)}, {yes(form['until_key'])}, "
            f"{yes(form['escape'])}, {of}}}"])[0]

    def column_list(self, when, targets):
        tests = [f"{{{column}, {self.wants(values)}}}" for column, values in when]
        return (f"{{{self.listed('struct column_test', tests)}, "
                f"{self.listed('struct target', [self.target(target) for target in targets])}}}")

    def path(self, path):
        return self.paths.setdefault(path.lower(), len(self.paths))

    def fields(self, parser):
        """The file's own, and what it asks for by the name that the device gives it."""
        fields = {key: list(targets) for key, targets in parser.fields.items()}
        told = {name for targets in fields.values() for name, _, _ in targets}
        for name, _ in getattr(parser, "asked", []):
            if name in told or name in OWN[12:17] or (name.startswith("_") and parser.shape != "json"):
                continue
            if parser.shape == "json":
                fields.setdefault(name, []).append((name, "", ""))
            elif parser.others == "{}":
                fields.setdefault(name, []).append((name, "", ""))
            elif parser.others and name.startswith(parser.others) and name[len(parser.others):] not in fields:
                fields[name[len(parser.others):]] = [(name, "", "")]
        small = collections.Counter(key.lower() for key in fields)
        rows = []
        own = parser.shape == "json" or parser.others == "{}"
        ranks = {key: rank for rank, key in enumerate(fields)}
        keys = sorted(fields, key=self.path) if parser.shape == "json" else \
            sorted(fields, key=lambda key: key.encode())
        for key in keys:
            targets = [self.target(target, own and target[0] == key and
                                   target[1] not in ("peer", "endpoint"))
                       for target in fields[key]]
            path = self.path(key) if parser.shape == "json" else 0
            exact = path_hash(key) if parser.shape == "json" and small[key.lower()] > 1 else 0
            rows.append(f"{{{string(key)}, {path}, {exact}u, {ranks[key]}, {self.listed('struct target', targets)}}}")
        return rows

    def step(self, step):
        names = [str(self.name(name)) for name in step["from"]]
        to = [self.target((name,) + step["as"][1:]) for name in step["to"]]
        return (f"{{STEP_{step['kind'].upper()}, {{{', '.join(names)}}}, {len(names)}, "
                f"{self.listed('struct target', to)}, {string(step['text'])}, {self.pattern(step['match'])}, "
                f"{self.pairs_form(step['pairs'])}, "
                f"{self.listed('struct pick', [self.pick(*field) for field in step['fields']])}}}")

    def map(self, rule):
        cases = [f"{{{self.wanted(key)}, {self.listed('struct setting', self.values_of(rule['to'], values))}}}"
                 for key, values in rule["values"]]
        return (f"{{{self.name(rule['from'])}, {self.name(rule['to'])}, {self.listed('struct map_case', cases)}, "
                f"{self.listed('struct setting', self.values_of(rule['to'], rule['otherwise']))}}}")

    def parser(self, parser):
        columns = parser.columns or {"separator": "\0", "quote": "", "escape": False}
        shape = "SHAPE_SYSLOG" if parser.code == "syslog" else SHAPES[parser.shape]
        code = parser.code.replace("-", "_") + "_parse" if parser.code and parser.code != "syslog" else "NULL"
        inner, inner_parser, program, inside = parser.inner or ([], "", "", "")
        rows = [self.row(row) for row in parser.rows]
        lists = [self.column_list(when, targets) for when, targets in parser.lists]
        steps = [self.step(step) for step in parser.steps]
        maps = [self.map(rule) for rule in parser.maps]
        return "\n     ".join([
            f"{{{string(parser.name)}, {string(parser.cls)}, {string(parser.about)}, {shape}, "
            f"HEADER_{parser.header.upper() or 'NONE'}, {yes(parser.rows_required)}, {code},",
            f"{self.pattern(parser.prefix)}, {self.listed('struct row', rows)},",
            f"{self.listed('struct setting', self.settings(parser.set))}, {self.pairs_form(parser.pairs)},",
            f"{ord(columns['separator'])}, {ord(columns['quote'] or chr(0))}, {yes(columns['escape'])}, "
            f"{self.listed('struct column_list', lists)},",
            f"{self.listed('struct str', [string(name) for name in parser.names_known])},",
            f"{self.listed('struct field', self.fields(parser))}, {string('' if parser.others == '{}' else parser.others)}, "
            f"{yes(parser.others == '{}')}, "
            f"{self.listed('struct str', [string(value) for value in parser.empty])},",
            f"{self.listed('struct step', steps)}, {self.listed('struct map_rule', maps)},",
            f"{self.listed('uint16_t', [self.name(name) for name in inner])}, {string(inner_parser)}, "
            f"{self.name(program) if program else 'NAME_OTHER'}, {string(inside + '.' if inside else '')}}}"])

    def key_mark(self, key, parser):
        absent = key.startswith("!")
        name, _, value = key[absent:].partition("=")
        path = self.path(name) if parser.shape != "columns" else 0
        wanted = [self.wanted(part) for part in value.split("|")] if "=" in key else []
        return f"{{{path}, {string(name)}, {yes(absent)}, {self.listed('struct wanted', wanted)}}}"

    def mark(self, mark, number, parser):
        return (f"{{{number}, {self.wants(mark['program'])}, "
                f"{self.listed('struct str', [string(value) for value in mark['begins']])}, "
                f"{self.listed('struct contained', [contained(value) for value in mark['contains']])}, "
                f"{self.listed('struct key_mark', [self.key_mark(key, parser) for key in mark['keys']])}, "
                f"{mark['columns']}, {self.pattern(mark['looks'])}, {yes(mark['any'] or mark['bare'])}, {yes(mark['bare'])}}}")

    def marks(self, numbers):
        return "{%s, %d}" % self.array("uint16_t", [str(number) for number in numbers])

    def dictionary(self, name, texts):
        bits = 4
        while 1 << bits < 4 * len(texts):
            bits += 1
        slots = [65535] * (1 << bits)
        for i, text in enumerate(texts):
            at = ends_hash(text) >> (64 - bits)
            while slots[at] != 65535:
                at = (at + 1) % len(slots)
            slots[at] = i
        array = self.array("struct str", [string(text) for text in texts] or ["{NULL, 0}"])[0]
        table = self.array("uint16_t", [", ".join(map(str, slots[i:i + 16])) for i in range(0, len(slots), 16)])[0]
        self.out.append(f"const struct dictionary {name} = {{{array}, {len(texts)}, {table}, {bits}}};\n")

    def recognition(self):
        marks = []
        for number, parser in enumerate(self.parsers):
            for mark in parser.marks:
                how = ("program" if mark["program"] else "keys" if mark["keys"] else "begins" if mark["begins"]
                       else "looks" if mark["looks"] else "any" if mark["any"] or mark["bare"] else "contains")
                size = max([len(text) for text in mark["begins"] + mark["contains"]] or [0])
                marks.append((parser.rank, ("program", "keys", "begins", "looks", "contains", "any").index(how),
                              -len(mark["keys"]), -size, parser.name, number, how, mark, parser))
        marks.sort(key=lambda row: row[:6])
        rows = [self.mark(row[7], row[5], row[8]) for row in marks]
        self.out.append("const struct mark parse_marks[] = {\n" + "".join(f"    {row},\n" for row in rows or ["{0}"]) +
                        f"}};\nconst size_t parse_mark_count = {len(rows)};\n")
        by = {how: [(i, row[7], row[8]) for i, row in enumerate(marks) if row[6] == how]
              for how in ("program", "keys", "begins", "looks", "contains", "any")}
        header = [i for i, _, parser in by["keys"] if parser.header]
        self.keys([row for row in by["keys"] if not row[2].header])
        self.out.append(f"const struct marks parse_header_marks = {self.marks(header)};\n")
        naming = [i for i, _, parser in by["keys"] if parser.header == "first"]
        bytes_first = {key.encode()[0] for _, _, parser in by["keys"] if parser.header == "first" for key in parser.fields}
        self.out.append(f"const uint64_t parse_naming_first[4] = {{{byte_bits(bytes_first)}}};\n")
        self.out.append(f"const struct marks parse_naming_marks = {self.marks(naming)};\n")
        self.out.append(f"const struct marks parse_any_marks = {self.marks([i for i, _, _ in by['any']])};\n")
        self.programs(by["program"])
        sifted = [(i, mark, longest(mark["looks"])) for i, mark, _ in by["looks"]]
        sifted += [(i, mark, max(mark["contains"], key=lambda value: len(value.encode())))
                   for i, mark, _ in by["contains"]]
        short = {i for i, _, text in sifted if len(text.encode()) < LITERAL_MIN}
        self.needs(marks)
        self.firsts(by["begins"] + [row for row in by["looks"] if row[0] in short])
        self.out.append("const struct marks parse_short_marks = "
                        f"{self.marks([i for i, _, _ in by['contains'] if i in short])};\n")
        self.literals([(i, text) for i, _, text in sifted if i not in short])

    def keys(self, marks):
        """Each mark by that of its keys which the fewest ask for."""
        asked = {}
        for _, mark, _ in marks:
            for key in mark["keys"]:
                asked[key.partition("=")[0]] = asked.get(key.partition("=")[0], 0) + 1
        self.by_path = {}
        for i, mark, _ in marks:
            key = min((key.partition("=")[0] for key in mark["keys"]), key=lambda name: (asked[name], name))
            self.by_path.setdefault(self.path(key), []).append(i)

    def programs(self, marks):
        exact, stars = {}, [set() for _ in range(256)]
        for i, mark, _ in marks:
            for program in mark["program"]:
                if program.endswith("*"):
                    stars[program.encode()[0]].add(i)
                else:
                    exact.setdefault(program, []).append(i)
        texts = sorted(exact)
        self.dictionary("parse_programs", texts)
        self.out.append("const struct marks parse_program_marks[] = {\n" + "".join(
            f"    {self.marks(exact[text])},\n" for text in texts) + "    {NULL, 0}};\n")
        self.out.append("const struct marks parse_program_stars[256] = {\n" + "".join(
            f"    {self.marks(sorted(group))},\n" for group in stars) + "};\n")

    def needs(self, marks):
        """The bytes that some mark cannot do without, the rarest first, and each mark's."""
        sets = [needed(row[7], row[8]) for row in marks]
        counts = collections.Counter(char for chars in sets for char in chars)
        known = sorted(sorted(counts, key=lambda char: (-counts[char], char))[:32], key=RARE_FIRST.find)
        self.out.append(f"const char parse_need_bytes[32] = {{{', '.join(str(ord(char)) for char in known) or '0'}}};\n")
        masks = [sum(1 << known.index(char) for char in chars if char in known) for chars in sets]
        self.out.append("const uint32_t parse_mark_needs[] = {\n" + "".join(
            f"    0x{mask:x}u,\n" for mask in masks or [0]) + "};\n")

    def firsts(self, marks):
        """How texts begin: with something known, or with a run, and what stands behind it."""
        passages = {}
        for i, mark, parser in marks:
            starts = range(256) if mark["begins"] else first_bytes(mark["looks"].pieces)
            ways = ([("RUN_NONE", False, [], bytes_sets(begin.encode())) for begin in mark["begins"]]
                    or fronts_of(mark["looks"].pieces, parser))
            for run, blanks, at, behind in ways:
                front = behind if run == "RUN_NONE" else at
                firsts = frozenset(starts) & (front[0] if front else frozenset(range(256)))
                if not firsts:
                    continue
                if run == "RUN_NONE":
                    behind = [firsts] + behind[1:]
                key = run, blanks, window(at), frozenset() if run == "RUN_NONE" else firsts
                passages.setdefault(key, {})[tuple(behind[:WINDOW]), i] = firsts
        rows = []
        for (run, blanks, at, _), group in sorted(passages.items(), key=lambda item: (
                item[0][0] != "RUN_NONE", item[0][0], item[0][1], sorted(item[0][3]))):
            # Those that begin alike stand together, so that few passages are asked.
            ways = sorted(group.items(), key=lambda way: (len(way[1]) > 8, sorted(way[1]), way[0][1]))
            rows += [self.passage(run, blanks, at, ways[i:i + 64]) for i in range(0, len(ways), 64)]
        self.out.append("const struct passage parse_passages[] = {\n" + "".join(
            f"    {row},\n" for row in rows or ["{0}"]) + f"}};\nconst size_t parse_passage_count = {len(rows)};\n")

    def passage(self, run, blanks, at, ways):
        def left(place, byte):
            return sum(1 << i for i, ((behind, _), _) in enumerate(ways) if len(behind) <= place or byte in behind[place])
        places = ", ".join("{%s}" % ", ".join(f"0x{left(place, byte):x}" for byte in range(256))
                           for place in range(PASSAGE_PLACES))
        firsts = byte_bits(frozenset().union(*(firsts for _, firsts in ways)))
        name, _ = self.array("struct front", [f"{{{window(behind)}, {mark}}}" for (behind, mark), _ in ways])
        return f"{{{run}, {yes(blanks)}, {at}, {{{firsts}}}, {{{places}}}, {name}}}"

    def literals(self, marks):
        rows = [(text.encode(), text, i) for i, text in marks]
        grams = sorted((gram_hash(data[at:at + 4]), number, at)
                       for number, (data, _, _) in enumerate(rows) for at in range(SIFT_STRIDE))
        bits = [0] * ((1 << SIFT_BITS) // 64)
        for hashed, _, _ in grams:
            bits[hashed // 64] |= 1 << hashed % 64
        self.out.append("const struct literal parse_literals[] = {\n" + "".join(
            f"    {{{string(text)}, {mark}}},\n" for _, text, mark in rows) + "    {{NULL, 0}, 0}};\n")
        self.out.append("const struct gram parse_grams[] = {\n" + "".join(
            "    {%d, %d, %d},\n" % gram for gram in grams) + "    {0, 0, 0}};\n"
            f"const size_t parse_gram_count = {len(grams)};\n")
        starts = [next((i for i, gram in enumerate(grams) if gram[0] >> SIFT_FROM >= upper), len(grams))
                  for upper in range(1 << (SIFT_BITS - SIFT_FROM))]
        self.out.append(f"const uint16_t parse_gram_from[] = {{{', '.join(map(str, starts))}}};\n")
        lines = [", ".join(f"UINT64_C({value})" for value in bits[i:i + 4]) for i in range(0, len(bits), 4)]
        self.out.append(f"const uint64_t parse_gram_bits[{len(bits)}] = {{\n    " + ",\n    ".join(lines) + "};\n")

    def write(self, path):
        parsers = [self.parser(parser) for parser in self.parsers]
        self.recognition()
        objects = sorted({key.lstrip("!").partition("=")[0].lower() for parser in self.parsers if parser.shape != "columns"
                          for mark in parser.marks for key in mark["keys"]})
        for key in objects:  # Their own beginnings, too, so that a deep one is found.
            parts = key.split(".")
            for i in range(1, len(parts)):
                self.path(".".join(parts[:i]))
        paths = list(self.paths)
        prefixes = {".".join(key.split(".")[:i]) for key in objects for i in range(1, key.count(".") + 2)}
        self.dictionary("parse_paths", paths)
        flags = ", ".join(str(int(key in prefixes)) for key in paths) or "0"
        self.out.append(f"const uint8_t parse_path_objects[] = {{{flags}}};\n")
        self.out.append("const struct marks parse_path_marks[] = {\n" + "".join(
            f"    {self.marks(self.by_path.get(i, []))},\n" for i in range(len(paths))) + "    {NULL, 0}};\n")
        if len(paths) > PATHS_MAX:
            raise SystemExit(f"parsers.py: {len(paths)} JSON names are minded; there may be {PATHS_MAX}")
        self.out.append("const struct parser parse_table[] = {\n" + "".join(f"    {row},\n" for row in parsers) +
                        f"}};\nconst size_t parse_table_count = {len(parsers)};\n")
        names = ["auto"] + sorted(parser.name for parser in self.parsers)
        self.out.append("const char *const parse_table_names[] = {" +
                        ", ".join(map(literal, names)) + ", NULL};\n")
        self.out.append("const struct str parse_names[] = {\n" + "".join(
            f"    {string(name)},\n" for name in self.names) + f"}};\nconst size_t parse_name_count = "
            f"{len(self.names)};\n")
        single = ", ".join(str(int(self.single(name))) for name in self.names)
        self.out.append(f"const uint8_t parse_name_single[] = {{{single}}};\n")
        peers = "".join("    {%d, %d, %d, %d},\n" % ends for ends in self.peers)
        self.out.append(f"const struct peer parse_peers[] = {{\n{peers or '    {0, 0, 0, 0},' + chr(10)}}};\n")
        with open(path, "w", encoding="ascii") as out:
            out.write('/* Made by tools/parsers.py from parsers/. */\n\n#include "parse/codes.h"\n'
                      '#include "parse/table.h"\n\n')
            out.writelines(self.out)


def fixed_texts(pattern):
    """The texts that a pattern cannot do without."""
    inside, texts = False, [""]
    for piece in pattern.pieces:
        inside = piece[0] == "open" or (inside and piece[0] != "close")
        if piece[0] == "text" and not inside:
            texts.append(piece[1])
    return texts


def longest(pattern):
    return max(fixed_texts(pattern), key=lambda value: len(value.encode()))


def contained(value):
    """A literal and the place of its rarest byte."""
    order = b"etaoinsrhldcumfpgwybvkxjqz"
    data = value.encode()
    def often(at):
        byte = data[at]
        return (1000 if byte == 0x20 else 500 - order.index(byte) * 10 if byte in order else
                400 if 0x30 <= byte < 0x3A else 100 if byte in b'.-:=/"' else 50 if chr(byte).isalpha() else 0)
    return f"{{{string(value)}, {min(range(len(data)), key=often)}}}"


def needed(mark, parser):
    """Bytes, neither letters nor digits, that no text of it can do without."""
    texts = mark["contains"] + (fixed_texts(mark["looks"]) if mark["looks"] else [])
    for piece in mark["looks"].pieces if mark["looks"] else []:
        if piece[0] == "open":
            break
        if piece[0] == "take" and piece[2] == "clf":
            texts.append("/")
        if piece[0] == "take" and not parser.empty:
            texts.append({"iso": ":", "clf": ":", "bsd": ":", "asctime": ":", "clock": ":", "quoted": '"'}.get(piece[2], ""))
            if piece[2] == "at":
                texts.append(re.sub("%.", "", piece[3].replace("%T", "::")))
    return {char for text in texts for char in text if 0x20 < ord(char) < 0x7F and not char.isalnum()}


# What stands at the front of a text: for each byte the set of those that may stand there; then, behind a run of
# bytes whose number nobody knows, the same once more.  front.c reads it.
DIGIT = frozenset(DIGITS.encode())
WINDOW = 8
PASSAGE_PLACES = 3  # as table.h has it
WAYS_MAX = 64  # more than that, and the last place is left out
RUNS = {"word": "RUN_WORD", "int": "RUN_INT", "num": "RUN_NUM", "hex": "RUN_HEX", "iso": "RUN_ISO",
        "epoch": "RUN_EPOCH", "asctime": "RUN_ASCTIME"}


def bytes_sets(data):
    return [frozenset((byte,)) for byte in data]


def stamp_ways(form):
    """Of a time: (what stands at its front, whether that is all of it)."""
    ways = [[]]
    at = 0
    while at < len(form):
        letter = form[at:at + 2] if form[at] == "%" else form[at]
        at += len(letter)
        if letter == "%Y":
            ways = [way + [DIGIT] * 4 for way in ways]
        elif letter in ("%m", "%M", "%S", "%y") and at < len(form) and form[at] not in "% ":
            ways = [way + [DIGIT] * count for way in ways for count in (1, 2)]
        elif letter in ("%d", "%e", "%H", "%I") and len(ways) == 1 and not ways[0] and form[at:at + 1] not in "% ":
            ways = [[DIGIT], [DIGIT, DIGIT], [frozenset(b" \t")]]
            at += 1
            ways[0] += bytes_sets(form[at - 1].encode())
            ways[1] += bytes_sets(form[at - 1].encode())
            return ways
        elif letter in ("%m", "%M", "%S", "%y"):
            return [way + [DIGIT] for way in ways]
        elif letter[0] != "%" and letter != " ":
            ways = [way + bytes_sets(letter.encode()) for way in ways]
        else:
            return ways
    return ways


def take_ways(piece):
    """What a capture may begin with: (ways, whether they are all of it)."""
    kind, argument = piece[2], piece[3]
    if kind == "iso":
        return [[DIGIT] * 4 + [frozenset(b"-/"), DIGIT]], False
    if kind == "clf":
        slash = bytes_sets(b"/")
        return [[DIGIT] + slash, [DIGIT, DIGIT] + slash], False
    if kind == "bsd":
        months = [[frozenset(bytes((byte, byte ^ 0x20))) for byte in month] + bytes_sets(b" ") for month in
                  (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")]
        return months + [[DIGIT]], False
    if kind in ("epoch", "epoch_ms"):
        return [[DIGIT] * 9], False
    if kind == "at":
        return stamp_ways(argument), False
    if kind == "quoted":
        return [bytes_sets(b'"')], False
    if kind == "oneof":
        return [bytes_sets(option.encode()) for option in argument.split("|") if option], True
    if kind in FIRST:
        return [[frozenset(FIRST[kind].encode())]], False
    return [[]], False


def ways_from(pieces, parser):
    """What may stand where these pieces begin, up to the window's end."""
    ways = [[]]
    for i, piece in enumerate(pieces):
        if piece[0] == "text":
            ways = [way + bytes_sets(piece[1].encode()) for way in ways]
        elif piece[0] == "take":
            more, whole = take_ways(piece)
            follow = pieces[i + 1] if i + 1 < len(pieces) else ("end",)
            behind = bytes_sets(follow[1].encode()) if follow[0] == "text" else []
            # What the file calls empty stands for any value.
            empties = [bytes_sets(value.encode()) + behind for value in parser.empty if value]
            if len(ways) * (len(more) + len(empties)) > WAYS_MAX:
                return ways
            longer = [way + tail for way in ways for tail in more]
            if not whole or empties:
                return longer + [way + tail for way in ways for tail in empties]
            ways = longer
        else:
            return ways
        if all(len(way) >= WINDOW for way in ways):
            return ways
    return ways


def fronts_of(pieces, parser):
    """All ways in which a text may begin: (a run, whether blanks may follow it, its front, what stands behind it)."""
    first = pieces[0] if pieces else ("end",)
    follow = pieces[1] if len(pieces) > 1 else ("end",)
    if first[0] == "take" and first[2] in RUNS and (
            first[2] != "word" or (follow[0] == "text" and follow[1][0] in " \t")):
        ends = bytes_sets(follow[1].encode()) if follow[0] == "text" else []
        empties = [bytes_sets(value.encode()) + ends for value in parser.empty if value]
        blanks = first[2] in ("iso", "epoch") and follow[0] == "take" and follow[2] == "blanks"
        return ([(RUNS[first[2]], blanks, take_ways(first)[0][0][:WINDOW], way)
                 for way in ways_from(pieces[2 if blanks else 1:], parser)] +
                [("RUN_NONE", False, [], way) for way in empties])
    return [("RUN_NONE", False, [], way) for way in ways_from(pieces, parser)]


def byte_bits(chosen):
    """A set of bytes as four numbers of 64 bits."""
    return ", ".join(f"UINT64_C(0x{sum(1 << byte % 64 for byte in chosen if byte // 64 == i):x})" for i in range(4))


def window(places):
    """As front.c has it: bits that are known, and where digits are."""
    mask = value = digits = 0
    for i, allowed in enumerate(places):
        if allowed == DIGIT:
            digits |= 0x80 << 8 * i
        else:
            same = 0xFF
            for byte in allowed:
                same &= ~(byte ^ min(allowed)) & 0xFF
            mask |= same << 8 * i
            value |= (min(allowed) & same) << 8 * i
    return f"{{UINT64_C(0x{mask:x}), UINT64_C(0x{value:x}), UINT64_C(0x{digits:x})}}"


def first_bytes(pieces):
    """With which bytes a text may begin that a pattern fits."""
    if not pieces:
        return range(256)
    piece = pieces[0]
    if piece[0] == "text":
        return [piece[1].encode()[0]]
    if piece[0] == "open":
        close = next(i for i, other in enumerate(pieces) if other[0] == "close")
        return set(first_bytes(pieces[1:close])) | set(first_bytes(pieces[close + 1:]))
    if piece[0] == "take" and piece[2] in FIRST:
        return [ord(char) for char in FIRST[piece[2]]]
    if piece[0] == "take" and piece[2] == "at":
        letter = piece[3][1:2]
        return [ord(char) for char in (DIGITS + " " if letter in "deHIjmMSTyY" else FIRST["bsd"] + FIRST["asctime"])]
    if piece[0] == "take" and piece[2] == "blanks":
        return set(b" \t") | set(first_bytes(pieces[1:]))
    if piece[0] == "take" and piece[2] == "oneof":
        return {option.encode()[0] for option in piece[3].split("|") if option}
    return range(256)


def header_write(parsers, path):
    codes = sorted({parser.code.replace("-", "_") for parser in parsers if parser.code and parser.code != "syslog"})
    with open(path, "w", encoding="ascii") as out:
        out.write("#pragma once\n\n/* Made by tools/parsers.py from parsers/: the parsers that are code. */\n\n"
                  '#include <stdbool.h>\n\n#include "base/str.h"\n\nstruct found;\n\n')
        out.writelines(f"bool {code}_parse(struct found *found, struct str text);\n" for code in codes)


def own_names(parser, sample):
    return parser.shape in ("json", "code") or parser.header == "zeek" or bool(parser.inner) or sample["parser"] != parser.name


def samples_write(parsers, path):
    """What engine_test.c proves."""
    out = ['/* Made by tools/parsers.py from parsers/. */\n\n#include "parse/samples.h"\n\n']
    rows, count = [], 0
    for parser in parsers:
        for sample in parser.samples:
            count += 1
            fields = "".join(f"    {{{string(name)}, {string(value)}}},\n" for name, values in sample["fields"]
                             for value in values)
            before = "".join(f"    {string(line)},\n" for line in sample["before"])
            absent = "".join(f"    {string(name)},\n" for name in sample["absent"])
            out.append(f"static const struct sample_field f{count}[] = {{\n{fields}    {{{{NULL, 0}}, {{NULL, 0}}}}}};\n"
                       f"static const struct str b{count}[] = {{\n{before}    {{NULL, 0}}}};\n"
                       f"static const struct str x{count}[] = {{\n{absent}    {{NULL, 0}}}};\n")
            mark = sample["node"].start_mark
            where = re.sub(r".*/", "", mark.name) + f":{mark.line + 1}"
            rows.append(f"    {{{literal(where)}, {string(parser.name)}, {string(sample['parser'])}, "
                        f"{string(sample['line'])}, {string(sample['class'] or '')}, "
                        f"{yes(sample['class'] is not None)}, {yes(own_names(parser, sample))}, {string(sample['received'])}, {sample['zone']}, "
                        f"{string(sample['charset'])}, f{count}, b{count}, x{count}}},\n")
    out.append("const struct sample samples[] = {\n" + "".join(rows) + f"}};\nconst size_t sample_count = {len(rows)};\n")
    names = sorted(set().union(*[parser.names.listed for parser in parsers])) if parsers else []
    out.append("const struct str sample_ecs[] = {\n" + "".join(f"    {string(name)},\n" for name in names) +
               f"}};\nconst size_t sample_ecs_count = {len(names)};\n")
    vendors = sorted({vendor for parser in parsers for vendor in parser.vendors})
    out.append("const struct str sample_vendors[] = {\n" + "".join(f"    {string(name)},\n" for name in vendors) +
               f"    {{NULL, 0}}}};\nconst size_t sample_vendor_count = {len(vendors)};\n")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(out)


assert set(OPEN) - {""} <= set(TYPES)
