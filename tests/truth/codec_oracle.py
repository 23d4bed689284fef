"""Our small readers beside those of Python and GNU date: times, time zones, addresses and networks, base64,
hexadecimal, percent-encoding, UTF-16 (R-E3); any difference fails.

    codec_oracle.py CODEC_LINES STAMP_LINES [COUNT]

COUNT texts of each kind from a fixed seed, half of them damaged.  Agreed, each with its reason:

- times: nothing but RFC 3339 with a blank for the T, a comma for the point, nine digits at most, or a bare
  date (codec/time.h); years 1678 to 2261, as 64 bits of nanoseconds hold; a second of 60 is read as 59.
- addresses: no zone behind '%' (a log's field is one thing, the interface another); networks: a prefix, no
  mask (RFC 4632 writes no other).
- base64: padding may be missing altogether (codec/base64.h).
- percent-encoding: nothing that comes out may be a control character, and no escape may be broken.
- UTF-16: half a surrogate is U+FFFD.
- zones: readings that a clock skips have no moment.
"""

import base64
import collections
import datetime
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import urllib.parse
import zoneinfo

COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
SHOWN = 5
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
chance = random.Random(20261122)
asked = []  # (kind, what the program is told, what it must say, the text)


def ask(kind, arguments, expected, text):
    asked.append((kind, arguments, "-" if expected is None else str(expected), text))


def damaged(text, signs):
    """Some characters changed, half of the time."""
    if chance.random() < 0.5:
        return text
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(text) + 1)
        text = chance.choice([text[:at] + text[at + 1:], text[:at] + chance.choice(signs) + text[at:],
                              text[:at] + chance.choice(signs) + text[at + 1:], text[:at]])
    return text


# ---- times

FORM = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
                  r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2})))?")


def moment_of(text):
    """Nanoseconds since 1970, or None."""
    match = FORM.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    zone = [int(part or 0) for part in match.group(10, 11)]
    if not 1678 <= year <= 2261 or second > 60 or zone[0] > 23 or zone[1] > 59:
        return None
    try:
        local = datetime.datetime(year, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None
    ahead = (zone[0] * 3600 + zone[1] * 60) * (-1 if match.group(9) == "-" else 1)
    span = local - EPOCH
    return (span.days * 86400 + span.seconds - ahead) * 10**9 + int((match.group(7) or "").ljust(9, "0"))


def time_text():
    t = EPOCH + datetime.timedelta(seconds=chance.randint(-9200000000, 9200000000))
    if chance.random() < 0.3:  # edges of months, of years, of days that there are not
        return (f"{chance.choice([1678, 1900, 1999, 2000, 2024, 2026, 2100, 2261])}-{chance.randint(0, 13):02}-"
                f"{chance.randint(28, 32):02}T{chance.randint(22, 24)}:{chance.choice([0, 59, 60])}:"
                f"{chance.choice([0, 59, 60, 61])}Z").replace(":0", ":00")
    part = chance.choice(["", "", f".{chance.randint(0, 999)}", f".{chance.randint(0, 10**9 - 1):09}",
                          f",{chance.randint(0, 999999):06}"])
    zone = chance.choice(["Z", "Z", "+09:00", "-03:30", "+05:45", "-00:00", "+14:00", "-23:59"])
    return f"{t:%Y-%m-%d}{chance.choice('TTT ')}{t:%H:%M:%S}{part}{zone}"


def gnu_date(texts):
    """What GNU date says of each: nanoseconds."""
    result = subprocess.run(["date", "-u", "-f", "-", "+%s %N"], input="".join(text + "\n" for text in texts),
                            capture_output=True, text=True, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"}, check=False)
    pairs = [line.split() for line in result.stdout.splitlines()]
    return [int(seconds) * 10**9 + int(ns) for seconds, ns in pairs], result.stderr


def times_ask():
    peers = []
    for _ in range(COUNT):
        text = damaged(time_text(), "0123456789-:+.,TtZz ")
        ask("time", text.encode().hex() or "00", moment_of(text), text)
        if moment_of(text) is not None and len(text) > 10 and ":60" not in text:
            peers.append(text)
        ns = chance.randint(-9200000000 * 10**9, 9200000000 * 10**9)
        t = EPOCH + datetime.timedelta(microseconds=ns // 1000)
        ask("moment", str(ns), t.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), str(ns))
    said, wrong = gnu_date(peers)
    for text, ns in zip(peers, said):
        ask("time", text.encode().hex(), ns, text + " as GNU date has it")
    return len(said) == len(peers) or print(f"GNU date: {wrong[:300]}")


def stamps_ask():
    """The ways in which services write a moment (parse/stamp.c), each made by strftime and the readable ones
    read by GNU date too."""
    forms = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S UTC",
             "%a %b %e %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%d %b %Y %H:%M:%S %z",
             "%Y-%m-%dT%H:%M:%S.%fZ", "%Y/%m/%d %H:%M:%S"]
    alone = ["%d/%b/%Y:%H:%M:%S %z", "%Y%m%d%H%M%S.000"]
    peers = []
    for _ in range(COUNT):
        t = datetime.datetime.fromtimestamp(chance.randint(200000000, 4102444800), UTC)
        if chance.random() < 0.5:
            t += datetime.timedelta(microseconds=chance.randint(0, 999999))
        form = chance.choice(forms + alone)
        if "%z" in form:
            t = t.astimezone(datetime.timezone(datetime.timedelta(minutes=chance.choice([0, 540, -210, 345]))))
        text = t.strftime(form)
        seconds = int((t.replace(microsecond=0) - EPOCH.replace(tzinfo=UTC)).total_seconds())
        ns = seconds * 10**9 + (t.microsecond * 1000 if "%f" in form else 0)
        ask("stamp", text, ns, text)
        if form in forms:
            peers.append(text)
        digits = chance.choice([0, 3, 6, 9])
        ask("stamp", str(ns // 10**(9 - digits)), ns // 10**(9 - digits) * 10**(9 - digits), str(digits))
    said, wrong = gnu_date(peers)
    for text, ns in zip(peers, said):
        ask("stamp", text, ns, text + " as GNU date has it")
    return len(said) == len(peers) or print(f"GNU date: {wrong[:300]}")


def zones_ask():
    names = sorted(name for name in zoneinfo.available_timezones()
                   if os.path.exists(f"/usr/share/zoneinfo/{name}") and not name.startswith(("right/", "posix")))
    for number in range(COUNT // 2):
        name = names[number * 2 * len(names) // COUNT]
        path = f"/usr/share/zoneinfo/{name}"
        with open(path, "rb") as file:
            zone = zoneinfo.ZoneInfo.from_file(file)
        at = chance.randint(-2400000000, 7200000000)
        if chance.random() < 0.7:  # the hours around a change, where one is found
            later = next((at + step for step in range(86400, 400 * 86400, 86400)
                          if offset(zone, at) != offset(zone, at + step)), at)
            at = later - chance.randint(0, 2 * 86400)
        reading = EPOCH + datetime.timedelta(seconds=at)
        seen = [int((reading - EPOCH - reading.replace(tzinfo=zone, fold=fold).utcoffset()).total_seconds())
                for fold in (0, 1)]
        shown = [moment for moment in seen if moment + offset(zone, moment) == at]
        ask("zone", f"{path.encode().hex()} {at}",
            f"{offset(zone, at)} " + (f"{min(shown)} {max(shown)}" if shown else "-"), f"{name} {at}")


def offset(zone, moment):
    t = (EPOCH + datetime.timedelta(seconds=moment)).replace(tzinfo=UTC)
    return int(t.astimezone(zone).utcoffset().total_seconds())


# ---- addresses

def address_text():
    if chance.random() < 0.4:
        return ".".join(str(chance.choice([0, 1, 9, 10, 127, 192, 255, 256, chance.randint(0, 255)])) for _ in range(4))
    groups = [f"{chance.choice([0, 0, 0, 1, 0xffff, chance.randint(0, 65535)]):x}" for _ in range(8)]
    whole = chance.choice([":".join(groups), "::ffff:" + str(ipaddress.IPv4Address(chance.getrandbits(32))),
                           str(ipaddress.IPv6Address(int("".join(group.zfill(4) for group in groups), 16))),
                           ":".join(groups[:6]) + ":192.0.2.7", "::", "::1"])
    return whole.upper() if chance.random() < 0.2 else whole


def address_of(text):
    """The 16 bytes, or None."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if "%" in text:
        return None
    return address.packed if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def network_of(text):
    """The address's bytes as written, and the prefix as of IPv6; or None."""
    first, slash, behind = text.partition("/")
    if address_of(first) is None or (slash and not re.fullmatch("[0-9]+", behind)):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return address_of(first), network.prefixlen + (96 if network.version == 4 else 0)


def addresses_ask():
    for _ in range(COUNT):
        text = damaged(address_text(), "0123456789abcdefABCDEFg.:/% ")
        bytes_ = address_of(text)
        ask("address", text.encode().hex() or "00", bytes_ and bytes_.hex(), text)
        text = address_text()
        text += chance.choice(["", f"/{chance.randint(0, 33)}", f"/{chance.randint(0, 130)}", "/24", "/255.255.255.0",
                               "/0.0.0.255", "/-1", "/+8", "/", "/8/8", "/08", "/ 8"])
        text = damaged(text, "0123456789./:") if chance.random() < 0.3 else text
        near = bytearray(network_of(text)[0] if network_of(text) else b"\0" * 16)
        bit = chance.randrange(128)
        near[bit // 8] ^= 0x80 >> bit % 8
        ask("network", f"{text.encode().hex() or '00'} {near.hex()}", network_said(text, bytes(near)), text)


def network_said(text, near):
    found = network_of(text)
    if found is None:
        return None
    address, prefix = found
    network = ipaddress.IPv6Network((address, prefix), strict=False)
    holds = ipaddress.IPv6Address(near) in network
    return f"{address.hex()} {prefix} {int(network.network_address.packed == address)} {int(holds)}"


# ---- bytes as text

def base64_of(text):
    bare = text.rstrip("=")
    if not re.fullmatch("[A-Za-z0-9+/]*", bare) or len(bare) % 4 == 1:
        return None
    padding = "=" * (-len(bare) % 4)
    if text not in (bare, bare + padding):
        return None
    return base64.b64decode(bare + padding, validate=True)


def texts_ask():
    for _ in range(COUNT):
        bytes_ = chance.randbytes(chance.randint(1, 40))
        letters = base64.b64encode(bytes_)
        ask("letters", bytes_.hex(), letters.hex(), bytes_.hex())
        text = damaged(letters.decode(), "AZaz09+/=-_ \n") or "="
        expected = base64_of(text)
        ask("base64", text.encode().hex(), None if expected is None else expected.hex(), text)
        text = damaged(chance.choice([bytes_.hex(), bytes_.hex().upper()]), "0123456789abcdefABCDEFgG x") or "0"
        ask("hex", text.encode().hex(),
            text.lower() if re.fullmatch("(?:[0-9a-fA-F]{2})+", text) else None, text)
        text = damaged(urllib.parse.quote(bytes(b for b in bytes_ if chance.random() < 0.5 or b >= 0x20)) or "%41",
                       "%%%+0aAfFgz/?\t\n") or "%"
        for kind, blank in (("percent", text), ("form", text.replace("+", " "))):
            plain = urllib.parse.unquote_to_bytes(blank)
            wrong = re.search("%(?![0-9a-fA-F]{2})", text) or re.search(rb"[\x00-\x1f\x7f]", plain)
            ask(kind, text.encode().hex(), None if wrong else plain.hex(), text)
        units = b"".join(chance.choice([0x41, 0x22, 0x5c, 0x0a, 0x1f, 0x7f, 0xe9, 0x2028, 0x706b, 0xd83d, 0xde00, 0xdbff,
                                        0xfffe, chance.randint(0, 0xffff)]).to_bytes(2, "little")
                         for _ in range(chance.randint(1, 12)))
        text = re.sub("[\ud800-\udfff]", "\ufffd", units.decode("utf-16-le", "surrogatepass"))
        ask("utf16", units.hex(), text.encode().hex(), units.hex())


# ---- the comparison

def same(kind, said, expected):
    if kind == "utf16":
        return json.loads(b'"' + bytes.fromhex(said) + b'"').encode().hex() == expected
    if kind == "network" and said != "-" and expected != "-":
        rest, text = said.rsplit(" ", 1)  # what we print is the same network for others
        address, prefix = said.split()[:2]
        return rest == expected and network_of(text) == (bytes.fromhex(address), int(prefix))
    return said == expected


def told(program, lines):
    """What the program answers."""
    result = subprocess.run([program], input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                            check=True)
    return result.stdout.splitlines()


def main():
    complete = [times_ask(), stamps_ask()]
    zones_ask()
    addresses_ask()
    texts_ask()
    asked.sort(key=lambda one: one[0] == "stamp")  # which another program is asked
    first = sum(1 for one in asked if one[0] != "stamp")
    answers = told(sys.argv[1], (f"{kind} {arguments}" for kind, arguments, _, _ in asked[:first]))
    answers += told(sys.argv[2], (arguments for _, arguments, _, _ in asked[first:]))
    assert len(answers) == len(asked), f"{len(answers)} answers to {len(asked)} questions"
    count, taken, differ = collections.Counter(), collections.Counter(), collections.Counter()
    for (kind, _, expected, text), said in zip(asked, answers):
        count[kind] += 1
        taken[kind] += expected != "-"
        if not same(kind, said, expected):
            differ[kind] += 1
            if differ[kind] <= SHOWN:
                print(f"DIFFERS: {kind} {text!r}: {said}, not {expected}")
    for kind in count:
        print(f"{kind:8} {count[kind]:8} texts, {taken[kind]} of them taken, {differ[kind]} differ")
    failed = sum(1 for kind in count if differ[kind]) + complete.count(None)
    print(f"{len(count) + len(complete) - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
