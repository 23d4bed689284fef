#!/usr/bin/env python3
"""What tools/site.py makes of a folder, and what it refuses."""

import gzip
import os
import re
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
PAGE = b"<!doctype html>\n" + b"<p>the same again</p>\n" * 40


def write(root, path, data):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def made(root, *options):
    end = subprocess.run(
        [sys.executable, os.path.join(FOLDER, "site.py"), *options, "out", "table.c"],
        cwd=root, capture_output=True, text=True, check=False,
    )
    return end.returncode, end.stderr


def read(root, path, mode="rb"):
    with open(os.path.join(root, path), mode) as file:
        return file.read()


def rows(root):
    row = re.compile(r'\{"([^"]+)",\s*"([^"]+)",.*?\+ (\d+), (\d+)\}, \{site_bytes \+ (\d+), (\d+)\}, (\w+)\}')
    return [match.groups() for match in row.finditer(read(root, "table.c", "r"))]


def check(true, sentence):
    if not true:
        sys.exit(f"site_test.py: not so: {sentence}")


def main():
    with tempfile.TemporaryDirectory() as root:
        write(root, "out/index.html", PAGE)
        write(root, "out/assets/main-0a1b2c3d.js", b"let a = 1;\n" * 50)
        write(root, "out/icon.png", bytes(range(256)))
        check(made(root) == (0, ""), "a folder of known files becomes a table")
        blob = read(root, "table.bin")
        found = rows(root)
        check([row[0] for row in found] == ["/assets/main-0a1b2c3d.js", "/icon.png", "/index.html"],
              "the rows are in the order of their paths")
        check([row[6] for row in found] == ["true", "false", "false"], "what has a hash in its name is kept")
        _, _, at, size, packed_at, packed_size, _ = found[2]
        check(blob[int(at):int(at) + int(size)] == PAGE, "the plain bytes are the file's")
        packed = blob[int(packed_at):int(packed_at) + int(packed_size)]
        check(0 < len(packed) < len(PAGE) and gzip.decompress(packed) == PAGE, "the packed bytes are its gzip form")
        check(found[1][5] == "0", "a picture is not packed again")
        first = read(root, "table.c") + blob
        os.utime(os.path.join(root, "out/index.html"), (1, 1))
        check(made(root)[0] == 0 and read(root, "table.c") + read(root, "table.bin") == first,
              "the same files give the same bytes")

        write(root, "out/assets/main.js", b"1")
        code, text = made(root)
        check(code == 1 and "assets/main.js" in text and "hash" in text, "a kept file without a hash is refused")
        os.remove(os.path.join(root, "out/assets/main.js"))
        write(root, "out/notes.doc", b"1")
        check("no media type" in made(root)[1], "an unknown type is refused")
        os.remove(os.path.join(root, "out/notes.doc"))
        os.remove(os.path.join(root, "out/index.html"))
        check("no index.html" in made(root)[1], "a folder without the page is refused")

        write(root, "web.sh", b'#!/bin/sh\nmkdir -p "$1"\ncp web/src/* "$1"\n')
        os.chmod(os.path.join(root, "web.sh"), 0o755)
        write(root, "web/src/index.html", PAGE)
        write(root, "web/node_modules/x/y.js", b"1")
        check(made(root, "--made-by", "./web.sh", "--from", "web", "--depfile", "table.d")[0] == 0,
              "a program can fill the folder first")
        needed = read(root, "table.d", "r").replace("\\\n", "").split()
        check(needed == ["table.c:", "./web.sh", "web", "web/src", "web/src/index.html"],
              "the depfile names what was written by hand")
        write(root, "web.sh", b"#!/bin/sh\nexit 3\n")
        check(made(root, "--made-by", "./web.sh")[0] == 1, "a failed build is a failure")
    print("site_test.py: passed")


main()
