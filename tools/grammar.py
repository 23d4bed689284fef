#!/usr/bin/env python3
"""What a fuzz target starts from, of a grammar: grammar.py FILE COUNT FOLDER

Writes COUNT inputs into FOLDER and the grammar's own texts as a dictionary into FOLDER.dict.  A grammar is a list of

    name = "text" other other? other* | ...        # a rule goes on over lines that begin with a blank

The first rule is the whole.  ? is nothing or one, * is none to four.  Texts are as in Python.  Behind the sixteenth level
the first alternative alone is taken: it must end.  Made here, not by rules:

    :number   where integers and lengths go wrong, and others
    :word     letters and digits
    :bytes    anything
    octets:x  the size of x in digits, a blank, and x; every sixteenth size is wrong
    size4:x   the size of x as four bytes, the highest first, and x; the same
    use FILE  the rules of another grammar beside this one
"""

import pathlib
import random
import re
import sys

DEPTH_MAX = 16
SIZE_MAX = 16384
NUMBERS = [0, 1, 2, 7, 9, 10, 23, 127, 128, 191, 192, 255, 256, 999, 1023, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32,
           2**63 - 1, 2**63, 2**64, 10**30, -1, -(2**31) - 1]
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\w:]+[?*]?|\|')


def read(path):
    rules, text = {}, re.sub(r"\n\s+", " ", re.sub(r"(?m)^#.*\n", "", path.read_text()))
    for line in filter(str.strip, text.split("\n")):
        if line.startswith("use "):
            rules.update({name: rule for name, rule in read(path.parent / line[4:].strip()).items() if name not in rules})
            continue
        name, body = line.split("=", 1)
        alternatives = [[]]
        for token in TOKEN.findall(body):
            if token == "|":
                alternatives.append([])
            else:
                alternatives[-1].append(bytes(token[1:-1], "utf-8").decode("unicode_escape").encode("latin-1")
                                        if token[0] == '"' else token)
        rules[name.strip()] = alternatives
    return rules


def lie(draw, size):
    return draw.choice([size + 1, max(size - 1, 0), 0, size * 10, 2**31]) if draw.randrange(16) == 0 else size


def make(rules, draw, token, depth=0):
    if isinstance(token, bytes):
        return token
    if token[-1] in "?*":
        times = draw.randrange(2 if token[-1] == "?" else 5) if depth < DEPTH_MAX else 0
        return b"".join(make(rules, draw, token[:-1], depth) for _ in range(times))
    if token == ":number":
        return b"%d" % draw.choice([draw.choice(NUMBERS), draw.randrange(1000)])
    if token == ":word":
        return bytes(draw.choice(b"abcxyzABC019_-.") for _ in range(draw.randrange(1, 12)))
    if token == ":bytes":
        return draw.randbytes(draw.randrange(24))
    kind, _, inner = token.rpartition(":")
    if kind:
        made = make(rules, draw, inner, depth)
        size = lie(draw, len(made))
        return b"%d " % size + made if kind == "octets" else (size % 2**32).to_bytes(4, "big") + made
    alternatives = rules[token]
    chosen = alternatives[0] if depth >= DEPTH_MAX else draw.choice(alternatives)
    return b"".join(make(rules, draw, part, depth + 1) for part in chosen)


def dictionary(rules):
    texts = {part for rule in rules.values() for parts in rule for part in parts if isinstance(part, bytes)}
    for text in sorted(t for t in texts if 1 < len(t) <= 64):
        yield '"%s"\n' % "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in text)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    path, count, folder = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    rules, draw = read(path), random.Random(path.stem)
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i:05}").write_bytes(make(rules, draw, next(iter(rules)))[:SIZE_MAX])
    folder.with_name(folder.name + ".dict").write_text("".join(dictionary(rules)))


main()
