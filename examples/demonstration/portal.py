"""The portal's API, as the demonstration's people use it."""

import http.client
import json
import ssl


class Refused(Exception):
    """An answer that is no success."""


class Portal:
    """One person at the portal.  `authority`: the file by which its certificate is verified; None:
    it speaks plain HTTP."""

    def __init__(self, address, port, authority=None):
        self.address, self.port, self.authority, self.cookie = address, port, authority, None

    def connection(self):
        if self.authority is None:
            return http.client.HTTPConnection(self.address, self.port, timeout=30)
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection(self.address, self.port, timeout=30, context=context)

    def request(self, method, path, body=None):
        fields = {"Hinomi-Request": "1", "Accept-Language": "en"}
        if self.cookie:
            fields["Cookie"] = f"__Host-hinomi={self.cookie}"
        if body is not None:
            fields["Content-Type"] = "application/json"
        connection = self.connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), fields)
            answer = connection.getresponse()
            text = answer.read()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                self.cookie = cookie.split(";")[0].split("=", 1)[1] or None
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {text.decode('utf-8', 'replace')[:300]}")
        return json.loads(text) if text and "json" in (answer.headers.get("Content-Type") or "") else None

    def is_ready(self):
        try:
            self.request("GET", "/readyz")
            return True
        except (OSError, Refused, http.client.HTTPException):
            return False

    def accept(self, invitation, password):
        """Sets the password that an invitation asks for, and is signed in."""
        self.request("POST", "/api/v1/invitation/use", {"token": invitation, "password": password})

    def sign_in(self, person, password):
        self.request("POST", "/api/v1/session", {"name": person, "password": password})

    def sign_out(self):
        self.request("DELETE", "/api/v1/session")
        self.cookie = None

    def waiting(self, client, kind):
        """The hash of a document's latest version, if it waits for signatures."""
        latest = self.request("GET", f"/api/v1/clients/{client}/documents/{kind}/versions")["versions"][0]
        return latest["hash"] if latest["state"] == "draft" else None

    def sign(self, client, kind, version):
        self.request("POST", f"/api/v1/clients/{client}/documents/{kind}/versions/{version}/signature")

    def incidents(self, client):
        return self.request("GET", f"/api/v1/clients/{client}/incidents")["incidents"]
