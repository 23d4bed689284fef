#!/usr/bin/env python3
"""The house rules of web/src: web_tidy.py [ROOT]

A file uses its own folder and those further right in LAYERS; nothing writes HTML, evaluates text, keeps
a sentence outside words/, or names a colour outside the tokens.  Prints FILE:LINE: what, exits 1.
"""

import pathlib
import re
import sys

LAYERS = ["main", "pages", "parts", "api", "words"]
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']*)["']""")
RULES = {
    (".ts", ".tsx"): [
        (re.compile(r"dangerouslySetInnerHTML|\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write"), "writes HTML"),
        (re.compile(r"\beval\(|new Function\("), "evaluates text"),
        (re.compile(r"https?://(?!www\.w3\.org)"), "names an address outside"),
        (re.compile(r"\b(TODO|FIXME|XXX)\b"), "leaves something to do; docs/requirements.md is the place"),
        (re.compile(r"console\.\w+\("), "writes to the console"),
    ],
    (".css",): [
        (re.compile(r"#[0-9a-fA-F]{3,8}\b(?!.*light-dark)"), "names a colour; the tokens have them all"),
        (re.compile(r"@import|url\("), "loads something"),
    ],
}
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
# A language's own name is the same in every language; the mark is a name.
NAMES = re.compile(r"日本語|火の見")


def comment_free(text):
    return re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def layer(path, source):
    parts = path.relative_to(source).parts
    return LAYERS.index("main" if len(parts) == 1 else parts[0])


def look(path, source):
    text = comment_free(path.read_text(encoding="utf-8"))
    own = layer(path, source)
    for number, line in enumerate(text.split("\n"), 1):
        for target in IMPORT.findall(line):
            there = (path.parent / target).resolve()
            if source.resolve() not in there.parents or layer(there, source.resolve()) < own:
                yield number, f"'{target}' lies outside what this folder may use"
        for suffixes, rules in RULES.items():
            if path.suffix in suffixes and path.name not in ("tokens.css",):
                for pattern, what in rules:
                    if pattern.search(line):
                        yield number, what
        if path.suffix in (".ts", ".tsx") and JAPANESE.search(NAMES.sub("", line)):
            yield number, "says a sentence; sentences stand in words/"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    source = (root / "web" / "src").resolve()
    found = 0
    for path in sorted(source.rglob("*")):
        if path.suffix in (".ts", ".tsx", ".css") and "made" not in path.parts:
            for number, what in look(path, source):
                print(f"{path.relative_to(source.parents[1])}:{number}: {what}")
                found += 1
    return 1 if found else 0


sys.exit(main())
