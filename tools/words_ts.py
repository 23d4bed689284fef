#!/usr/bin/env python3
"""Makes the pages' words from words/*.yaml and words/portal/*.yaml.

    words_ts.py FOLDER FILE...

Writes FOLDER/keys.ts (each key with the names of its placeholders), ja.ts and en.ts; and advice.ja.ts and
advice.en.ts, the long texts of the types, which a page loads when it shows one.  The files are read by
words.py, which refuses what is wrong.  Of the program's own words only those come along that a page says
too: INCLUDED.
"""

import json
import pathlib
import sys

import words

# Topics that the program and the pages say in the same words.
INCLUDED = ("incident.", "level.", "side.", "type.", "health.", "books.")
ADVICE = (".overview", ".analysis", ".advice")
HEAD = "/* Made by tools/words_ts.py. */\n"


def main():
    folder = pathlib.Path(sys.argv[1])
    texts = words.read(sys.argv[2:])
    own = {}
    for path in sys.argv[2:]:
        if pathlib.Path(path).parent.name == "portal":
            own.update(words.read([path]))
    chosen = {
        key: pair
        for key, pair in sorted(texts.items())
        if key in own or (key.startswith(INCLUDED) and not key.endswith(ADVICE))
    }
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "keys.ts", "w", encoding="utf-8") as out:
        out.write(HEAD + "export interface Words {\n")
        for key, pair in chosen.items():
            names = sorted(set(words.NAME.findall(pair[0])))
            fields = "; ".join(f"{name}: string | number" for name in names)
            out.write(f"  {json.dumps(key)}: {{ {fields} }};\n" if names else f"  {json.dumps(key)}: null;\n")
        out.write("}\n")
    for index, language in enumerate(words.LANGUAGES):
        with open(folder / f"{language}.ts", "w", encoding="utf-8") as out:
            out.write(HEAD + 'import type { Words } from "./keys";\n\n')
            out.write("const texts: Record<keyof Words, string> = {\n")
            for key, pair in chosen.items():
                out.write(f"  {json.dumps(key)}: {json.dumps(pair[index], ensure_ascii=False)},\n")
            out.write("};\nexport default texts;\n")
        with open(folder / f"advice.{language}.ts", "w", encoding="utf-8") as out:
            out.write(HEAD + "const texts: Record<string, string> = {\n")
            for key, pair in sorted(texts.items()):
                if key.startswith("type.") and key.endswith(ADVICE):
                    out.write(f"  {json.dumps(key)}: {json.dumps(pair[index], ensure_ascii=False)},\n")
            out.write("};\nexport default texts;\n")


if __name__ == "__main__":
    try:
        main()
    except words.Mistake as mistake:
        sys.exit(f"words_ts.py: {mistake}")
