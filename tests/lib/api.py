"""The portal's API, as the stories and tortures use it: sessions, tokens, requests."""

import http.client
import json
import ssl


class Api:
    """One caller: nobody, a signed-in person, or the holder of a token.  tls: the certificate that the
    portal has to show, as a file; None: it speaks plain HTTP.  keep: one connection for all requests, for
    who makes thousands."""

    def __init__(self, port, tls, host="127.0.0.1", token=None, language="en", keep=False):
        self.port, self.host, self.token, self.tls, self.language = port, host, token, tls, language
        self.keep, self.kept = keep, None
        self.context = ssl.create_default_context(cafile=str(tls)) if tls else None
        self.cookie = None

    def request(self, method, path, body=None, type="application/json", headers=None, raw=False):
        """(status, answer): the answer as JSON where it is some, else as bytes; as bytes if raw."""
        if self.kept:
            connection = self.kept
        elif self.tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=self.context)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        fields = {"Accept-Language": self.language, "Hinomi-Request": "1"}
        if self.cookie:
            fields["Cookie"] = f"__Host-hinomi={self.cookie}"
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            fields["Content-Type"] = type
            if not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = body.encode()
        fields.update(headers or {})
        self.kept = None  # until the answer is whole
        try:
            connection.request(method, path if path.startswith("/acknowledge/") or path.endswith("z")
                               else "/api/v1" + path, body, fields)
            answer = connection.getresponse()
            text = answer.read()
            self.headers = answer.headers
            for cookie in answer.headers.get_all("Set-Cookie", []):
                value = cookie.split(";")[0].split("=", 1)[1]
                self.cookie = value or None
            self.kept = connection if self.keep and not answer.will_close else None
        finally:
            if self.kept is None:
                connection.close()
        if not raw and "json" in (answer.headers.get("Content-Type") or "") and text:
            return answer.status, json.loads(text)
        return answer.status, text

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def fetch(self, path):
        """The answer, where nothing else will do."""
        status, answer = self.get(path)
        if status != 200:
            raise SystemExit(f"GET {path}: {status} {answer}")
        return answer

    def page(self, method, path):
        """(status, text) of a page without scripts."""
        kind = "application/x-www-form-urlencoded"
        headers = {"Sec-Fetch-Site": "same-origin"} if method == "POST" else None
        status, text = self.request(method, path, "" if method == "POST" else None, kind, headers, raw=True)
        return status, text.decode("utf-8", "replace")

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def sign_in(self, name, password):
        """True once the session is there."""
        return self.post("/session", {"name": name, "password": password})[0] == 200
