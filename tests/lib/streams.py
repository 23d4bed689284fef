"""An open screen: GET /changes over a socket of its own, read as it comes."""

import json
import socket
import threading
import time


class Stream:
    """What a signed-in person (api.Api) hears: (moment, event, data) in `heard`, in order."""

    def __init__(self, api):
        self.socket = socket.create_connection((api.host, api.port), 10)
        if api.context:
            self.socket = api.context.wrap_socket(self.socket, server_hostname=api.host)
        self.socket.sendall((f"GET /api/v1/changes HTTP/1.1\r\nHost: {api.host}:{api.port}\r\n"
                             f"Accept: text/event-stream\r\nCookie: __Host-hinomi={api.cookie}\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.fields = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            self.fields[name.lower()] = value
        self.heard, self.comments, self.closed = [], 0, False
        self.news = threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _lines(self):
        """Lines of the body, without the frames of a chunked one."""
        chunked = self.fields.get("transfer-encoding") == "chunked"
        rest = b""
        while True:
            if chunked:
                size = self.file.readline()
                part = self.file.read(int(size, 16)) if size.strip() else b""
                self.file.readline()
            else:
                part = self.file.read1(65536)
            if not part:
                return
            rest += part
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                yield line.decode()

    def _read(self):
        event = data = None
        try:
            for line in self._lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    data = json.loads(line[6:])
                elif line.startswith(":"):
                    self.comments += 1
                elif not line and event:
                    with self.news:
                        self.heard.append((time.monotonic(), event, data))
                        self.news.notify_all()
                    event = data = None
        except (OSError, ValueError):
            pass
        with self.news:
            self.closed = True
            self.news.notify_all()

    def wait(self, fits, since=0, seconds=10):
        """The first thing heard, from index `since` on, for which fits(event, data); None after a time."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                for heard in self.heard[since:]:
                    if fits(heard[1], heard[2]):
                        return heard
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    return None
                self.news.wait(left)

    def changes(self, since=0):
        return [data for _, event, data in self.heard[since:] if event == "change"]

    def close(self):
        """Goes away without a word, as a closed tab does."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
