"""The public sets of log lines as cases: records, and the fields that must come out of them.

A case is one event.  Most have one record; where the set joins several lines into one event, each
line is a record of its own and a field may come out of any of them.  Records of a `group` are a
file: its first lines say what the columns are.
"""

import gzip
import json
import pathlib
import re
import zipfile

import yaml

from comparing import MOMENT_NAMES

HERE = pathlib.Path(__file__).resolve().parent
with open(HERE / "names.yaml", encoding="utf-8") as _file:
    NAMES = yaml.safe_load(_file)

# Filebeat's own keys, its configuration, what it looked up elsewhere, and its reading of user agents.
FILEBEAT_IGNORED = re.compile(
    r"event\.(module|dataset|timezone)$|fileset\.name$|input\.type$|log\.(offset|flags|file\.path)$|service\.type$"
    r"|(source|destination|client|server|host)\.(geo|as)\.|user_agent\.(?!original$)|tags$|ecs\.version$"
    r"|event\.original$")


class Expect:
    """One field: any of `names` must hold `value`."""

    __slots__ = ("names", "value", "kind")

    def __init__(self, names, value, kind="value"):
        self.names = (names,) if isinstance(names, str) else tuple(names)
        self.value = value
        self.kind = kind  # value, moment, any (of whatever name), absent, parser, leaves


class Case:
    """One event of a set."""

    __slots__ = ("family", "label", "records", "expected", "zone", "group")

    def __init__(self, family, label, records, expected, zone="UTC", group=None):
        self.family, self.label, self.zone, self.group = family, label, zone, group
        self.records = [text for text in records if text]
        self.expected = expected


def text_lines(raw):
    return [line.rstrip(b"\r") for line in raw.split(b"\n")]


def flat_pairs(value, prefix=""):
    """(dotted name, value) of each leaf; a list of plain values is one."""
    for key, inner in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(inner, dict):
            yield from flat_pairs(inner, name)
        else:
            yield name, inner


# ---- logstash-patterns-core

def logstash(data):
    with open(data / "parsers/logstash-patterns-core/cases.jsonl", encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            source = pathlib.Path(case["source"]).stem.removesuffix("_spec")
            yield Case(f"logstash/{source}", case["pattern"], [case["message"].encode()],
                       list(logstash_expected(case)))


def logstash_expected(case):
    for name, value in flat_pairs(case["expected"]):
        if name == "timestamp":
            yield Expect("@timestamp", value, "moment")
        elif name == "message" and isinstance(value, list):
            yield Expect(name, value[-1])  # the first is the record
        else:
            yield Expect(name, value)
    for name in case.get("absent", []):
        # RSpec's "its keys do not include".
        yield Expect(name.replace("keys.", ""), None, "absent")


# ---- Filebeat

def filebeat(data):
    module = data / "parsers/filebeat-oss-modules/module"
    for path in sorted(module.glob("*/*/test/*-expected.json")):
        log = path.with_name(path.name.removesuffix("-expected.json"))
        raw = log.read_bytes()
        events = json.loads(path.read_text(encoding="utf-8"))
        offsets = [event["log.offset"] for event in events]
        for i, event in enumerate(events):
            texts = filebeat_records(raw, offsets, i, event)
            zone = event.get("event.timezone", "UTC")
            yield Case("filebeat/" + "-".join(path.parts[-4:-2]), f"{log.name}:{offsets[i]}", texts,
                       list(filebeat_expected(event)), zone if re.fullmatch(r"[+-]\d\d:\d\d", zone) else "UTC",
                       str(log) if b"#Fields:" in raw[:4000] else None)


def filebeat_records(raw, offsets, i, event):
    """An event's lines: up to the next event's, or as many as its flags say."""
    start = offsets[i]
    stop = min((offset for offset in offsets if offset > start), default=len(raw))
    if "multiline" not in event.get("log.flags", []):
        stop = raw.find(b"\n", start) if b"\n" in raw[start:] else len(raw)
    return text_lines(raw[start:stop])


def filebeat_expected(event):
    for name, value in event.items():
        if FILEBEAT_IGNORED.match(name):
            continue
        yield Expect(name, value, "moment" if name in MOMENT_NAMES else "value")


# ---- go-libaudit

def auditd(data):
    base = data / "parsers/linux-auditd-go-libaudit"
    for golden in sorted((base / "auparse/testdata").glob("*.golden")):
        by_raw = {event["raw_msg"]: event for event in json.loads(golden.read_text())
                  if event and "raw_msg" in event}
        for line in text_lines(golden.with_suffix("").read_bytes()):
            text = line.decode("utf-8", "replace")
            event = next((by_raw[raw] for raw in [text[text.find("audit("):]] if raw in by_raw), None)
            if event:
                yield Case("auditd/auparse", event["record_type"], [line], list(auditd_expected(event)))
    for golden in sorted((base / "aucoalesce/testdata").glob("*.golden")):
        name = golden.name.removesuffix(".json.golden")
        tests = yaml.safe_load(golden.with_name(name + ".yaml").read_text())["tests"]
        for event in json.loads(golden.read_text()):
            texts = [line.strip().encode() for line in tests[event["test_name"]].split("\n")]
            yield Case("auditd/aucoalesce", f"{name}:{event['test_name']}", texts,
                       list(coalesced_expected(event["event"])))
    for log in sorted((base / "testdata").glob("*.log")):
        for line in text_lines(log.read_bytes()):
            yield Case("auditd/kept", log.name, [line], [])


def auditd_names(name):
    return [f"auditd.log.{name}", f"auditd.data.{name}", f"auditd.{name}"]


def auditd_expected(event):
    yield Expect("@timestamp", event["@timestamp"], "moment")
    yield Expect(auditd_names("record_type") + ["event.action"], event["record_type"])
    yield Expect(auditd_names("sequence"), event["sequence"])
    for name, value in (event.get("data") or {}).items():
        yield Expect(auditd_names(name), value, "any")


def coalesced_expected(event):
    """The part in ECS; the joined view is not made where records are parsed."""
    yield Expect("@timestamp", event["@timestamp"], "moment")
    for name, value in flat_pairs(event.get("ecs") or {}):
        if value not in ("unset", ""):
            yield Expect(name, value)


# ---- CrowdSec

def crowdsec(data):
    for folder in sorted((data / "parsers/crowdsecurity-hub/tests").iterdir()):
        if (folder / "config.yaml").exists():
            yield from crowdsec_folder(folder)


def crowdsec_folder(folder):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    log = folder / config["log_file"]
    if not log.exists():
        return
    texts = [line for line in text_lines(log.read_bytes()) if line.strip()]
    plain = [text.decode("utf-8", "replace") for text in texts]
    family = crowdsec_family(config, folder.name)
    expected = [{} for _ in texts]
    families = [family] * len(texts)
    if (folder / "expected-fields.jsonl").exists():
        with open(folder / "expected-fields.jsonl", encoding="utf-8") as file:
            for row in map(json.loads, file):
                at = crowdsec_line(plain, row)
                if at is None:
                    continue
                parser = row["parser"].split("/")[-1]
                if row["stage"] == "s01-parse":
                    families[at] = "crowdsec/" + parser
                elif row["stage"] > "s01-parse":
                    parser = families[at].split("/")[-1]  # later stages repeat what its parser named
                for one in crowdsec_expected(row, parser):
                    expected[at][(one.names, str(one.value))] = one
    for i, text in enumerate(texts):
        yield Case(families[i], f"{folder.name}:{i + 1}", [text], list(expected[i].values()))


def crowdsec_family(config, name):
    for parser in config.get("parsers") or []:
        short = re.sub(r"\.ya?ml$", "", parser).split("/")[-1]
        if short not in ("syslog-logs", "dateparse-enrich", "geoip-enrich", "http-logs", "cef-logs", "whitelists",
                         "overrides", "public-dns-allowlist"):
            return "crowdsec/" + short
    return "crowdsec/" + name


def crowdsec_line(plain, row):
    """The line that a row speaks of: the one that holds the most of its values, the nearest to its index."""
    values = {str(value) for part in ("parsed", "meta") for value in row[part].values() if len(str(value)) > 3}
    if not values or not plain:
        return row["index"] if row["index"] < len(plain) else None
    def rank(at):
        return sum(len(value) for value in values if value in plain[at]), -abs(at - row["index"])
    best = max(range(len(plain)), key=rank)
    return best if rank(best)[0] else None


def crowdsec_expected(row, parser):
    table = NAMES["crowdsec"]
    ignored = set(table["time"]) | set(table["theirs"])
    syslog = parser == "syslog-logs"
    for part in ("parsed", "meta"):
        for name, value in row[part].items():
            if name == "timestamp" and part == "meta":
                yield Expect("@timestamp", value, "moment")
                continue
            if name in ignored or value in table["nothing"]:
                continue
            if name in ("program", "pid") and row["stage"].startswith("s00"):
                if syslog:
                    names = ["process.name", "log.syslog.appname"] if name == "program" else ["process.pid"]
                    yield Expect(names, value)
                continue
            if row["stage"] == "s00-raw" and not syslog and parser in ("non-syslog", "overrides"):
                continue
            means = table["of parsers"].get(parser, {}).get(name, table["means"].get(name, "ANY"))
            if means == "THEIRS" or name == "program":
                continue
            if isinstance(means, dict):
                means, value = means["name"], str(value).lower()
            yield Expect(name, value, "any") if means == "ANY" else Expect(means, value)


# ---- Splunk Connect for Syslog

PLACEHOLDERS = {
    "mark": "<134>", "bsd": "Nov 21 10:00:00", "iso": "2026-11-21T10:00:00.123456+00:00", "host": "device-1",
    "iso_header": "2026-11-21T10:00:00+00:00", "epoch": "1795255200", "epochlong": "1795255200123",
    "date": "2026-11-21", "time": "10:00:00", "tzoffset": "+0000", "tzname": "UTC", "key": "k3y", "pid": "4711",
    "high_res_time": "2026-11-21T10:00:00.123456Z", "ucm_time": "Nov 21 2026 10:00:00.123 UTC",
    "unique_substring": "k3y", "taniumtime": "2026-11-21T10:00:00.123Z",
}


def filled(file, name):
    """What stands for a placeholder; Citrix' tests write their times as NetScaler does."""
    return "21/11/2026:10:00:00" if name == "time" and "citrix" in file else PLACEHOLDERS[name]


def sc4s(data):
    with open(data / "parsers/sc4s-device-lines/lines.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            right = NAMES["sourcetypes"].get((row["sourcetype"] or [""])[0])
            for template in row["message_templates"]:
                text = re.sub(r"\{\{ ?(\w+) ?\}\}", lambda found: filled(row["file"], found[1]), template)
                records = text_lines(text.encode())
                expected = [Expect("hinomi.parser", right, "parser")] if right else []
                yield Case("sc4s/" + row["file"].removeprefix("test_").removesuffix(".py"),
                           (row["sourcetype"] or [row["test"]])[0], records, expected)


# ---- JSON and Zeek's tables

def meanings(source, leaves):
    """What a record's own keys mean, as far as the table says it."""
    for name, means in NAMES["json"].get(source, {}).items():
        if name not in leaves or leaves[name] in (None, "", [], "-"):
            continue
        value, kind, names = leaves[name], "value", means
        if isinstance(means, dict):
            names, kind = means["name"], "moment" if means.get("moment") else "value"
            value = value.lower() if means.get("lower") else value
            value = re.sub(r"^([\d.]+):\d+$", r"\1", value) if means.get("endpoint") else value
        yield Expect(names, value, kind)


def json_case(family, source, label, record):
    leaves = dict(flat_pairs(record))
    expected = [Expect("(own names)", record, "leaves")] + list(meanings(source, leaves))
    parser = NAMES["parsers"].get(source)
    if parser:
        expected.append(Expect("hinomi.parser", parser, "parser"))
    return Case(family, label, [json.dumps(record, ensure_ascii=False).encode()], expected)


def suricata(data):
    base = data / "network/suricata-eve"
    for path in sorted((base / "suricata-sample-data").glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8")):
            yield json_case("network/suricata-eve", "suricata", path.name, record)
    for line in (base / "vast/eve.json").read_bytes().splitlines():
        yield json_case("network/suricata-eve", "suricata", "eve.json", json.loads(line))


def zeek(data):
    for path in sorted((data / "network").glob("zeek-*/**/*")):
        family = "network/" + path.relative_to(data / "network").parts[0]
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(".log"):
                        yield from zeek_file(family, f"{path.name}:{name}", archive.read(name))
        elif path.name.endswith(".json.gz"):
            yield from zeek_file(family, path.name, gzip.decompress(path.read_bytes()))
        elif path.suffix == ".log":
            yield from zeek_file(family, "/".join(path.parts[-2:]), path.read_bytes())


def zeek_file(family, label, raw):
    records = [line for line in text_lines(raw) if line]
    if records and records[0].startswith(b"{"):
        for line in records:
            yield json_case(family + "-json", "zeek", label, json.loads(line))
        return
    fields, types = [], []
    for line in records:
        expected = []
        if line.startswith(b"#fields\t"):
            fields = line.decode().split("\t")[1:]
        elif line.startswith(b"#types\t"):
            types = line.decode().split("\t")[1:]
        elif not line.startswith(b"#"):
            values = line.decode("utf-8", "replace").split("\t")
            expected = list(zeek_expected(fields, types, values))
        yield Case(family, label, [line], expected, group=label)


def zeek_expected(fields, types, values):
    own = {name: (kind, value) for name, kind, value in zip(fields, types, values)
           if value not in ("-", "(empty)", "")}
    yield from (each for each in meanings("zeek", {name: value for name, (_, value) in own.items()})
                if "XXX" not in str(each.value))
    yield Expect("hinomi.parser", NAMES["parsers"]["zeek"], "parser")
    for name, (kind, value) in own.items():
        if name != "ts":
            yield Expect(name, zeek_typed(kind, value))


def zeek_typed(kind, value):
    """A column as its type says: a truth, a list, text without Zeek's escapes."""
    if kind == "bool":
        return {"T": True, "F": False}.get(value, value)
    plain = [zeek_plain(part) for part in (value.split(",") if re.match(r"(set|vector|table)\[", kind) else [value])]
    return [part for part in plain if part not in ("-", "(empty)", "")] if len(plain) > 1 else plain[0]


def zeek_plain(text):
    """Without \\xNN, where that gives UTF-8."""
    data = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    try:
        return data.decode()
    except UnicodeDecodeError:
        return text


def cloud(data):
    base = data / "cloud-and-saas"
    for path in sorted((base / "aws-cloudtrail-invictus/CloudTrail").glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8"))["Records"]:
            yield json_case("cloud/aws-cloudtrail-invictus", "aws-cloudtrail", path.name[-21:], record)
    for path in sorted((base / "panther-analysis").glob("*.jsonl")):
        with open(path, encoding="utf-8") as file:
            for row in map(json.loads, file):
                yield json_case("cloud/" + path.stem, path.stem, row["test"], row["event"])


# ---- Web servers

COMBINED = re.compile(r'(\S+) \S+ (\S+) \[([^]]+)\] "((?:[^"\\]|\\.)*)" (\d+) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"')
REQUEST = re.compile(r"(\S+) (.*) HTTP/([\d.]+)$", re.S)
NATIVE = re.compile(r"(\d+\.\d+) +(\d+) (\S+) (\w+)/(\d+) (\d+) (\S+) (\S+) (\S+) (\S+)/(\S+) (\S+)")


def web(data):
    base = data / "web"
    labels = [json.loads(line) for line in (base / "crs-replay/labels.jsonl").read_bytes().splitlines()]
    for name in ("crs-replay/apache-access.log", "crs-replay/nginx-access.log", "squid-replay/access-combined.log"):
        family = "web/" + name.split("/")[1].removesuffix(".log") if "crs" in name else "web/squid-combined"
        parser = NAMES["parsers"]["combined" if "crs" in name else "squid"] + "|combined"
        for i, line in enumerate(text_lines((base / name).read_bytes())):
            yield Case(family, f"{i + 1}", [line], list(combined_expected(line, parser)))
    yield from modsecurity(base / "crs-replay", labels)
    for i, line in enumerate(text_lines((base / "squid-replay/access-native.log").read_bytes())):
        yield Case("web/squid-native", f"{i + 1}", [line], list(native_expected(line)))


def combined_expected(line, parser):
    found = COMBINED.match(line.decode("utf-8", "replace"))
    if not found:
        return
    client, user, at, request, status, size, referrer, agent = found.groups()
    yield Expect(["source.ip", "source.address"], client)
    yield Expect("@timestamp", at, "moment")
    yield Expect("hinomi.parser", parser, "parser")
    if status != "0":
        yield Expect("http.response.status_code", status)
    parts = REQUEST.match(request)
    if parts:
        if parts[1] != "-":
            yield Expect("http.request.method", parts[1])
        yield Expect(["url.original", "url.full"], parts[2])
        yield Expect("http.version", parts[3])
    for names, value in (("user.name", user), (("http.response.body.bytes", "http.response.bytes"), size),
                         ("http.request.referrer", referrer), ("user_agent.original", agent)):
        if value not in ("-", ""):
            yield Expect(names, value)


def native_expected(line):
    found = NATIVE.match(line.decode("utf-8", "replace"))
    if not found:
        return
    at, took, client, action, status, size, method, url, user, way, peer, mime = found.groups()
    yield Expect("@timestamp", at, "moment")
    yield Expect("hinomi.parser", NAMES["parsers"]["squid"], "parser")
    yield Expect("event.duration", int(took) * 1000000)
    yield Expect(["source.ip", "client.ip"], client)
    if method != "-":
        yield Expect("http.request.method", method)
    yield Expect(["url.original", "url.full"], url)
    yield Expect("action", action, "any")
    yield Expect("hierarchy", way, "any")
    yield Expect(["http.response.bytes", "http.response.body.bytes"], size)
    if status != "000":
        yield Expect("http.response.status_code", status)
    for names, value in (("user.name", user), ("destination.ip", peer), ("http.response.mime_type", mime)):
        if value != "-":
            yield Expect(names, value)


def modsecurity(base, labels):
    audit = text_lines((base / "modsecurity-audit.json.log").read_bytes())
    raised = {label["modsecurity_audit_line"]: label["modsecurity_rule_ids"] for label in labels}
    for i, line in enumerate(audit):
        if line:
            record = json.loads(line)
            yield Case("web/modsecurity-audit", f"{i + 1}", [line], list(audit_expected(record, raised.get(i + 1))))
    for i, line in enumerate(text_lines((base / "apache-error-modsecurity.log").read_bytes())):
        yield Case("web/modsecurity-error", f"{i + 1}", [line],
                   list(error_expected(line.decode("utf-8", "replace"))))


def audit_expected(record, raised):
    transaction = record["transaction"]
    yield Expect("(own names)", record, "leaves")
    yield Expect("hinomi.parser", NAMES["parsers"]["modsecurity"], "parser")
    yield Expect("@timestamp", transaction["time"], "moment")
    yield Expect("source.ip", transaction["remote_address"])
    yield Expect("source.port", transaction["remote_port"])
    yield Expect("destination.ip", transaction["local_address"])
    yield Expect("destination.port", transaction["local_port"])
    yield Expect("event.id", transaction["transaction_id"])
    parts = REQUEST.match(record.get("request", {}).get("request_line", ""))
    if parts:
        yield Expect("http.request.method", parts[1])
        yield Expect("url.original", parts[2])
        yield Expect("http.version", parts[3])
    if "status" in record.get("response", {}):
        yield Expect("http.response.status_code", record["response"]["status"])
    agent = record.get("request", {}).get("headers", {}).get("User-Agent")
    if agent:
        yield Expect("user_agent.original", agent)
    if raised:
        yield Expect("rule.id", [str(rule) for rule in raised])


def error_expected(text):
    def tags(name):
        return re.findall(r'\[%s "((?:[^"\\]|\\.)*)"\]' % name, text)
    yield Expect("hinomi.parser", NAMES["parsers"]["modsecurity"] + "|apache-error", "parser")
    at = re.match(r"\[([^]]+)\]", text)
    if at:
        yield Expect("@timestamp", at[1], "moment")
    client = re.search(r"\[client ([\d.]+):(\d+)\]", text)
    if client:
        yield Expect("source.ip", client[1])
        yield Expect("source.port", client[2])
    for name, ours in (("id", "rule.id"), ("msg", ["rule.description", "rule.name"]), ("unique_id", "event.id"),
                       ("hostname", ["url.domain", "destination.domain", "server.address", "destination.address"]),
                       ("uri", ["url.path", "url.original"])):
        values = tags(name)
        if values:
            yield Expect(ours, values[0])


SETS = {"logstash": ("parsers/logstash-patterns-core", logstash), "filebeat": ("parsers/filebeat-oss-modules", filebeat),
        "auditd": ("parsers/linux-auditd-go-libaudit", auditd), "crowdsec": ("parsers/crowdsecurity-hub", crowdsec),
        "sc4s": ("parsers/sc4s-device-lines", sc4s), "suricata": ("network/suricata-eve", suricata),
        "zeek": ("network/zeek-vast", zeek), "cloud": ("cloud-and-saas/panther-analysis", cloud),
        "web": ("web/crs-replay", web)}


def all_cases(data):
    for folder, reader in SETS.values():
        if (data / folder).exists():
            yield from reader(data)
