"""Senders that wait to hear that their records are kept: RELP and Lumberjack 2, with TLS or without,
written from the protocols' descriptions; and the certificates that they show.  A record is in
`kept` once the service has acknowledged it.  Python's standard library only, and openssl."""

import pathlib
import socket
import ssl
import struct
import subprocess
import zlib


class Lost(Exception):
    """The connection is gone, or speaks nonsense."""


class Line:
    def __init__(self, port, tls=None, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket)
        self.kept = []

    def take(self, size):
        got = b""
        while len(got) < size:
            try:
                more = self.socket.recv(size - len(got))
            except OSError as error:
                raise Lost(str(error)) from error
            if not more:
                raise Lost("closed")
            got += more
        return got

    def put(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Lost(str(error)) from error

    def close(self):
        self.socket.close()


class Relp(Line):
    def __init__(self, port, tls=None, first=1, timeout=20):
        super().__init__(port, tls, timeout)
        self.number = first
        self.sent = {}
        self.frame(b"open", b"relp_version=0\nrelp_software=tests\ncommands=syslog")
        number, text = self.answer()
        if number != first or not text.startswith(b"200 OK"):
            raise Lost(text)

    def frame(self, command, data=b""):
        number = self.number
        self.number = 1 if number == 999999999 else number + 1
        self.put(b"%d %s %d%s%s\n" % (number, command, len(data), b" " if data else b"", data))
        return number

    def answer(self):
        """(number, text) of the next rsp"""
        words = []
        for end in (b" ", b" ", b" \n"):
            word = b""
            while not (byte := self.take(1)) in (bytes([e]) for e in end):
                word += byte
            words.append(word)
        size = int(words[2])
        text = self.take(size) if size else b""
        if byte == b" ":
            self.take(1)
        if words[1] != b"rsp":
            raise Lost(words)
        return int(words[0]), text

    def send(self, *records):
        for record in records:
            self.sent[self.frame(b"syslog", record)] = record

    def await_all(self):
        while self.sent:
            number, text = self.answer()
            if not text.startswith(b"200"):
                raise Lost(text)
            self.kept.append(self.sent.pop(number))

    def finish(self):
        number = self.frame(b"close")
        answer = self.answer()
        self.close()
        return answer == (number, b"")


class Beats(Line):
    def frames(self, records):
        return b"".join(b"2J" + struct.pack(">II", i, len(r)) + r for i, r in enumerate(records, 1))

    def send(self, records, compressed=False):
        data = self.frames(records)
        if compressed:
            data = zlib.compress(data)
            data = b"2C" + struct.pack(">I", len(data)) + data
        self.put(b"2W" + struct.pack(">I", len(records)) + data)

    def await_all(self, records):
        """Until the whole window is acknowledged; the numbers that were heard."""
        heard = []
        while not heard or heard[-1] < len(records):
            head = self.take(6)
            if head[:2] != b"2A":
                raise Lost(head)
            heard.append(struct.unpack(">I", head[2:])[0])
        self.kept += records
        return heard


def openssl(*words, folder, **more):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, **more)


class Authority:
    """An authority of the test's own, and what it vouches for."""

    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.certificate = self.folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "10",
                "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", folder=self.folder)

    def vouch(self, name, days=10, purpose="clientAuth"):
        """(certificate, key)"""
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}",
                folder=self.folder)
        (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\n"
                                                 f"extendedKeyUsage={purpose}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey",
                f"{self.name}.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", str(days),
                "-extfile", f"{name}.ext", folder=self.folder)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


def client_tls(certificate=None, key=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def fingerprint(certificate):
    text = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint",
                           "-sha256"], check=True, capture_output=True, text=True).stdout
    return "sha256:" + text.split("=")[1].strip().replace(":", "").lower()
