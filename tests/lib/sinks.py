#!/usr/bin/env python3
"""A relay and a hook for tests: real SMTP and HTTP on free loopback ports, answering as they are told.

    sinks.py FOLDER smtp|http [ANSWER ...]

Prints "PORT\n" once it listens and ends when its standard input does.  Each conversation is a line of
JSON in FOLDER/got.  Answers are used up one a conversation, the last one stays:

    smtp   ok                              takes the message
           451@greeting|ehlo|mail|rcpt|data|dot   that code, at that point
           drop@…                          closes the connection there without an answer
           mute@…                          says nothing more there
           tls                             offers STARTTLS (FOLDER/cert.pem, FOLDER/key.pem are made)
           auth                            the same, and AUTH PLAIN with user "hinomi", password "word"
    http   200, 500, 429:30 (Retry-After), 302:URL (Location), drop, mute, flood (an endless body)

As a module: smtp_sink(folder, answers) and http_sink(folder, answers) give (process, port).
"""
import base64
import http.server
import json
import pathlib
import socketserver
import ssl
import subprocess
import sys
import threading
import time

LOCK = threading.Lock()


class Script:
    """What to answer, one entry a conversation."""

    def __init__(self, folder, answers):
        self.folder, self.answers, self.at = pathlib.Path(folder), answers or ["ok"], 0

    def next(self):
        with LOCK:
            answer = self.answers[min(self.at, len(self.answers) - 1)]
            self.at += 1
            return answer

    def got(self, **what):
        with LOCK, open(self.folder / "got", "a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), **what}) + "\n")


class Left(Exception):
    """The conversation is over."""


class Smtp(socketserver.StreamRequestHandler):
    timeout = 30

    def say(self, point, good):
        kind, _, where = self.answer.partition("@")
        if where == point:
            if kind == "mute":
                time.sleep(30)
            if kind in ("mute", "drop"):
                raise Left
            good = f"{kind} told to at {point}"
        self.wfile.write(good.encode() + b"\r\n")
        self.wfile.flush()
        return good[0] in "23"

    def line(self):
        line = self.rfile.readline(2000)
        if not line:
            raise Left
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def data(self):
        lines = []
        while True:
            line = self.rfile.readline(100000)
            if not line:
                raise Left
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def starttls(self):
        self.say("starttls", "220 go ahead")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.script.folder / "cert.pem", self.script.folder / "key.pem")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.seen["tls"] = True

    def command(self, line):
        word = line.split(" ")[0].split(":")[0].upper()
        if word == "EHLO":
            offers = ["sink"]
            if self.answer in ("tls", "auth") and not self.seen["tls"]:
                offers.append("STARTTLS")
            if self.answer == "auth":
                offers.append("AUTH PLAIN")
            for offer in offers[:-1]:
                self.wfile.write(f"250-{offer}\r\n".encode())
            self.say("ehlo", "250 " + offers[-1])
        elif word == "STARTTLS":
            self.starttls()
        elif word == "AUTH":
            token = line.split(" ")[2] if line.count(" ") == 2 else ""
            if not token:
                self.say("auth", "334 ")
                token = self.line()
            good = base64.b64decode(token) == b"\0hinomi\0word"
            self.seen["auth"] = good
            self.say("auth", "235 in" if good else "535 wrong")
        elif word == "MAIL":
            self.seen["from"] = line[10:].split(" ")[0]
            self.say("mail", "250 ok")
        elif word == "RCPT":
            self.seen["to"].append(line[8:].split(" ")[0])
            self.say("rcpt", "250 ok")
        elif word == "DATA":
            if self.say("data", "354 go on"):
                self.seen["data"] = self.data().decode("utf-8", "replace")
                self.seen["taken"] = False
                self.seen["taken"] = self.say("dot", "250 taken")
        elif word == "QUIT":
            self.say("quit", "221 bye")
            raise Left
        else:
            self.say(word.lower(), "250 ok" if word in ("HELO", "RSET", "NOOP") else "502 what")

    def handle(self):
        self.script, self.answer = self.server.script, self.server.script.next()
        self.seen = {"from": None, "to": [], "data": None, "tls": False, "taken": False}
        try:
            if self.say("greeting", "220 sink"):
                while True:
                    self.command(self.line())
        except (Left, OSError):
            pass
        finally:
            self.script.got(answer=self.answer, **self.seen)

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass


class Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        answer = self.server.script.next()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.script.got(answer=answer, path=self.path, headers=dict(self.headers.items()),
                               body=body.decode("utf-8", "replace"))
        kind, _, rest = answer.partition(":")
        self.close_connection = True
        if kind == "mute":
            time.sleep(30)
        if kind in ("mute", "drop"):
            return
        if kind == "flood":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        self.send_response(200 if kind == "ok" else int(kind))
        if kind == "429" and rest:
            self.send_header("Retry-After", rest)
        if kind.startswith("3"):
            self.send_header("Location", rest)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"so")

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
                   check=True, capture_output=True)


def got(folder):
    """What a sink was told so far, as a list."""
    path = pathlib.Path(folder) / "got"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def start(folder, kind, answers):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([sys.executable, __file__, str(folder), kind, *answers], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return process, int(process.stdout.readline())


def smtp_sink(folder, answers=("ok",)):
    return start(folder, "smtp", answers)


def http_sink(folder, answers=("200",)):
    return start(folder, "http", answers)


def main():
    folder, kind, answers = sys.argv[1], sys.argv[2], sys.argv[3:]
    if any(answer in ("tls", "auth") for answer in answers):
        certificate(folder)
    with Server(("127.0.0.1", 0), Smtp if kind == "smtp" else Http) as server:
        server.script = Script(folder, answers)
        print(server.server_address[1], flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
