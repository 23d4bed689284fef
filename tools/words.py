#!/usr/bin/env python3
"""Makes the table behind src/words/words.h from words/*.yaml.

    words.py HEADER SOURCE FILE...

A file is a mapping from keys to {ja, en}.  Refused, with file and line: a key that stands twice, that
lacks a language or has another one, texts whose {placeholders} differ, and braces that are none.
"""

import re
import sys

import yaml

LANGUAGES = ("ja", "en")
KEY = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
NAME = re.compile(r"\{([a-z0-9_]+)\}")


class Mistake(Exception):
    def __init__(self, node, text):
        mark = node.start_mark
        super().__init__(f"{mark.name}:{mark.line + 1}:{mark.column + 1}: {text}")


def pairs(node):
    if not isinstance(node, yaml.MappingNode):
        raise Mistake(node, "a mapping is expected here")
    seen = set()
    for key, value in node.value:
        if key.value in seen:
            raise Mistake(key, f"'{key.value}' stands twice")
        seen.add(key.value)
        yield key, value


def texts_of(key, node):
    texts = {}
    for language, text in pairs(node):
        if language.value not in LANGUAGES:
            raise Mistake(language, f"unknown language '{language.value}'")
        if not isinstance(text, yaml.ScalarNode) or text.value.strip() == "":
            raise Mistake(text, "a text is expected here")
        texts[language.value] = text.value.rstrip("\n")
        if re.search(r"[{}]", NAME.sub("", text.value)):
            raise Mistake(text, "braces stand for {placeholders} alone")
    for language in LANGUAGES:
        if language not in texts:
            raise Mistake(key, f"'{key.value}' has no text in '{language}'")
    names = [set(NAME.findall(texts[language])) for language in LANGUAGES]
    if names[0] != names[1]:
        raise Mistake(key, f"'{key.value}' has other placeholders in ja than in en")
    return [texts[language] for language in LANGUAGES]


def read(paths):
    words, places = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file)
        for key, node in pairs(root):
            if not KEY.fullmatch(key.value):
                raise Mistake(key, f"'{key.value}' is no key: words of a-z and 0-9, joined by '.' or '-'")
            if key.value in words:
                raise Mistake(key, f"'{key.value}' stands in {places[key.value]} already")
            words[key.value] = texts_of(key, node)
            places[key.value] = path
    return dict(sorted(words.items(), key=lambda item: item[0].encode()))


def literal(text):
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


def name(key):
    return "WORD_" + re.sub(r"[.-]", "_", key).upper()


def main():
    header, source, *paths = sys.argv[1:]
    try:
        words = read(sorted(paths))
    except (Mistake, yaml.YAMLError) as mistake:
        sys.exit(f"words.py: {mistake}")
    if len({name(key) for key in words}) != len(words):
        sys.exit("words.py: two keys differ in '.' and '-' alone")
    with open(header, "w", encoding="ascii") as out:
        out.write("#pragma once\n\n/* Made by tools/words.py from words/. */\n\nenum word {\n")
        out.writelines(f"    {name(key)},\n" for key in words)
        out.write("    WORD_COUNT\n};\n")
    with open(source, "w", encoding="ascii") as out:
        out.write("/* Made by tools/words.py from words/. */\n\n")
        out.write('#include "words/private.h"\n\nconst struct words_row words_table[WORD_COUNT] = {\n')
        for key, (ja, en) in words.items():
            out.write(f"    [{name(key)}] = {{{literal(key)}, {{{literal(ja)}, {literal(en)}}}}},\n")
        out.write("};\n")


if __name__ == "__main__":
    main()
