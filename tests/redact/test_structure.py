"""Replay works on placeholders: whatever had a structure still has it, and the same secret is the same placeholder."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import brotli
import pytest
import zstandard
from corpus import ALNUM, KEY, Maker
from hypothesis import given
from hypothesis import strategies as st

from recorder.redact import Redactor, Vault
from recorder.redact.coded import NotDecoded, decode
from recorder.redact.encodings import decoded, forms, reencoded
from recorder.redact.plausible import strong
from recorder.redact.pseudonym import pseudonym

SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=8, max_size=40).filter(
    lambda text: strong(text.encode()) and any(c.isalnum() for c in text)
)
KEYED = st.binary(min_size=16, max_size=32)
TOKENS = st.text(ALNUM, min_size=14, max_size=40).filter(
    lambda t: strong(t.encode()) and all(re.search(p, t) for p in ("[a-z]", "[0-9].*[0-9].*[0-9]", "[A-Z]"))
)  # fmt: skip


def kind(c: str) -> str:
    return (
        "0"
        if c in "0123456789"
        else "a"
        if "a" <= c <= "z"
        else "A"
        if "A" <= c <= "Z"
        else "?"
        if c > "\x7f"
        else c
    )


@given(KEYED, SECRETS)
def test_a_placeholder_is_as_long_and_of_the_same_characters(key: bytes, secret: str) -> None:
    placeholder = pseudonym(key, secret.encode())
    assert placeholder == pseudonym(key, secret.encode())
    text = placeholder.decode()  # it is still UTF-8
    assert list(map(kind, text)) == list(map(kind, secret))
    assert placeholder != secret.encode()


@given(st.text("0123456789abcdef", min_size=12, max_size=64))
def test_hexadecimal_stays_hexadecimal(secret: str) -> None:
    assert re.fullmatch("[0-9a-f]+", pseudonym(KEY, secret.encode()).decode())


def test_another_session_has_other_placeholders() -> None:
    assert pseudonym(KEY, b"hunter2-Zq9xx") != pseudonym(KEY[::-1], b"hunter2-Zq9xx")


@pytest.mark.parametrize(
    "prefix", ["ghp_", "github_pat_", "glpat-", "sk-ant-", "xox", "AKIA", "npm_", "AIza", "hvs."]
)
def test_a_vendors_prefix_stays(prefix: str) -> None:
    assert pseudonym(KEY, f"{prefix}{Maker().of(ALNUM, 36)}".encode()).decode().startswith(prefix)


def test_a_jwt_stays_one() -> None:
    token = Maker().jwt()
    placeholder = pseudonym(KEY, token.encode()).decode()
    header, claims, signature = placeholder.split(".")
    assert header == token.split(".")[0]
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert said["exp"] == 1900000000
    assert said["name"] != "A. Nobody"
    assert len(placeholder) == len(token)
    assert re.fullmatch(r"[\w-]{43}", signature)
    assert signature != token.split(".")[2]


@given(SECRETS)
def test_every_form_is_as_long_as_that_of_the_placeholder(secret: str) -> None:
    placeholder = pseudonym(KEY, secret.encode())
    made = forms(secret.encode(), placeholder)
    assert made[0].old == secret.encode()
    assert all(len(form.old) == len(form.new) for form in made)
    olds = {form.old for form in made}
    for safe in ("", "/"):
        assert quote(secret, safe=safe).encode() in olds
    assert json.dumps(secret)[1:-1].encode() in olds


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5), st.booleans())
def test_base64_of_anything_around_a_secret_decodes_to_the_same_around_its_placeholder(
    secret: str, before: bytes, after: bytes, url: bool
) -> None:
    encode, decode_ = (
        (base64.urlsafe_b64encode, base64.urlsafe_b64decode) if url else (base64.b64encode, base64.b64decode)
    )
    door = Redactor(Vault(KEY), [secret.encode()])
    out = door.known_only(encode(before + secret.encode() + after), "text")
    if secret.encode() not in before + after:
        assert decode_(out) == before + pseudonym(KEY, secret.encode()) + after


@given(SECRETS, st.sampled_from(["url", "json"]))
def test_a_span_is_written_again_in_its_own_style(secret: str, encoding: str) -> None:
    span = (quote(secret, safe="") if encoding == "url" else json.dumps(secret)[1:-1]).encode()
    placeholder = pseudonym(KEY, secret.encode())
    out = reencoded(span, encoding, placeholder)
    assert len(out) == len(span)
    assert decoded(out, encoding) == placeholder


@given(TOKENS, st.text(max_size=20))
def test_json_still_parses(secret: str, other: str) -> None:
    said = {"user": other, "password": secret, "again": [secret], "n": 5}
    body = json.dumps(said).encode()
    out = json.loads(Redactor(Vault(KEY)).body(body, "application/json"))
    placeholder = pseudonym(KEY, secret.encode()).decode()
    assert out["password"] == placeholder
    assert out["again"] == [placeholder]
    assert out["user"] == other or secret in other
    assert out["n"] == 5


@given(TOKENS, TOKENS)
def test_urls_still_parse(password: str, token: str) -> None:
    url = (
        f"https://me:{password}@example.org:8443/a/b?"
        + urlencode({"page": "3", "access_token": token})
        + "#top"
    )
    out = urlsplit(Redactor(Vault(KEY)).url(url))
    assert (out.scheme, out.hostname, out.port, out.path, out.fragment, out.username) == (
        "https", "example.org", 8443, "/a/b", "top", "me",
    )  # fmt: skip
    assert out.password == pseudonym(KEY, password.encode()).decode()
    assert parse_qsl(out.query) == [("page", "3"), ("access_token", pseudonym(KEY, token.encode()).decode())]


@given(TOKENS)
def test_header_fields_keep_their_grammar(secret: str) -> None:
    door = Redactor(Vault(KEY))
    placeholder = pseudonym(KEY, secret.encode()).decode()
    basic = base64.b64encode(f"me:{secret}".encode()).decode()
    out = door.headers([
        ("Set-Cookie", f"sid={secret}; Path=/; Expires=Wed, 21 Oct 2030 07:28:00 GMT; HttpOnly"),
        ("Cookie", f'a=1; sid="{secret}"; theme=dark'),
        ("Authorization", f"Basic {basic}"),
        ("Proxy-Authorization", f"Bearer {secret}"),
        ("X-Api-Key", secret),
        ("Content-Length", "1234567890123"),
        ("ETag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Accept", "*/*"),
    ])  # fmt: skip
    assert out == [
        ("Set-Cookie", f"sid={placeholder}; Path=/; Expires=Wed, 21 Oct 2030 07:28:00 GMT; HttpOnly"),
        ("Cookie", f'a=1; sid="{placeholder}"; theme=dark'),
        ("Authorization", "Basic " + base64.b64encode(f"me:{placeholder}".encode()).decode()),
        ("Proxy-Authorization", f"Bearer {placeholder}"),
        ("X-Api-Key", placeholder),
        ("Content-Length", "1234567890123"),
        ("ETag", '"33a64df551425fcc55e4d42a148795d9f25f89d4"'),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Accept", "*/*"),
    ]


CODERS = {
    "gzip": lambda b: gzip.compress(b),
    "deflate": zlib.compress,
    "br": lambda b: brotli.compress(b, quality=1),
    "zstd": lambda b: zstandard.ZstdCompressor().compress(b),
    "identity": bytes,
    "gzip, br": lambda b: brotli.compress(gzip.compress(b)),
}


@pytest.mark.parametrize("coding", CODERS)
def test_coded_bodies_are_redacted_within(coding: str) -> None:
    secret = Maker().of(ALNUM, 24)
    body = json.dumps({"password": secret, "padding": "x" * 5000}).encode()
    door = Redactor(Vault(KEY))
    out = door.body(CODERS[coding](body), "application/json", coding)
    plain = out
    for name in reversed(coding.split(", ")):
        plain = plain if name == "identity" else decode(plain, name)
    assert json.loads(plain)["password"] == pseudonym(KEY, secret.encode()).decode()
    clean = CODERS[coding](b'{"nothing": "here"}')
    assert door.body(clean, "application/json", coding) is clean


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_cannot_be_decoded_is_said_not_passed(coding: str) -> None:
    whole = CODERS[coding](bytes(range(256)) * 40)
    door = Redactor(Vault(KEY))
    for body in (whole[: len(whole) // 2], b"\x00garbage", b"x" + whole):
        with pytest.raises(NotDecoded):
            door.body(body, "text/plain", coding)
    with pytest.raises(NotDecoded, match="too much"):
        decode(CODERS[coding](bytes(40 << 20)), coding, 1 << 20)
    with pytest.raises(NotDecoded, match="unknown"):
        door.body(whole, "text/plain", "snappy")


def test_binary_bodies_are_searched_for_known_secrets_only() -> None:
    secret = Maker().of(ALNUM, 24)
    door = Redactor(Vault(KEY), [secret.encode()])
    image = b"\x89PNG\0 password=aB3$xyz99Q " + secret.encode()
    out = door.body(image, "image/png")
    assert out == image.replace(secret.encode(), pseudonym(KEY, secret.encode()))
