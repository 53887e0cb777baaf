"""What holds no secret comes back as it is: real files of this machine, and made ones of every awkward kind."""

from __future__ import annotations

import json
import random
import subprocess
import uuid
from hashlib import sha1, sha256, sha512
from itertools import islice
from pathlib import Path

import pytest
from corpus import KEY

from recorder.redact import Redactor, Vault
from recorder.redact.plausible import plausible

ROOT = Path(__file__).resolve().parents[2]


def false_hits(data: bytes) -> int:
    door = Redactor(Vault(KEY))
    stream = door.stream()
    out = stream.feed(data) + stream.flush()
    assert len(out) == len(data)
    return sum(finding.times for finding in door.findings)


def npm_metadata() -> bytes:
    """A package's metadata as the registry sends it: names like secrets', versions, ranges, hashes, URLs."""
    r = random.Random(3)
    names = (
        "js-tokens",
        "token",
        "secret",
        "password",
        "jwt-token",
        "api-key",
        "passport",
        "token-types",
        "pwd",
    )
    versions = {}
    for n in range(300):
        version = f"{n // 20}.{n % 20}.{r.randint(0, 9)}-beta.{n}"
        digest = sha512(bytes([n & 255])).hexdigest()
        versions[version] = {
            "name": "token-store",
            "dependencies": {name: r.choice(["^4.0.0", "~1.2.3", ">=2.0.0 <3", "npm:other@1.2.3-rc.10", "4.x"])
                             for name in names},
            "secret": r.choice(["https://example.org/a.tgz", "git+ssh://git@example.org/a/b.git", "file:../secret"]),
            "dist": {"integrity": f"sha512-{digest[:86]}==", "shasum": sha1(bytes([n & 255])).hexdigest(), "files": 12,
                     "tarball": f"https://registry.example.org/token-store/-/token-store-{version}.tgz"},
            "_hasShrinkwrap": False, "token": None, "password": True, "api_key": 123456789012,
        }  # fmt: skip
    return json.dumps({"name": "token-store", "versions": versions}).encode()


def made_listing() -> bytes:
    r = random.Random(5)
    lines = []
    for n in range(4000):
        digest = sha256(bytes([n & 255, n >> 8])).hexdigest()
        lines += [
            f"{digest}  dist/token_{n}.tar.gz",
            str(uuid.UUID(int=r.getrandbits(128))),
            f"-rw-r--r-- 1 root root {n:6} Nov 22 03:18 password_reset_{n}.py",
            f"{n:08x}  " + " ".join(digest[i : i + 2] for i in range(0, 32, 2)) + "  |................|",
            f"Uploading session_token_test.py::test_secret[{n}] PASSED [{n % 100}%]",
        ]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("data", [npm_metadata(), made_listing()], ids=["npm", "listing"])
def test_made_text_without_secrets_stays(data: bytes) -> None:
    assert false_hits(data) == 0


def test_a_registry_answer_keeps_its_bytes() -> None:
    body = npm_metadata()
    assert Redactor(Vault(KEY)).body(body, "application/json") is body


@pytest.mark.parametrize(
    "value",
    ["12345678901", "true", "^1.2.3-beta.12", "https://example.org/a?b=1", "js-tokens", "@scope/token-name", "4.17.21",
     "sha512-abcDEF123/4567890abcdefgh==", "${DB_PASSWORD}", "{{ token }}", "<your-token-here>", "process.env.API_KEY",
     "get_password(user)", "getPasswordFromUser", "SECRET_KEY_BASE", "Optional[str]", "xxxxxxxxxxxx", "********",
     "short1A", "/etc/ssl/private/key.pem", "2026-11-22T03:18:45", "aaaaaaaaaaaaaaaaaaaaaa1", "$TOKEN", "changeme123A",
     "$tw.browser", "$app.utils.parse(credentialsText)"],
)  # fmt: skip
def test_a_field_named_like_a_secret_may_hold_none(value: str) -> None:
    assert not plausible(value.encode())
    for text in (json.dumps({"password": value}), f"token={value}\n", f"secret: {value}\n"):
        assert Redactor(Vault(KEY)).text(text) == text


@pytest.mark.slow
def test_real_text_has_few_false_hits(capsys: pytest.CaptureFixture[str]) -> None:
    """At most two in a megabyte, over all that is clean on this machine and at hand."""
    sources: dict[str, list[bytes]] = {
        "our sources": _files(ROOT / "recorder", "**/*.py", 400) + _files(ROOT / "replay", "**/*.py", 400),
        "documentation": _files(Path("/usr/share/doc"), "*/*", 1500),
        "licences": _files(Path("/usr/share/common-licenses"), "*", 50),
        "installed packages": _files(Path(json.__file__).parents[1], "*.py", 400),
        "git log": [_output("git", "-C", str(ROOT), "log", "--stat", "-n", "300")],
        "listing": [_output("ls", "-laR", "/etc", "/usr/share/doc")],
        "package list": [_output("dpkg", "-l")],
        "dump": [_output("od", "-A", "x", "-t", "x1z", "-N", "300000", "/bin/sh")],
        "base64": [_output("base64", "/bin/sh")],
    }
    hits = size = 0
    for name, texts in sources.items():
        data = b"\n".join(texts)
        found = false_hits(data)
        hits, size = hits + found, size + len(data)
        with capsys.disabled():
            print(f"\n{name:20} {len(data) / 1e6:7.2f} MB {found:4} false hits", end="")
    with capsys.disabled():
        print(f"\n{'all':20} {size / 1e6:7.2f} MB {hits / size * 1e6:7.2f} in a MB")
    assert size > 1_000_000
    assert hits <= 2 * size / 1e6


def _files(folder: Path, pattern: str, most: int) -> list[bytes]:
    found = sorted(
        path for path in folder.glob(pattern) if path.is_file() and path.suffix not in (".gz", ".xz", ".zip")
    )
    return [path.read_bytes()[:200_000] for path in islice(found, most)]


def _output(*argv: str) -> bytes:
    try:
        return subprocess.run(argv, capture_output=True, check=False).stdout[:3_000_000]
    except FileNotFoundError:
        return b""


@pytest.mark.parametrize("kind", ["text/javascript; charset=utf-8", "application/javascript", "text/css"])
def test_a_program_stays_as_it_is(kind: str) -> None:
    """Short names and no blanks, as bundlers write them: what stands behind a name in it is code."""
    program = (
        b'function n(e,r){if(r.token==null)return!1;return{tokenData:"$Iq28[#o%Qa)w-{n",password:f(e)&&!1}}'
        b'h["Authorization"]="Basic "+btoa(u+":"+p);x={authorization:Basic eD1QOChnKTtxYnp5cGU9};'
    )
    redactor = Redactor(Vault(KEY))
    assert redactor.body(program, kind) == program
    stream = redactor.body_stream(program, kind)
    assert stream.feed(program) + stream.flush() == program


def test_a_key_in_a_program_is_found_by_its_shape() -> None:
    key = b"ghp_" + b"x7Kq2mZ9vB4nR8tW3yL6cF1dH5jS0gPaQeUi"[:36]
    assert key not in Redactor(Vault(KEY)).body(b'const api="' + key + b'";', "text/javascript")


PROGRAM = b'if(r.token==null)return!1;x={tokenData:a["q"],password:f(e)&&!1,secret:b.Q7zP+kL9};'
PAGE = (
    b"<html><body><script>" + PROGRAM + b"</script>"
    b"<script type=module>" + PROGRAM * 400 + b'k={token:"$Iq28[#o%Qa)w-{n"}</script><p>%s</p></body></html>'
)


def test_programs_within_a_page_stay_as_they_are() -> None:
    redactor = Redactor(Vault(KEY))
    assert redactor.body(PAGE, "text/html; charset=utf-8") == PAGE


@pytest.mark.parametrize("size", [1, 7, 1000, 65536])
def test_programs_within_a_page_that_comes_in_pieces_stay_as_they_are(size: int) -> None:
    page = PAGE if size > 7 else PAGE[:4000] + PAGE[-4000:]
    stream = Redactor(Vault(KEY)).body_stream(page, "text/html")
    out = b"".join(stream.feed(page[at : at + size]) for at in range(0, len(page), size)) + stream.flush()
    assert out == page


def test_a_pages_own_settings_and_data_are_no_programs() -> None:
    secret = b"kQ7zPw93LmXv5tRb"
    for page in (
        b'<script>window.settings={"token":"' + secret + b'","n":1}</script>',
        b'<script type="application/json">{"password":"' + secret + b'"}</script>',
        b'<script>var a=1</script><input name=password value="' + secret + b'"> password=' + secret,
    ):
        assert secret not in Redactor(Vault(KEY)).body(page, "text/html"), page
