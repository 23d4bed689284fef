"""A mail relay that delivers nothing: every mail becomes a file, and a line on the console."""

import email
import email.policy
import pathlib
import socketserver
import threading

SIZE_MAX = 1 << 20  # of one mail; ours have at most 64 KiB
LINE_MAX = 4096


class Conversation(socketserver.StreamRequestHandler):
    """SMTP as far as our own herald speaks it (RFC 5321)."""

    timeout = 60

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def data(self):
        """The mail, None if the peer is gone or it is too large."""
        parts, size = [], 0
        while True:
            line = self.rfile.readline(LINE_MAX)
            if not line or size > SIZE_MAX:
                return None
            if line in (b".\r\n", b".\n"):
                return b"".join(parts)
            line = line[1:] if line.startswith(b".") else line
            parts.append(line)
            size += len(line)

    def handle(self):
        recipients = []
        self.say("220 mailbox")
        while True:
            line = self.rfile.readline(LINE_MAX)
            word = line[:4].upper()
            if not line or word == b"QUIT":
                self.say("221 bye")
                return
            if word == b"RCPT":
                recipients.append(line.decode("ascii", "replace").partition(":")[2].strip(" <>\r\n"))
            if word != b"DATA":
                self.say("250 ok")
                continue
            self.say("354 go on")
            text = self.data()
            if text is None:
                return
            self.server.mailbox.take(recipients, text)
            self.say("250 taken")
            recipients = []


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        """A conversation that broke off leaves nothing behind."""


class Mailbox:
    def __init__(self, folder, address, port, tell):
        """tell: called with recipients and subject of each mail."""
        self.folder, self.tell, self.lock = pathlib.Path(folder), tell, threading.Lock()
        self.server = Server((address, port), Conversation)
        self.server.mailbox = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, recipients, text):
        message = email.message_from_bytes(text, policy=email.policy.default)
        with self.lock:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            number = len(list(self.folder.glob("*.eml"))) + 1
            (self.folder / f"{number:05}.eml").write_bytes(text)
            self.tell(recipients, str(message["Subject"] or ""))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
