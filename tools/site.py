#!/usr/bin/env python3
"""Makes the table behind src/portal/site.h from a folder of files that browsers load.

    site.py [--made-by PROGRAM [--from PATH]... [--depfile FILE]] FOLDER TABLE.c

With --made-by, PROGRAM is called first with FOLDER and fills it; the depfile then says that the table
depends on PROGRAM and on everything below the PATHs, so that an unchanged front end costs nothing.

Beside TABLE.c stands TABLE.bin: the bytes of all files and, of texts, their gzip form, which the table
takes in by .incbin.  The same files give the same bytes, whatever machine makes them.

Refused: a file of a type that is not listed here, a file below assets/ without a hash in its name
(browsers keep those for a year), and a folder without index.html.
"""

import argparse
import gzip
import hashlib
import os
import re
import subprocess
import sys

# Ending: media type, and whether it is worth compressing.
TYPES = {
    ".html": ("text/html; charset=utf-8", True),
    ".js": ("text/javascript; charset=utf-8", True),
    ".css": ("text/css; charset=utf-8", True),
    ".json": ("application/json", True),
    ".webmanifest": ("application/manifest+json", True),
    ".txt": ("text/plain; charset=utf-8", True),
    ".svg": ("image/svg+xml", True),
    ".ico": ("image/x-icon", True),
    ".png": ("image/png", False),
    ".webp": ("image/webp", False),
    ".woff2": ("font/woff2", False),
}
HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
NAME = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")
NOT_SOURCES = {"node_modules", "dist"}


def files_below(folder):
    """Paths from the folder, with '/', in order."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/")


def sources_below(path):
    """A path, and every folder and file below it that somebody writes by hand.  The folders are named
    too: their time changes when a file comes or goes."""
    yield path
    for where, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if f not in NOT_SOURCES and not f.startswith("."))
        for name in sorted(folders + names):
            if not name.startswith("."):
                yield os.path.join(where, name)


def row_of(folder, path, blob):
    ending = os.path.splitext(path)[1]
    immutable = path.startswith("assets/")
    if ending not in TYPES:
        sys.exit(f"site.py: {path}: no media type is known for '{ending}'")
    if not NAME.fullmatch(path):
        sys.exit(f"site.py: {path}: a name has letters, digits, '.', '_' and '-' alone")
    if immutable and not HASHED.search(path):
        sys.exit(f"site.py: {path}: browsers keep it for a year, so its name needs a hash")
    with open(os.path.join(folder, path), "rb") as file:
        plain = file.read()
    kind, text = TYPES[ending]
    packed = gzip.compress(plain, 9, mtime=0) if text else b""
    if len(packed) >= len(plain):
        packed = b""
    at = len(blob)
    blob += plain + packed
    tag = hashlib.sha256(plain).hexdigest()[:32]
    return (
        f'    {{"/{path}", "{kind}", "W/\\"{tag}\\"", {{site_bytes + {at}, {len(plain)}}}, '
        f"{{site_bytes + {at + len(plain)}, {len(packed)}}}, {'true' if immutable else 'false'}}},\n"
    )


def write_if_changed(path, data):
    """What is as it was keeps its time, so that nothing is built again because of it."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    with open(path, "wb") as out:
        out.write(data)


def table_write(folder, table):
    names = sorted(files_below(folder), key=lambda path: ("/" + path).encode())
    if "index.html" not in names:
        sys.exit(f"site.py: {folder}: there is no index.html")
    blob = bytearray()
    rows = [row_of(folder, path, blob) for path in names]
    bytes_path = os.path.splitext(table)[0] + ".bin"
    write_if_changed(bytes_path, bytes(blob))
    text = "".join(
        [
            "/* Made by tools/site.py. */\n\n"
            '#include "portal/site_table.h"\n\n'
            '__asm__(".pushsection .rodata\\n"\n'
            '        ".balign 16\\n"\n'
            '        ".globl site_bytes\\n"\n'
            '        ".hidden site_bytes\\n"\n'
            '        ".type site_bytes, @object\\n"\n'
            '        "site_bytes:\\n"\n'
            f'        ".incbin \\"{bytes_path}\\"\\n"\n'
            '        ".byte 0\\n"\n'
            '        ".size site_bytes, . - site_bytes\\n"\n'
            '        ".popsection\\n");\n\n'
            "extern const char site_bytes[];\n\n"
            "const struct site_file site_table[] = {\n",
            *rows,
            "};\nconst size_t site_table_count = sizeof site_table / sizeof *site_table;\n",
        ]
    )
    write_if_changed(table, text.encode("ascii"))


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--made-by")
    asked.add_argument("--from", dest="sources", action="append", default=[])
    asked.add_argument("--depfile")
    asked.add_argument("folder")
    asked.add_argument("table")
    given = asked.parse_args()
    if given.made_by:
        os.makedirs(given.folder, exist_ok=True)
        end = subprocess.run([given.made_by, os.path.abspath(given.folder)], check=False)
        if end.returncode != 0:
            sys.exit(f"site.py: {given.made_by} failed")
    table_write(given.folder, given.table)
    if given.depfile:
        needed = [given.made_by] if given.made_by else []
        for source in given.sources:
            needed += sources_below(source)
        with open(given.depfile, "w", encoding="utf-8") as out:
            out.write(given.table + ":")
            out.writelines(" \\\n " + path.replace(" ", "\\ ") for path in needed)
            out.write("\n")


if __name__ == "__main__":
    main()
