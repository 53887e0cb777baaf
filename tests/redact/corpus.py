"""Planted secrets: each case says what it plants, and where. Values are made here; none was ever valid."""

from __future__ import annotations

import base64
import html
import json
import random
import shlex
import string
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

KEY = bytes(range(32))
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"


class Planted(NamedTuple):
    """A secret in its surroundings. `told`: the rules cannot know it, it is named beforehand (--secret)."""

    name: str
    secret: str
    text: str
    place: str = "text"
    content_type: str = ""
    told: bool = False


class Maker:
    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)

    def of(self, alphabet: str, size: int) -> str:
        """Random characters; a digit, a lower and an upper case letter are among them, if in the alphabet."""
        while True:
            text = "".join(self._random.choices(alphabet, k=size))
            wanted = [
                k
                for k in (string.digits, string.ascii_lowercase, string.ascii_uppercase)
                if set(k) & set(alphabet)
            ]
            if all(set(k) & set(text) for k in wanted) and text[0].isalnum() and text[-1].isalnum():
                return text

    def password(self) -> str:
        return self.of(ALNUM + "!@%^*_+-", self._random.randint(10, 20))

    def jwt(self) -> str:
        claims = {"sub": self.of(ALNUM, 12), "name": "A. Nobody", "exp": 1900000000}
        parts = [
            json.dumps(part, separators=(",", ":")).encode()
            for part in ({"alg": "HS256", "typ": "JWT"}, claims)
        ]
        return ".".join(
            [base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts] + [self.of(URLSAFE, 43)]
        )

    def pem(self, kind: str = "RSA PRIVATE KEY", line_end: str = "\n") -> tuple[str, list[str]]:
        lines = [self.of(ALNUM + "+/", 64) for _ in range(12)] + [self.of(ALNUM, 30) + "=="]
        return line_end.join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""]), lines


def vendor_tokens(m: Maker) -> dict[str, str]:
    return {
        "github": "ghp_" + m.of(ALNUM, 36),
        "github-oauth": "gho_" + m.of(ALNUM, 36),
        "github-fine": "github_pat_" + m.of(ALNUM + "_", 82),
        "gitlab": "glpat-" + m.of(ALNUM, 20),
        "slack-bot": "xoxb-" + m.of(string.digits, 12) + "-" + m.of(ALNUM, 24),
        "stripe": "sk_live_" + m.of(ALNUM, 24),
        "stripe-restricted": "rk_test_" + m.of(ALNUM, 30),
        "openai": "sk-proj-" + m.of(ALNUM, 20) + "T3BlbkFJ" + m.of(ALNUM, 20),
        "openai-old": "sk-" + m.of(ALNUM, 48),
        "anthropic": "sk-ant-api03-" + m.of(URLSAFE, 93) + "AA",
        "aws": "AKIA" + m.of(string.ascii_uppercase + "234567", 16),
        "aws-temporary": "ASIA" + m.of(string.ascii_uppercase + "234567", 16),
        "google": "AIza" + m.of(ALNUM, 35),
        "google-oauth": "ya29." + m.of(URLSAFE, 60),
        "google-secret": "GOCSPX-" + m.of(ALNUM, 28),
        "npm": "npm_" + m.of(ALNUM, 36),
        "pypi": "pypi-" + m.of(URLSAFE, 160),
        "sendgrid": "SG." + m.of(ALNUM, 22) + "." + m.of(ALNUM, 43),
        "digitalocean": "dop_v1_" + m.of(HEX, 64),
        "huggingface": "hf_" + m.of(ALNUM, 34),
        "shopify": "shpat_" + m.of(HEX, 32),
        "telegram": m.of(string.digits, 9) + ":AA" + m.of(ALNUM, 33),
        "docker": "dckr_pat_" + m.of(ALNUM, 27),
        "databricks": "dapi" + m.of(HEX, 32),
        "vault": "hvs." + m.of(ALNUM, 90),
        "linear": "lin_api_" + m.of(ALNUM, 40),
        "postman": "PMAK-" + m.of(HEX, 24) + "-" + m.of(HEX, 34),
        "jwt": m.jwt(),
    }


TOKEN_TEXTS: dict[str, Callable[[str], str]] = {
    "environment": lambda t: f"HOME=/root\r\nSOME_VALUE={t}\r\nLANG=C\r\n",
    "json": lambda t: json.dumps({"id": 7, "value": t, "more": [1, 2]}),
    "printed": lambda t: f"$ echo it\r\nit is {t}, keep it\r\n$ ",
    "coloured": lambda t: f"\x1b[1mkey:\x1b[0m \x1b[32m{t[:9]}\x1b[1m{t[9:]}\x1b[0m\r\n",
}

FIELD_TEXTS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "env": ("text", lambda s: f"export DB_PASSWORD={shlex.quote(s)}\r\n", ""),
    "env-token": ("text", lambda s: f"API_TOKEN={s}\nNEXT=1\n", ""),
    "ini": ("text", lambda s: f"[db]\nuser = me\npassword = {s}\n", ""),
    "yaml": ("text", lambda s: f'db:\n  client_secret: "{s}"\n', ""),
    "python": ("text", lambda s: f"connect(user='me', password='{s}')\n", ""),
    "option": ("text", lambda s: f"$ deploy --api-key={s} --verbose\r\n", ""),
    "option-blank": ("text", lambda s: f"$ deploy --password '{s}' now\r\n", ""),
    "curl-user": ("text", lambda s: f"$ curl -s -u me:{s} http://localhost/\r\n", ""),
    "sshpass": ("text", lambda s: f"sshpass -p '{s}' ssh box\r\n", ""),
    "mysql": ("text", lambda s: f"mysql -u root -p{s} shop\n", ""),
    "netrc": ("text", lambda s: f"machine example.org login me password {s}\n", ""),
    "npmrc": ("text", lambda s: f"//registry.example.org/:_authToken={s}\n", ""),
    "curl-verbose": ("text", lambda s: f"> GET / HTTP/1.1\r\n> Authorization: Bearer {s}\r\n> Accept: */*\r\n", ""),
    "json-body": ("body", lambda s: json.dumps({"user": "me", "password": s}), "application/json"),
    "json-nested": ("body", lambda s: json.dumps({"a": [{"accessToken": s, "expires_in": 3600}]}), "application/json"),
    "json-indented": ("body", lambda s: json.dumps({"refresh_token": s, "n": 1}, indent=2), "application/json"),
    "json-in-json": ("body", lambda s: json.dumps({"log": json.dumps({"api_key": s})}), "application/json"),
    "form": ("body", lambda s: f"user=me&password={quote(s)}&x=1", "application/x-www-form-urlencoded"),
    "xml": ("body", lambda s: f"<r><SecretAccessKey>{s}</SecretAccessKey><n>1</n></r>", "application/xml"),
    "multipart": (
        "body",
        lambda s: f'--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\n{s}\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "url-password": ("url", lambda s: f"https://me:{quote(s, safe='')}@example.org/x?y=1", ""),
    "url-token": ("url", lambda s: f"https://example.org/x?page=2&access_token={quote(s, safe='')}&y=1", ""),
    "url-signature": ("url", lambda s: f"https://example.org/blob?se=2030&sig={quote(s, safe='')}", ""),
    "remote": ("text", lambda s: f"origin\thttps://oauth2:{quote(s, safe='')}@git.example.org/a.git (fetch)\r\n", ""),
    "header-bearer": ("headers", lambda s: f"Authorization: Bearer {s}", ""),
    "header-plain": ("headers", lambda s: f"Authorization: {s}", ""),
    "header-basic": (
        "headers",
        lambda s: "Proxy-Authorization: Basic " + base64.b64encode(f"me:{s}".encode()).decode(),
        "",
    ),
    "header-cookie": ("headers", lambda s: f"Cookie: theme=dark; sid={s}; n=1", ""),
    "header-set-cookie": ("headers", lambda s: f"Set-Cookie: session={s}; Path=/; HttpOnly; Max-Age=60", ""),
    "header-key": ("headers", lambda s: f"X-Api-Key: {s}", ""),
    "header-token": ("headers", lambda s: f"X-Auth-Token: {s}", ""),
    "header-location": ("headers", lambda s: f"Location: https://example.org/cb?access_token={quote(s, safe='')}", ""),
}  # fmt: skip

ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64-1": lambda s: base64.b64encode(b"u" + s.encode() + b"zz").decode(),
    "base64-2": lambda s: base64.b64encode(b"me:" + b"xx" + s.encode()).decode(),
    "base64-url": lambda s: base64.urlsafe_b64encode(b"\xff\xfe" + s.encode() + b"\xff").decode(),
    "url": lambda s: quote(s, safe=""),
    "url-lower": lambda s: _lower(quote(s, safe="")),
    "json": lambda s: json.dumps(s),
    "json-utf8": lambda s: json.dumps(s, ensure_ascii=False),
    "html": html.escape,
    "shell": shlex.quote,
    "hex": lambda s: s.encode().hex(),
}


def _lower(text: str) -> str:
    out = text.split("%")
    return "%".join([out[0], *(part[:2].lower() + part[2:] for part in out[1:])])


def wrapped(text: str, columns: int) -> str:
    return "\r\n".join(text[i : i + columns] for i in range(0, len(text), columns))


def planted() -> Iterator[Planted]:
    """All cases, the same each time."""
    m = Maker()
    for name, token in vendor_tokens(m).items():
        for where, text in TOKEN_TEXTS.items():
            yield Planted(f"{name}/{where}", token, text(token))
    for round_ in range(5):
        for name, (place, make, content_type) in FIELD_TEXTS.items():
            quoting = name.startswith(
                ("json", "form", "multipart", "url", "header-basic", "header-location", "remote")
            )
            secret = m.password() if quoting else m.of(ALNUM + "_-", 18)
            yield Planted(f"{name}/{round_}", secret, make(secret), place, content_type)
    for kind in ("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"):
        for line_end in ("\n", "\r\n", "\\n"):
            text, lines = m.pem(kind, line_end)
            for i, line in ((i, lines[i]) for i in (0, 6, -1)):
                yield Planted(f"pem/{kind}/{line_end!r}/{i}", line, text)
    for n, secret in enumerate(
        (
            m.password(),
            'pass wörd & "quotes" it\'s <b>',
            "correct horse battery staple",
            m.of(ALNUM, 40),
            "Zürich/42+8=50",
        )
    ):
        for name, encode in ENCODINGS.items():
            yield Planted(f"told/{n}/{name}", secret, f"before [{encode(secret)}] after\n", told=True)
            for columns in (17, 80):
                text = wrapped("x" * 60 + encode(secret), columns)
                yield Planted(f"told/{n}/{name}/wrapped/{columns}", secret, text, told=True)


def residue(case: Planted, output: str) -> str | None:
    """How the secret can still be read in `output`; None if it cannot."""
    flat = "".join(output.split("\r\n")) if case.told else output
    bare = flat.replace("\x1b[1m", "")
    for name, encode in ENCODINGS.items():
        form = encode(case.secret).strip("\"'=")
        if name.startswith("base64-"):
            form = form[4:-4]
        if len(form) >= 6 and form in bare:
            return name
    return None
