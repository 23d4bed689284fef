#!/usr/bin/env python3
"""What correlation_truth_test.c feeds: the records of OTRF archives that SigmaHQ rules fit.

    otrf_sightings.py DATA OUT

For each archive with expected correlations: a line that begins it, its sightings in the order of
time (then of lines), and the rows that are expected of it.
"""

import collections
import json
import sys
import tarfile
import zipfile


def lines_of(path, member):
    if path.endswith(".zip"):
        data = zipfile.ZipFile(path).read(member)
    else:
        data = tarfile.open(path).extractfile(member).read()
    return data.split(b"\n")


def zoned(time):
    return time if time.endswith("Z") else time + "Z"


def main():
    data, out = sys.argv[1], open(sys.argv[2], "w", encoding="utf-8")
    base = f"{data}/windows-json/otrf-security-datasets"
    rows, hits = collections.defaultdict(list), collections.defaultdict(list)
    for line in open(f"{data}/sigma-correlations/bench/expected.jsonl", encoding="utf-8"):
        row = json.loads(line)
        rows[row["archive"], row["member"]].append(row)
    wanted = open(f"{data}/sigma-correlations/bench/rules.yml", encoding="utf-8").read()
    for line in open(f"{base}/expected-detections.jsonl", encoding="utf-8"):
        hit = json.loads(line)
        hits[hit["archive"], hit["member"]].append(hit)
    for (archive, member), expected in rows.items():
        out.write(json.dumps({"archive": archive, "member": member}) + "\n")
        lines = lines_of(f"{base}/archives/{archive}", member)
        sightings = []
        for hit in hits[archive, member]:
            event = json.loads(lines[hit["line"] - 1])
            time = event.get("@timestamp") or event["TimeCreated"]
            flat = {name: value for name, value in event.items() if not isinstance(value, (dict, list))}
            for rule in hit["rules"]:
                if rule in wanted:
                    sightings.append((zoned(time), hit["line"], rule, flat))
        for time, line, rule, event in sorted(sightings, key=lambda one: one[:3]):
            out.write(json.dumps({"line": line, "time": time, "rule": rule, "event": event}) + "\n")
        for row in expected:
            row["first_fire_time"] = zoned(row.get("first_fire_time", ""))
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
