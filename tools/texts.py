#!/usr/bin/env python3
"""Files that the program carries in itself, as a C header.
    texts.py OUTPUT NAME=FILE …     struct package_text package_texts[]: the name and the bytes of each
"""
import sys

def main(arguments):
    rows = []
    with open(arguments[0], "w", encoding="ascii") as out:
        out.write("#pragma once\n\n/* Made by tools/texts.py. */\n\n#include <stddef.h>\n\n"
                  "struct package_text {\n    const char *name;\n    const char *bytes;\n    size_t size;\n};\n\n")
        for i, argument in enumerate(arguments[1:]):
            name, path = argument.split("=", 1)
            data = open(path, "rb").read()
            lines = [", ".join("%d" % (b if b < 128 else b - 256) for b in data[at:at + 24])
                     for at in range(0, len(data), 24)]
            out.write("static const char package_text_%d[] = {\n    %s};\n" % (i, ",\n    ".join(lines)))
            rows.append('    {"%s", package_text_%d, sizeof package_text_%d},\n' % (name, i, i))
        out.write("\nstatic const struct package_text package_texts[] = {\n%s};\n" % "".join(rows))
        out.write("#define PACKAGE_TEXTS_COUNT (sizeof package_texts / sizeof package_texts[0])\n")

if __name__ == "__main__":
    main(sys.argv[1:])
