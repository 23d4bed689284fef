#!/usr/bin/env python3
"""The demonstration: a service, two clients and a provider, and stories that come in through its sockets.

    start.py [--hinomi PROGRAM] [--config FILE]... [--speed N] [--once]

Starts the service.  On an empty data folder it then does what the people would do: enrols them from
the apply files beside it, has each choose a password at random, and signs the documents as those
people through the portal's API.  Nothing else is put into the ledger.  Then stories are played,
SQL injection first, with ordinary traffic around them.

Always true: DATA/demonstration.txt is there once everything is signed, and never before, so a start
that was cut short is begun again by the next one.

--speed N plays stories N times as fast; --once ends when each has been played.  Python's standard
library and python3-yaml.
"""

import argparse
import ctypes
import hashlib
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

import yaml

from portal import Portal, Refused
from relay import Mailbox
from words import language, say

HERE = pathlib.Path(__file__).resolve().parent
APPLY = ["provider.yaml", "shop.yaml", "factory.yaml"]
STORIES = ["sql-injection.yaml", "infected-host.yaml"]
KINDS = ["calendars", "contacts", "assets", "table-1", "log-sources", "criteria", "detection", "sla"]
BOTH_SIGN = ["criteria", "detection", "sla"]
PAST = "2h"  # of ordinary traffic that is there from the beginning
PAUSE = 900  # seconds between one story and the next, later on
READY_SECONDS = 60


class Setup(Exception):
    """Why there is no demonstration, as a sentence."""


def dies_with_us():
    """In a child, before it runs: SIGTERM comes when this program is gone, however it went."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    os.setsid()


def password():
    """Sixteen letters and digits that are not mistaken for each other, in fours: 78 bits."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def write_secret(path, text):
    """A file that only its owner reads, whole or not at all; what lies in its way is never written to."""
    new = f"{path}.new"
    pathlib.Path(new).unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(new, path)


class Demonstration:
    def __init__(self, options):
        self.options = options
        self.configs = options.config or ["examples/hinomi.yaml", str(HERE / "hinomi.yaml")]
        self.config = {}
        for path in self.configs:
            self.config.update(yaml.safe_load(pathlib.Path(path).read_text("utf-8")) or {})
        self.data = pathlib.Path(self.config.get("data", "var"))
        self.secrets = self.data / "demonstration.txt"
        self.folder = self.data / "demonstration"
        self.mails, self.token = self.folder / "mail", self.folder / "token"
        self.listener = next(l for l in self.config["listeners"] if l["kind"] == "portal")
        self.files = [yaml.safe_load((HERE / name).read_text("utf-8")) for name in APPLY]
        self.stopped = threading.Event()
        self.service, self.players, self.mailbox, self.started = None, [], None, 0.0

    # ---- The service.

    def hinomi(self, *words):
        """One command of the service's own machine; its standard output."""
        result = subprocess.run([self.options.hinomi, *words, "--data", str(self.data)],
                                capture_output=True, text=True, timeout=120, check=False)
        if result.returncode != 0:
            raise Setup(f"hinomi {' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def authority(self):
        """The file by which the portal's certificate is verified; None where a proxy does that."""
        if self.config.get("portal_tls") in ("off", False):
            return None
        keys = self.config.get("keys") or str(self.data) + ".keys"
        return pathlib.Path(self.config.get("certificate") or pathlib.Path(keys) / "portal/certificate.pem")

    def portal(self):
        return Portal(self.listener["address"], self.listener["port"], self.authority())

    def begin(self):
        relay = urllib.parse.urlsplit(self.config.get("mail_relay", ""))
        if relay.hostname and relay.port:
            try:
                self.mailbox = Mailbox(self.mails, relay.hostname, relay.port,
                                       lambda to, subject: say("mail", to=", ".join(to), subject=subject))
            except OSError as reason:
                say("no-mailbox", port=relay.port, reason=reason)
        words = [word for path in self.configs for word in ("--config", path)]
        self.started = time.monotonic()
        self.service = subprocess.Popen([self.options.hinomi, "serve", *words], stdin=subprocess.DEVNULL,
                                        preexec_fn=dies_with_us)

    def wait_ready(self):
        while not self.stopped.is_set() and self.service.poll() is None:
            if self.portal().is_ready():
                return True
            if time.monotonic() > self.started + READY_SECONDS:
                raise Setup(f"the portal is not ready after {READY_SECONDS} s")
            self.stopped.wait(0.1)
        return False

    # ---- The first start.

    def people(self):
        """[(party/person, names, roles)] of all files."""
        parties = [party for file in self.files for party in file.get("parties", []) + file.get("clients", [])]
        return [(f"{party['slug']}/{person['slug']}", person["name"], person["roles"])
                for party in parties for person in party["people"]]

    def clients(self):
        return [client["slug"] for file in self.files for client in file.get("clients", [])]

    def is_foreign(self):
        """Whether somebody else's clients are here already."""
        listed = {line.split()[0].split("/")[0] for line in self.hinomi("tenant", "list").splitlines() if line.strip()}
        return bool(listed - {"installation", "client", "party", *self.clients()}) and not listed & set(self.clients())

    def filled(self):
        """The apply files, with the hash of a token that is made here."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        token = secrets.token_hex(32)
        write_secret(self.token, token + "\n")
        for name in APPLY:
            text = (HERE / name).read_text("utf-8").replace("0" * 64, hashlib.sha256(token.encode()).hexdigest())
            (self.folder / name).write_text(text, "utf-8")
        return [self.folder / name for name in APPLY]

    def invite(self, person):
        """Has a person choose a password, and be signed in: (password, portal)."""
        invitation = json.loads(self.hinomi("user", "invite", person, "--json"))["token"]
        chosen, portal = password(), self.portal()
        portal.accept(invitation, chosen)
        return chosen, portal

    def sign(self, portals):
        """Each client's responsible person signs all documents; what binds both, an engineer too."""
        engineer = next(who for who, _, roles in self.people() if "engineer" in roles)
        for client in self.clients():
            head = next(who for who, _, roles in self.people()
                        if who.startswith(client + "/") and "responsible" in roles)
            for kind in KINDS:
                version = portals[head].waiting(client, kind)
                for who in [head] + ([engineer] if kind in BOTH_SIGN else []) if version else []:
                    portals[who].sign(client, kind, version)

    def set_up(self):
        if self.is_foreign():
            return False
        say("setting-up")
        for path in self.filled():
            self.hinomi("tenant", "apply", str(path))
        invited = {who: self.invite(who) for who, _, _ in self.people()}
        self.sign({who: portal for who, (_, portal) in invited.items()})
        for _, portal in invited.values():
            portal.sign_out()
        write_secret(self.secrets, "".join(f"{who} {chosen}\n" for who, (chosen, _) in invited.items()))
        return True

    def passwords(self):
        return dict(line.split() for line in self.secrets.read_text("utf-8").splitlines() if line.strip())

    # ---- What is printed.

    def introduce(self):
        scheme = "http" if self.authority() is None else "https"
        address = self.listener["address"]
        shown = f"[{address}]" if ":" in address else address
        say("ready", url=f"{scheme}://{shown}:{self.listener['port']}/")
        if self.authority() is not None:
            say("certificate", path=self.authority())
        say("people")
        passwords = self.passwords()
        for who, names, _ in self.people():
            print(f"  {who:<19} {passwords.get(who, ''):<24} {names[language()]}")
        say("kept", path=self.secrets, mail=self.mails)
        words = " ".join(f"--config {os.path.relpath(path)}" for path in self.options.config or [])
        say("try", mail=self.mails,
            play=f"{os.path.relpath(self.options.hinomi)} play {words + ' ' if words else ''}--seed 42 "
                 f"{os.path.relpath(HERE / 'stories' / STORIES[0])}")

    def watch_first(self):
        """Looks as an analyst would until the first incident is there; says how long it took."""
        portal = self.portal()
        try:
            portal.sign_in("watch/analyst-1", self.passwords()["watch/analyst-1"])
            while not self.stopped.is_set() and time.monotonic() < self.started + 300:
                if portal.incidents("shop"):
                    say("first", seconds=time.monotonic() - self.started)
                    break
                self.stopped.wait(0.2)
            portal.sign_out()
        except (Refused, OSError):
            pass  # the service is on its way down; its own sentence says why

    # ---- Stories.

    def play(self, story, *words):
        configs = [word for path in self.configs for word in ("--config", path)]
        player = subprocess.Popen([self.options.hinomi, "play", *configs, "--token", str(self.token), *words, str(HERE / "stories" / story)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=dies_with_us)
        self.players.append(player)
        return player

    def tell(self, story, round_number):
        names = yaml.safe_load((HERE / "stories" / story).read_text("utf-8"))
        say("story", name=names["name"][language()])
        seed = ["--seed", str(names["seed"] + round_number)] if round_number else []
        player = self.play(story, "--speed", str(self.options.speed), *seed)
        while player.poll() is None and not self.stopped.is_set():
            self.stopped.wait(0.2)
        if player in self.players:
            self.players.remove(player)

    def tell_all(self, first):
        if not self.options.once:
            self.play("ordinary.yaml", "--loop", *(["--from", PAST, "--speed", "2000"] if first else []))
        for story in STORIES:
            if not self.stopped.is_set():
                self.tell(story, 0 if first else int(time.time()) % 100000)
        round_number = int(time.time()) % 100000
        while not self.options.once and not self.stopped.is_set():
            for story in STORIES:
                if not self.stopped.wait(PAUSE / self.options.speed):
                    round_number += 1
                    self.tell(story, round_number)

    # ---- The whole.

    def run(self):
        say("starting")
        self.begin()
        try:
            if self.wait_ready():
                first = not self.secrets.exists()
                if first and not self.set_up():
                    say("foreign", data=self.data)
                    return 65
                if first:
                    threading.Thread(target=self.watch_first, daemon=True).start()
                teller = threading.Thread(target=self.tell_all, args=(first,), daemon=True)
                teller.start()
                self.introduce()
                while self.service.poll() is None and not self.stopped.is_set():
                    if self.options.once and not teller.is_alive():
                        break
                    self.stopped.wait(0.2)
        except (Setup, Refused, OSError, subprocess.SubprocessError) as reason:
            if not self.stopped.is_set():
                say("failed", reason=reason)
                return self.end() or 70
        return self.end()

    def end(self):
        """Stops players and service; the service's exit code."""
        self.stopped.set()
        for player in [self.service, *self.players]:
            if player.poll() is None:
                player.terminate()
        for player in self.players:
            player.wait(10)
        try:
            code = self.service.wait(40)
        except subprocess.TimeoutExpired:
            self.service.kill()
            code = 70
        if self.mailbox is not None:
            self.mailbox.close()
        return code


def main():
    parser = argparse.ArgumentParser(description="Hinomi's demonstration", allow_abbrev=False)
    parser.add_argument("--hinomi", default="build/hinomi", help="the program")
    parser.add_argument("--config", action="append", help="as to hinomi serve; may be given more than once")
    parser.add_argument("--speed", type=int, default=1, help="how much faster stories are played")
    parser.add_argument("--once", action="store_true", help="end when each story has been played")
    demonstration = Demonstration(parser.parse_args())

    def stop(_signal, _frame):
        if not demonstration.stopped.is_set():
            demonstration.stopped.set()
            say("stopping")

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return demonstration.run()


if __name__ == "__main__":
    sys.exit(main())
