#!/usr/bin/env python3
"""Decoded EVTX records as flat JSON lines, for correlation_truth_test.c.

    evtx_records.py DATA OUT

For each file with expected correlations: a line that begins it, its records, the rows expected.
"""

import collections
import gzip
import json
import sys


def main():
    base, out = f"{sys.argv[1]}/windows-evtx/evtx-to-mitre-attack", open(sys.argv[2], "w", encoding="utf-8")
    rows, records = collections.defaultdict(list), collections.defaultdict(list)
    for line in open(f"{base}/expected-correlations.jsonl", encoding="utf-8"):
        row = json.loads(line)
        rows[row["evtx"]].append(row)
    for line in gzip.open(f"{base}/decoded.jsonl.gz", "rt", encoding="utf-8"):
        record = json.loads(line)
        records[record["file"]].append(record)
    for name, found in records.items():
        out.write(json.dumps({"evtx": name}) + "\n")
        for record in sorted(found, key=lambda one: (one["System"]["TimeCreated"], one["idx"])):
            fields = {**record["System"], **(record["EventData"] or {})}
            for value in (record["UserData"] or {}).values():
                fields.update(value if isinstance(value, dict) else {})
            fields = {key: value for key, value in fields.items() if isinstance(value, (str, type(None)))}
            out.write(json.dumps({"time": fields["TimeCreated"], "event": fields}) + "\n")
        for row in rows[name]:
            row["group"] = dict(zip(row["group_by"], row["group"]))
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
