"""A second opinion on the SLA's clocks, written from the sentences of src/calendar/calendar.h and clock.h
alone: every moment of every hour is looked up in Python's zoneinfo, nothing is skipped or remembered.
Times are whole nanoseconds since 1970."""

import bisect
import datetime
import zoneinfo

NS = 10**9
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
LIMIT_DAYS = 3653

# As the Cabinet Office announced them.
HOLIDAYS = {datetime.date(year, *map(int, day.split("/"))) for year, days in {
    2024: "1/1 1/8 2/11 2/12 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/15 8/11 8/12 9/16 9/22 9/23 10/14 11/3 11/4 11/23",
    2025: "1/1 1/13 2/11 2/23 2/24 3/20 4/29 5/3 5/4 5/5 5/6 7/21 8/11 9/15 9/23 10/13 11/3 11/23 11/24",
    2026: "1/1 1/12 2/11 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/20 8/11 9/21 9/22 9/23 10/12 11/3 11/23",
    2027: "1/1 1/11 2/11 2/23 3/21 3/22 4/29 5/3 5/4 5/5 7/19 8/11 9/20 9/23 10/11 11/3 11/23",
}.items() for day in days.split()}
HOLIDAYS_LAST = datetime.date(2027, 12, 31)


class Unknown(Exception):
    """The model's own holidays end before the answer."""


def seconds(moment):
    delta = moment - EPOCH
    return delta.days * 86400 + delta.seconds


def moment_of(zone, day, minutes):
    """Of a local reading: the first if there are two, the change if there is none."""
    reading = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minutes)
    first = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == reading:
        return seconds(first)
    low = seconds(reading.replace(tzinfo=zone, fold=1).astimezone(UTC))
    high = seconds(first)

    def offset(second):
        return (EPOCH + datetime.timedelta(seconds=second)).astimezone(zone).utcoffset()

    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle) == before:
            low = middle
        else:
            high = middle
    return high


class Calendar:
    """One item of the document's list, or None for always open."""

    def __init__(self, item):
        self.item = item
        self.intervals, self.ends = [], []
        if item is not None:
            self.zone = zoneinfo.ZoneInfo(item["zone"])
            self.first = self.next = None

    def hours(self, day):
        found = [hours for one in self.item.get("open", []) if one["date"] == str(day) for hours in one["hours"]]
        if any(one["date"] == str(day) for one in self.item.get("open", [])):
            return found
        if any(one["from"] <= str(day) <= one.get("to", one["from"]) for one in self.item.get("closed", [])):
            return []
        if self.item.get("holidays") == "japan":
            if day > HOLIDAYS_LAST:
                raise Unknown
            if day in HOLIDAYS:
                return []
        return self.item.get("hours", {}).get(WEEKDAYS[day.weekday()], [])

    def day_add(self, day):
        for hours in sorted(self.hours(day)):
            begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in hours.split("-"))
            end += 1440 if end <= begin else 0
            begin, end = (moment_of(self.zone, day, minutes) * NS for minutes in (begin, end))
            if self.intervals and begin <= self.intervals[-1][1]:
                begin = self.intervals.pop()[0] if begin <= self.ends[-1] else begin
                end = max(end, self.ends.pop())
            if begin < end:
                self.intervals.append((begin, end))
                self.ends.append(end)

    def known(self, start, to):
        """Makes the intervals up to a moment; `start` must not go before the first one asked for."""
        if self.next is None:
            self.next = (EPOCH + datetime.timedelta(seconds=start // NS)).date() - datetime.timedelta(days=4)
        last = (EPOCH + datetime.timedelta(seconds=to // NS)).date() + datetime.timedelta(days=3)
        while self.next <= last:
            self.day_add(self.next)
            self.next += datetime.timedelta(days=1)

    def elapsed(self, start, to):
        if to <= start:
            return 0
        if self.item is None:
            return to - start
        self.known(start, to)
        total = 0
        for at in range(bisect.bisect_right(self.ends, start), len(self.intervals)):
            begin, end = self.intervals[at]
            if begin >= to:
                break
            total += min(end, to) - max(begin, start)
        return total

    def add(self, start, ns):
        """The first moment at which ns have passed, or None."""
        limit = start + LIMIT_DAYS * 86400 * NS
        if self.item is None:
            return start + ns
        horizon = start
        while horizon < limit:
            horizon = min(limit, horizon + 60 * 86400 * NS)
            if self.elapsed(start, horizon) >= ns:
                for at in range(bisect.bisect_right(self.ends, start), len(self.intervals)):
                    begin, end = self.intervals[at]
                    begin = max(begin, start)
                    if end - begin >= ns:
                        return begin + ns
                    ns -= end - begin
        return None


class Clock:
    """One metric of one subject."""

    def __init__(self, metric, target_ns, calendar, at):
        self.metric, self.target_ns, self.calendar = metric, target_ns, calendar
        self.warn_ns = target_ns * metric["warn_at"] // 100
        self.started = self.last = at
        self.stretches = [[at, None]]
        self.state = "running"
        self.state_before = None
        self.stopped = None
        self.fired = {}
        self.steps = [("start", at)]

    def step(self, what, at):
        self.last = max(at, self.last)
        self.steps.append((what, self.last))
        return self.last

    def stop(self, at):
        if self.state != "stopped":
            at = self.step("stop", at)
            if self.state == "running":
                self.stretches[-1][1] = at
            self.state_before, self.state, self.stopped = self.state, "stopped", at

    def undo(self, at):
        if self.state == "stopped":
            self.step("reopen", at)
            if self.state_before == "running":
                self.stretches[-1][1] = None
            self.state, self.stopped = self.state_before, None

    def pause(self, at):
        if self.state != "running":
            return "conflict"
        self.stretches[-1][1] = self.step("pause", at)
        self.state = "paused"
        return "done"

    def resume(self, at):
        if self.state != "paused":
            return "conflict"
        self.stretches.append([self.step("resume", at), None])
        self.state = "running"
        return "done"

    def elapsed(self, now):
        return sum(self.calendar.elapsed(start, now if end is None else end) for start, end in self.stretches)

    def reach(self, ns):
        for start, end in self.stretches:
            passed = 0 if end is None else self.calendar.elapsed(start, end)
            if end is None or passed >= ns:
                return self.calendar.add(start, ns)
            ns -= passed
        return None

    def due(self):
        return self.reach(self.target_ns) if self.state == "running" else None

    def turn(self, now):
        """What happens up to now, each once: [(moment, what)]"""
        happened = []
        for what, ns in (("warning", self.warn_ns), ("breach", self.target_ns)):
            if what not in self.fired:
                at = self.reach(ns)
                if at is not None and at <= now:
                    self.fired[what] = at
                    happened.append((at, what))
        for at, what in sorted(happened, key=lambda one: (one[0], one[1] == "breach")):
            self.steps.append((what, at))


class Subject:
    """What a client's documents make of the moments of one subject."""

    def __init__(self):
        self.sla, self.calendars = None, None
        self.clocks = {}

    def document(self, kind, tree):
        if kind == "sla":
            self.sla = tree
        else:
            self.calendars = {item["slug"]: item for item in tree["calendars"]}

    def moment(self, moment, severity, at):
        for clock in self.clocks.values():
            if clock.metric["stop"] == moment:
                clock.stop(at)
        for metric in self.sla["metrics"]:
            target = metric["targets"].get(severity)
            if metric["start"] == moment and target is not None and metric["slug"] not in self.clocks:
                item = self.calendars[metric["calendar"]] if "calendar" in metric else None
                self.clocks[metric["slug"]] = Clock(metric, int(target[:-1]) * 60 * NS, Calendar(item), at)
        return "done"

    def undone(self, moment, at):
        for clock in self.clocks.values():
            if clock.metric["stop"] == moment:
                clock.undo(at)
        return "done"

    def pause(self, slug, reason, at):
        if slug not in self.clocks:
            return "missing"
        if reason not in [one["slug"] for one in self.clocks[slug].metric["pause_reasons"]]:
            return "denied"
        return self.clocks[slug].pause(at)

    def resume(self, slug, at):
        return self.clocks[slug].resume(at) if slug in self.clocks else "missing"

    def turn(self, now):
        for clock in self.clocks.values():
            clock.turn(now)
        return "done"
