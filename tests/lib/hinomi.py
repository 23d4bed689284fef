"""What the stories and tortures share: a service of their own on free loopback ports, its processes,
its commands, posts, and the count of checks.  Python's standard library only."""

import atexit
import hashlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from ports import free_port

HINOMI = os.environ["HINOMI"]
ROOT = pathlib.Path(os.environ["ROOT"])
TMP = pathlib.Path(os.environ["TMP"])
DATA = pathlib.Path(os.environ["HINOMI_TEST_DATA"]) if os.environ.get("HINOMI_TEST_DATA") else None

TOKEN = "a-token-of-the-tests-alone"

passed = failed = skipped = 0


def check(holds, sentence, detail=""):
    """One check; its sentence must stay true."""
    global passed, failed
    if holds:
        passed += 1
        print(f"ok      {sentence}")
    else:
        failed += 1
        print(f"FAILED  {sentence}  {detail}")
    sys.stdout.flush()
    return holds


def skip(sentence):
    global skipped
    skipped += 1
    print(f"skipped: {sentence}")


def finish():
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(0 if failed == 0 and passed + skipped > 0 else 1)


class Noise(threading.Thread):
    """How late, in seconds, this machine wakes somebody up while the block runs: what is measured meanwhile cannot be
    better.  A limit for a person's patience is one for a machine that has nothing else to do."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late, self.over = 0, False

    def run(self):
        while not self.over:
            begin = time.monotonic()
            time.sleep(0.002)
            self.late = max(self.late, time.monotonic() - begin - 0.002)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()

    def allows(self, seconds):
        """`seconds`, and what a message that wakes three processes may lose to others."""
        return seconds + 3 * self.late


def within(condition, seconds, every=0.05):
    """What `condition` returns once that is true, or its last answer after `seconds`: for what promises a time."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


def wait_for(condition, seconds=10, every=0.05):
    """The same where no time is promised: `seconds` are a quiet machine's, so a busy one has three times as long."""
    return within(condition, 3 * seconds, every)


class Service:
    def __init__(self, folder=TMP, extra="", rules=(ROOT / "rules",)):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "var"
        self.certificate = self.folder / "var.keys/portal/certificate.pem" # made at the first start
        self.udp = free_port()
        self.tcp = free_port()
        self.http = free_port()
        self.config = self.folder / "hinomi.yaml"
        self.log = self.folder / "service.log"
        listing = ", ".join(str(r) for r in rules)
        self.config.write_text(f"""
data: {self.data}
rules: [{listing}]
listeners:
  - {{name: syslog-udp, kind: syslog-udp, address: 127.0.0.1, port: {self.udp}}}
  - {{name: syslog-tcp, kind: syslog-tcp, address: 127.0.0.1, port: {self.tcp}}}
  - {{name: ingest, kind: http, address: 127.0.0.1, port: {self.http}}}
{extra}""")
        self.process = None
        atexit.register(self.stop)

    def start(self):
        self.out = open(self.log, "ab")
        offset = self.log.stat().st_size
        self.process = subprocess.Popen([HINOMI, "serve", "--config", str(self.config)],
                                        stdout=self.out, stderr=self.out,
                                        stdin=subprocess.DEVNULL)
        ready = wait_for(lambda: b"hinomi: ready" in self.log.read_bytes()[offset:]
                         or self.process.poll() is not None, 30, 0.02)
        if not ready or self.process.poll() is not None:
            print(self.log.read_text(errors="replace"))
            raise SystemExit("the service does not start")
        return self

    def stop(self):
        """Ends the service in order; the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "killed"
        self.process = None
        return code

    def children(self):
        """{kind: [process ids]} of the running children."""
        found = {}
        if self.process is None:
            return found
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == self.process.pid and words[1:2] == [b"process"]:
                found.setdefault(words[2].decode(), []).append(int(entry.name))
        return found

    def run(self, *arguments, text=True, check_code=None, **more):
        result = subprocess.run([HINOMI, *map(str, arguments), "--data", str(self.data)],
                                capture_output=True, text=text, **more)
        if check_code is not None and result.returncode != check_code:
            raise SystemExit(f"hinomi {arguments}: exit {result.returncode}: {result.stderr}")
        return result

    def apply(self, text):
        path = self.folder / "clients.yaml"
        path.write_text(text)
        return self.run("tenant", "apply", path)

    def search(self, query="", tenant="acme", **options):
        """The records that fit, as the list of their bytes."""
        words = ["search", "--tenant", tenant, "--format", "raw", query]
        result = self.run(*words, text=False, check_code=0)
        return result.stdout.split(b"\n")[:-1]

    def count(self, query="", tenant="acme"):
        return int(self.run("search", "--tenant", tenant, "--count", query, check_code=0).stdout)

    def alerts(self, tenant="acme"):
        found, after = [], 0
        while True:
            lines = self.run("alerts", "--tenant", tenant, "--format", "ndjson", "--after", after,
                             check_code=0).stdout.split("\n")[:-1]  # a text may hold U+2028
            if not lines:
                return found
            found += [json.loads(line) for line in lines]
            after = found[-1]["id"]

    def books(self):
        """{client/source: account}"""
        lines = self.run("books", "--json", check_code=0).stdout.splitlines()
        accounts = [json.loads(line) for line in lines]
        return {f"{a['client']}/{a['source']}": a for a in accounts if "client" in a}

    def post(self, body, token=TOKEN, key=None, path="/ingest/lines", timeout=15, headers=None):
        """(status, answer)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=timeout)
        fields = {"Content-Type": "text/plain"}
        if token:
            fields["Authorization"] = f"Bearer {token}"
        if key:
            fields["Idempotency-Key"] = key
        fields.update(headers or {})
        try:
            connection.request("POST", path, body, fields)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def clients(*, addresses="127.0.0.1/32", token=TOKEN, more=""):
    """An apply file with one client that owns everything from loopback."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"""
clients:
  - slug: acme
    name: {{ja: 例の会社, en: Example Company}}
    sources:
      - slug: hosts
        name: {{ja: ホスト, en: Hosts}}
        senders:
          - {{listener: syslog-udp, addresses: [{addresses}]}}
          - {{listener: syslog-tcp, addresses: [{addresses}]}}
      - slug: posts
        name: {{ja: 投稿, en: Posts}}
        senders:
          - {{listener: ingest, token_sha256: {digest}}}
{more}"""


def balanced(account):
    return account["received"] == (account["stored"] + account["deduplicated"]
                                   + account["rejected"] + account["in_flight"])
