"""How a field that came out of a parser is compared with the one that is expected.

A record's output is an object nested by names; here it is a map of dotted names to lists of values.
Texts are compared as they are; numbers by their value, whether they come as numbers or as text;
addresses by what they mean; times as moments, to the millisecond (or
to the second, where no fraction is expected), and without the year where the
record does not spell it out.  An expected list must be in what came out; more may be.
"""

import datetime
import decimal
import ipaddress
import math
import re

MOMENT_NAMES = {"@timestamp", "event.start", "event.end", "event.created", "event.ingested", "file.accessed", "file.created",
                "file.mtime", "postgresql.log.session_start_time"}
FORMATS = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S",
           "%Y-%m-%dT%H:%M%z", "%d/%b/%YT%H:%M:%S.%f%z", "%d/%b/%YT%H:%M:%S%z", "%d/%b/%Y:%H:%M:%S.%f%z",
           "%d/%b/%Y:%H:%M:%S%z", "%d/%b/%Y:%H:%M:%S.%f", "%d-%b-%YT%H:%M:%S.%f", "%aT%b %d %H:%M:%S.%f %Y",
           "%aT%b %d %H:%M:%S %Y", "%b %d %H:%M:%S.%f", "%b %d %H:%M:%S", "%Y/%m/%dT%H:%M:%S",
           "%Y/%m/%dT%H:%M:%S.%f", "%m/%d/%YT%H:%M:%S.%f")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def flat(value, prefix="", ret=None):
    """{dotted name: [value, …]} of an object as `hinomi parse` prints it."""
    ret = {} if ret is None else ret
    if isinstance(value, dict):
        for key, inner in value.items():
            flat(inner, f"{prefix}.{key}" if prefix else key, ret)
    elif isinstance(value, list):
        for inner in value:
            flat(inner, prefix, ret)
    else:
        ret.setdefault(prefix, []).append(value)
    return ret


def moment(text, zone_seconds=0):
    """A time as seconds since 1970, or None; a time without a year gets 1972's."""
    text = re.sub(r"\s+", " ", str(text)).strip()
    if re.fullmatch(r"1\d{9}(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"1\d{12}", text):
        return int(text) / 1000
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace(",", ".") if "," in text else text)
    text = text[:-1] + "+0000" if text.endswith(("Z", "z")) else text
    text = re.sub(r" ?(UTC|GMT)$", "+0000", text)
    text = re.sub(r" ([+-]\d\d:?\d\d)$", r"\1", text)
    attempts = [text, re.sub(r" (?=\d\d:)", "T", text, count=1), re.sub(r" ", "T", text, count=1)]
    for each in attempts:
        for form in FORMATS:
            try:
                plain = "%Y" not in form
                found = datetime.datetime.strptime("1972 " + each if plain else each,
                                                   "%Y " + form if plain else form)
            except ValueError:
                continue
            if found.tzinfo is None:
                zone = datetime.timezone(datetime.timedelta(seconds=zone_seconds))
                found = found.replace(tzinfo=zone)
            return (found - EPOCH).total_seconds()
    return None


def moments_same(expected, got, with_year, whole):
    """`whole`: what is expected was written in whole seconds."""
    if expected is None or got is None:
        return False
    got = math.floor(got) if whole else got
    if with_year:
        return abs(expected - got) < 0.0015
    return seconds_of_year(expected) == seconds_of_year(got)


def seconds_of_year(seconds):
    at = EPOCH + datetime.timedelta(seconds=round(seconds, 3))
    return at.strftime("%m-%d %H:%M:%S"), round(at.microsecond / 1000)


def scalars_same(expected, got):
    if isinstance(expected, bool) or isinstance(got, bool):
        return str(expected).lower() == str(got).lower()
    expected, got = str(expected), str(got)
    if expected == got or not expected or not got:
        return expected == got
    if NUMBER.fullmatch(expected) and NUMBER.fullmatch(got):
        return decimal.Decimal(expected) == decimal.Decimal(got)
    if ":" not in expected or ":" not in got:
        return False
    try:
        return ipaddress.ip_address(expected) == ipaddress.ip_address(got)
    except ValueError:
        return False


def values_same(expected, got):
    """Every expected value is among what came out."""
    wanted = expected if isinstance(expected, list) else [expected]
    return all(any(scalars_same(one, other) for other in got) for one in wanted)
