#!/usr/bin/env python3
"""What tools/schema.py refuses, and where it says so."""

import os
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
RIGHT = """\
kind: things
name: {ja: 物, en: Things}
signatures:
  - [responsible]
elements:
  things:
    type: list
    label: {ja: 物, en: Things}
    elements:
      size:
        type: number
        label: {ja: 大きさ, en: Size}
        max: 10
        initial: 3
      like: {type: reference, to: "things:things", label: {ja: 類似, en: Like}}
      colour:
        type: choice
        label: {ja: 色, en: Colour}
        choices: {red: {ja: 赤, en: Red}}
"""
# What is replaced by what, and the mistake.
CASES = [
    ("kind: things", "kind: Things", "1:7: 'Things' is no slug"),
    ("kind: things\n", "kind: things\nkind: more\n", "2:1: 'kind' stands twice"),
    ("signatures", "signature", "3:1: unknown key 'signature'; did you mean 'signatures'?"),
    ("[responsible]", "[responsable]", "4:6: unknown role 'responsable'; did you mean 'responsible'?"),
    ("[responsible]", "[]", "4:5: a list is expected here"),
    ("type: list", "type: lists", "7:11: unknown type 'lists'; did you mean 'list'?"),
    ("{ja: 大きさ, en: Size}", "{ja: 大きさ}", "12:16: the text in 'en' is missing"),
    ("{ja: 大きさ, en: Size}", "{ja: 大きさ, en: ''}", "12:30: a text is expected here"),
    ("{ja: 赤, en: Red}", "{ja: 赤, fr: Rouge}", "19:32: unknown language 'fr'"),
    ("        max: 10\n", "        maxx: 10\n", "13:9: unknown key 'maxx'; did you mean 'max'?"),
    ("initial: 3", "initial: 11", "14:18: the initial value is not between min and max"),
    ("things:things", "things:thing", "15:35: unknown list 'things:thing'; did you mean 'things:things'?"),
    ("things:things", "things:things/size", "15:35: unknown list 'things:things/size'"),
    ("      colour:", "      slug:", "17:9: 'slug' is understood in every list"),
    ("      colour:", "      size:", "16:7: 'size' stands twice"),
    ("        choices: {red: {ja: 赤, en: Red}}\n", "", "17:9: 'colour': 'choices' belongs to choice"),
    ("type: number", "type: words", "14:18: a words has no initial value"),
    (RIGHT, "", "1:1: the file is empty"),
    (RIGHT, "- a\n", "1:1: a mapping is expected here"),
]


def run(text, folder):
    path = os.path.join(folder, "things.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    made = subprocess.run([sys.executable, os.path.join(FOLDER, "schema.py"),
                           os.path.join(folder, "table.c"), path],
                          capture_output=True, text=True, check=False)
    return made.returncode, made.stderr.replace(path + ":", "")


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        code, said = run(RIGHT, folder)
        failed += code != 0
        if code != 0:
            print(f"the right file is refused: {said}")
        for old, new, wanted in CASES:
            code, said = run(RIGHT.replace(old, new, 1), folder)
            if code == 0 or wanted not in said:
                failed += 1
                print(f"expected '{wanted}', got '{said.strip()}'")
    print(f"{len(CASES) + 1 - failed} passed, {failed} failed")
    return int(failed > 0)


sys.exit(main())
