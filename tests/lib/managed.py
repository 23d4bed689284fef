"""A running managed service with everybody signed in and every document effective: what stories and
tortures of the service begin with."""

import email
import email.policy
import hashlib
import hmac
import json
import pathlib
import re

import sinks
from api import Api
from hinomi import ROOT, Service, free_port, wait_for

KINDS = ["calendars", "contacts", "assets", "table-1", "log-sources", "criteria", "detection", "sla"]


class Mail:
    """One conversation in which the relay was given a message."""

    def __init__(self, told):
        self.recipients = [re.sub(r"[<>]", "", to) for to in told["to"]]
        self.data, self.at, self.taken = told["data"], told["at"], told["taken"]
        self.message = email.message_from_bytes(self.data.encode(), policy=email.policy.default)
        self.identity = self.message["Message-ID"]

    def text(self):
        return self.message.get_content()


class Hook:
    """One post of a webhook."""

    def __init__(self, told):
        self.headers, self.body, self.at = told["headers"], told["body"], told["at"]

    def verified(self, secret):
        """Whether the signature is the one that this secret makes."""
        parts = dict(part.split("=", 1) for part in self.headers.get("Hinomi-Signature", "").split(",") if "=" in part)
        if not {"t", "v1"} <= set(parts):
            return False
        made = hmac.new(secret, f"{parts['t']}.{self.body}".encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(made, parts["v1"])


class MailSink:
    def __init__(self, folder, answers=("ok",)):
        self.folder = folder
        self.process, self.port = sinks.smtp_sink(folder, answers)

    def received(self, accepted_only=True):
        mails = [Mail(told) for told in sinks.got(self.folder) if told["data"]]
        return [mail for mail in mails if mail.taken or not accepted_only]


class HookSink:
    def __init__(self, folder, answers=("200",)):
        self.folder = folder
        self.process, self.port = sinks.http_sink(folder, answers)

    def received(self):
        return [Hook(told) for told in sinks.got(self.folder)]


class Managed:
    """text: an apply file with client acme and provider watch, as examples/service.yaml.  relay_port: where
    mail goes, if not to a sink of this class, whose answers `relay` names."""

    ADMIN_PASSWORD = "correct horse battery 1"

    def __init__(self, folder, text, sign=True, relay=("ok",), relay_port=None, rules=None, extra=""):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.mails = None if relay_port else MailSink(folder / "mails", relay)
        self.hooks = HookSink(folder / "hooks")
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "acme.chat").write_text("a secret of the tests alone\n")
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.service = Service(folder, rules=rules or (ROOT / "rules",), extra=f"""
  - {{name: portal, kind: portal, address: 127.0.0.1, port: {self.port}}}
portal_url: https://127.0.0.1:{self.port}
mail_relay: smtp://127.0.0.1:{relay_port or self.mails.port}
mail_from: soc@watch.example
mail_tls: optional
secrets: {secrets}
webhook_networks: [127.0.0.0/8]
{extra}""").start()
        self.token = self.setup_token()
        self.admin = self.set_up()
        text = (text.replace("addresses: [127.0.0.1]", "addresses: [127.0.0.1/32]")
                .replace("https://chat.acme.example/hook", f"http://127.0.0.1:{self.hooks.port}/hook"))
        self.applied = self.service.apply(text)
        if self.applied.returncode != 0:
            raise SystemExit(f"the file is not applied: {self.applied.stderr}")
        self.text = text
        self.head, self.analyst = self.sign_in("acme/head"), self.sign_in("watch/analyst")
        if sign:
            self.sign()

    def setup_token(self):
        found = wait_for(lambda: re.search(r"first set-up: (\S+)", self.service.log.read_text()), 10)
        return found.group(1) if found else None

    def set_up(self):
        admin = Api(self.port, self.service.certificate)
        status, answer = admin.request("POST", "/setup", {"token": self.token, "party": "watch", "person": "admin",
                                                       "password": self.ADMIN_PASSWORD})
        if status != 200:
            raise SystemExit(f"the first set-up fails: {status} {answer}")
        return admin

    @staticmethod
    def password(person):
        return f"a long password of {person}"

    def sign_in(self, person):
        """A person is invited by whoever runs the machine, chooses a password, and is signed in."""
        answer = json.loads(self.service.run("user", "invite", person, "--json", check_code=0).stdout)
        api = Api(self.port, self.service.certificate)
        status, answer = api.request("POST", "/invitation/use",
                                  {"token": answer["token"], "password": self.password(person)})
        if status != 200:
            raise SystemExit(f"{person} cannot sign in: {status} {answer}")
        return api

    def latest(self, kind, api=None):
        return (api or self.head).fetch(f"/clients/acme/documents/{kind}/versions")["versions"][0]

    def sign(self):
        """The responsible person signs everything, the provider's admin what needs both."""
        for api, kinds in [(self.head, KINDS), (self.admin, ["criteria", "detection", "sla"])]:
            for kind in kinds:
                version = self.latest(kind)["hash"]
                status, answer = api.request("POST", f"/clients/acme/documents/{kind}/versions/{version}/signature")
                if status != 200:
                    raise SystemExit(f"{kind} is not signed: {status} {answer}")

    def get(self, path):
        """As the responsible person; a portal that has just been killed is asked again."""
        def ask():
            try:
                status, answer = self.head.request("GET", path)
                return answer if status == 200 else None
            except OSError:
                return None
        answer = wait_for(ask, 10, 0.2)
        if answer is None:
            raise SystemExit(f"GET {path} is not answered")
        return answer
