#!/usr/bin/env python3
"""Correlations by their definition: a second, slow evaluator.

    naive_correlation.py RULES.yml SCHEDULES

Reads schedules of sightings with the alerts that Hinomi raised, recomputes each alert from the whole
list of sightings before it (docs/correlations.md), and says the first difference.  It shares nothing
with the C but that page.

A schedule begins with "#".  A sighting: "s RULE SEQUENCE RECEIVED AT NAME=VALUE …"; the alerts that
it completed follow as "a CORRELATION COUNT RECORDS GROUP-AS-JSON".  Times are in nanoseconds.
"""

import collections
import json
import statistics
import sys
from fractions import Fraction

import yaml

SECOND = 10**9
LATENESS = 3600 * SECOND
AHEAD = 600 * SECOND
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2629746, "y": 31556952}
OPERATORS = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
}


def span(text):
    return int(text[:-1]) * UNITS[text[-1]] * SECOND


def number(text):
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        return None
    return Fraction(int(value * 10**6), 10**6)


class Group:
    def __init__(self):
        self.sights = []  # in the order of arrival
        self.fired = []
        self.touched = None
        self.newest = None
        self.since = None


class Correlation:
    def __init__(self, document):
        body = document["correlation"]
        self.id = document["id"]
        self.type = body["type"]
        self.rules = body["rules"] if isinstance(body["rules"], list) else [body["rules"]]
        self.by = body.get("group-by") or []
        self.span = span(body["timespan"])
        self.condition = dict(body.get("condition") or {})
        field = self.condition.pop("field", None)
        self.fields = [field] if isinstance(field, str) else field or []
        self.percentile = self.condition.pop("percentile", None)
        self.aliases = body.get("aliases") or {}
        self.body = body
        self.groups = {}

    def field(self, name, rule):
        return self.aliases.get(name, {}).get(rule, name)

    def value(self, sight):
        found = [sight["values"].get(self.field(name, sight["rule"])) for name in self.fields]
        if any(one is None for one in found):
            return None
        if self.type in ("value_sum", "value_avg") or self.percentile is not None:
            return number(found[0])
        return tuple(found)

    def within(self, measure):
        return all(OPERATORS[name](measure, Fraction(str(limit))) for name, limit in self.condition.items())

    def holds(self, window):
        values = [sight["value"] for sight in window]
        if self.type == "event_count":
            return self.within(len(window))
        if self.type == "value_count":
            return self.within(len(set(values)))
        if self.type == "value_sum":
            return self.within(sum(values))
        if self.type == "value_avg":
            return self.within(sum(values) / Fraction(len(values)))
        if self.type == "value_percentile" and self.percentile is not None:
            ordered = sorted(values)
            share = Fraction(str(self.percentile))
            for at, value in enumerate(ordered):  # the smallest that P percent do not exceed
                if Fraction(100 * (at + 1), len(ordered)) >= share:
                    return self.within(value)
        if self.type == "value_percentile":
            return self.within(Fraction(100 * values.count(values[-1]), len(values)))
        if self.type == "temporal":
            rules = len({sight["rule"] for sight in window})
        else:
            rules = self.in_order(window)
        return self.within(rules) if self.condition else rules == len(self.rules)

    def in_order(self, window):
        """The most rules whose sightings stand in the order of the list, each in an event of its own."""
        best = []  # for each sighting, the longest chain that ends with it
        for at, sight in enumerate(window):
            place = self.rules.index(sight["rule"])
            longest = 0
            for other, length in zip(window[:at], best):
                if other["event"] != sight["event"] and self.rules.index(other["rule"]) < place:
                    longest = max(longest, length)
            best.append(longest + 1)
        return max(best)

    def feed(self, sight, clock):
        """The window that this sighting completes, or None."""
        key = tuple(sight["values"].get(self.field(name, sight["rule"])) for name in self.by)
        sight = dict(sight, value=self.value(sight) if self.fields else ())
        if sight["value"] is None:
            return None
        group = self.groups.get(key)
        if group is None or clock - group.touched > self.span + LATENESS:
            group = self.groups[key] = Group()
        group.touched = clock
        if group.newest is not None and sight["at"] < group.newest - LATENESS:
            return None
        if self.type.startswith("hinomi"):
            window = getattr(self, self.type[7:])(group, sight)
        else:
            window = self.sigma(group, sight)
        return window and (dict(zip(self.by, key)), window)

    def put(self, group, sight):
        if group.since is None:
            group.since = sight["at"]
        group.newest = sight["at"] if group.newest is None else max(group.newest, sight["at"])
        group.sights.append(sight)
        return sorted(group.sights, key=lambda one: (one["at"], one["event"]))  # stable: arrival

    def sigma(self, group, sight):
        ordered = self.put(group, sight)
        start = next(at for at, one in enumerate(ordered) if one is sight)
        for at in range(start, len(ordered)):
            end = ordered[at]["at"]
            if end > sight["at"] + self.span:
                break
            if any(abs(end - fired) <= self.span for fired in group.fired):
                continue
            window = [one for one in ordered[: at + 1] if one["at"] >= end - self.span]
            if self.holds(window):
                group.fired.append(end)
                return window
        return None

    # Our own types.

    def first_seen(self, group, sight):
        before = [one["at"] for one in group.sights if one["value"] == sight["value"]]
        known = any(sight["at"] - at <= self.span for at in before)
        since = group.since
        self.put(group, sight)
        learnt = since is not None and sight["at"] - since >= span(self.body.get("learn", "0s"))
        return [sight] if learnt and not known else None

    def rare(self, group, sight):
        ordered = self.put(group, sight)
        start = next(at for at, one in enumerate(ordered) if one is sight)
        window = [one for one in ordered[: start + 1] if one["at"] >= sight["at"] - self.span]
        same = [one for one in window if one["value"] == sight["value"]]
        if sight["at"] - group.since < span(self.body.get("learn", "0s")):
            return None
        if len(window) < self.body.get("at-least", 100) or len(same) > self.body.get("at-most", 1):
            return None
        if any(one.get("fired") for one in same):
            return None
        sight["fired"] = True
        return [sight]

    def rate(self, group, sight):
        wide = span(self.body["bucket"])
        sight["at"] = sight["at"] // wide * wide
        self.put(group, sight)
        bucket = [one for one in group.sights if one["at"] == sight["at"]]
        season = {"day": 86400 * SECOND, "week": 604800 * SECOND, "none": wide}[self.body.get("season", "day")]
        samples = []
        back = sight["at"] - season
        while back >= group.since and sight["at"] - back <= self.span:
            samples.append(sum(one["at"] == back for one in group.sights))
            back -= season
        if sight["at"] - group.since < span(self.body.get("learn", "0s")) or sight["at"] in group.fired:
            return None
        if len(samples) < 3 or len(bucket) < self.body.get("at-least", 10):
            return None
        usual = statistics.median(samples)
        spread = max(1, statistics.median([abs(one - usual) for one in samples]) * 1.4826)
        if len(bucket) <= max(1, usual) * self.body.get("factor", 0):
            return None
        if "deviations" in self.body and len(bucket) <= usual + spread * self.body["deviations"]:
            return None
        group.fired.append(sight["at"])
        return bucket


def alerts_of(correlations, sight, clock):
    found = []
    for correlation in correlations:
        if sight["rule"] not in correlation.rules:
            continue
        fired = correlation.feed(sight, clock)
        if fired is None:
            continue
        group, window = fired
        if correlation.type == "hinomi_rate":
            records = [sight["event"]]
        else:
            records = []
            for one in window:
                if records[-1:] != [one["event"]]:
                    records.append(one["event"])
        found.append((correlation.id, len(window), records[:100], group))
        values = {}
        for name in outer_fields(correlations):
            values[name] = sight["values"].get(correlation.field(name, sight["rule"]))
        inner = dict(sight, rule=correlation.id, at=window[-1]["at"], values=values)
        inner.pop("fired", None)
        found += alerts_of(correlations, inner, clock)
    return found


def outer_fields(correlations):
    names = set()
    for correlation in correlations:
        names.update(correlation.by, correlation.fields)
        for alias in correlation.aliases.values():
            names.update(alias.values())
    return names


def schedules(path):
    for line in open(path, encoding="utf-8"):
        if line.startswith("#"):
            yield None
        elif line.startswith("s "):
            _, rule, event, received, at, *pairs = line.split()
            yield "s", {
                "rule": rule,
                "event": int(event),
                "received": int(received),
                "at": int(at),
                "values": dict(pair.split("=", 1) for pair in pairs),
            }
        else:
            _, name, count, records, group = line.split(" ", 4)
            yield "a", (name, int(count), [int(one) for one in records.split(",")], json.loads(group))


def main():
    documents = [one for one in yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")) if one]
    documents = [one for one in documents if "correlation" in one]
    correlations, clock, expected, got = [], 0, [], []
    counts = collections.Counter()
    each = collections.Counter()
    order = lambda alert: json.dumps(alert, sort_keys=True)
    for entry in list(schedules(sys.argv[2])) + [None]:
        if entry is None or entry[0] == "s":
            if sorted(expected, key=order) != sorted(got, key=order):
                print("schedule", counts["schedules"], "sighting", counts["sightings"])
                print("expected", sorted(expected, key=order))
                print("got     ", sorted(got, key=order))
                return 1
            expected, got = [], []
        if entry is None:
            correlations, clock = [Correlation(document) for document in documents], 0
            counts["schedules"] += 1
        elif entry[0] == "s":
            sight = entry[1]
            counts["sightings"] += 1
            clock = max(clock, sight["received"])
            if sight["at"] > sight["received"] + AHEAD:
                sight["at"] = sight["received"]
            expected = alerts_of(correlations, sight, clock)
            counts["alerts"] += len(expected)
            each.update(alert[0] for alert in expected)
        else:
            got.append(entry[1])
    counts["schedules"] -= 1
    print(*(f"{count} {what}," for what, count in counts.items()), "alerts agree:", dict(sorted(each.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
