"""No secret that goes through the proxy reaches the disk; programs get what was sent."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import zstandard
from proxied_origin import Origin
from proxied_recording import Recording
from test_session import record

from recorder.network.redaction import FACTORY, WHOLE, NetworkRedactor
from recorder.redact import VaultFile
from recorder.trace.events import FlowAnswered, FlowMessage, FlowRequested
from recorder.trace.reader import open_trace

BEARER = "Qm7xT2vLp9RzK4wN8sYd"
SESSION = "f3Kq81Zx0VbN2mLw7TyU"
TOKEN = "hT5pWq9Zk2Xc7Vb4Nm1L"
PASSWORD = "Vy6!rQ2zKp8w"
IN_URL = "uN3vBz71QkLm"
TOLD = "plain-words-only-told"
LATE = "Gx4Tn8Jq2Lw6Rb9Ze1Ys"
SECRETS = [BEARER, SESSION, TOKEN, PASSWORD, IN_URL, TOLD]
CLIENT = """
import gzip, json, os, sys, urllib.parse, urllib.request
site = sys.argv[1]
def ask(path, data=None, **headers):
    return urllib.request.urlopen(urllib.request.Request(site + path, data, headers), timeout=30)
first = ask("/login", ("user=me&password=" + urllib.parse.quote(os.environ["PW"])).encode(),
            Authorization="Bearer " + os.environ["BEARER"])
token = json.loads(gzip.decompress(first.read()))["access_token"]
cookie = first.headers["Set-Cookie"].partition(";")[0]
note = {"X-Note": os.environ["TOLD"]}
second = ask("/next?access_token=" + token + "&u=" + os.environ["IN_URL"], Cookie=cookie, **note)
print(second.read().decode() == "token " + token + " ok", token == os.environ.get("TOKEN", token))
"""


class Login(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.compress(json.dumps({"access_token": TOKEN, "token_type": "Bearer"}).encode())
        self._answer(
            body, ("Set-Cookie", f"session={SESSION}; Path=/; HttpOnly"), ("Content-Encoding", "gzip")
        )

    def do_GET(self) -> None:
        good = f"session={SESSION}" in self.headers.get("Cookie", "") and TOKEN in self.path
        self._answer(f"token {TOKEN} {'ok' if good else 'wrong'}".encode())

    def _answer(self, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def login() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Login)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def redacting(tmp_path: Path) -> Iterator[Recording]:
    VaultFile.create(tmp_path / "vault").close()
    folder = tmp_path / "session"
    folder.mkdir(mode=0o700)
    settings = json.dumps({"vault": str(tmp_path / "vault")}).encode()
    made = Recording(folder, drain=0.2, redact=FACTORY, redact_settings=settings)
    yield made
    made.proxy.finish()


def plain(path: Path) -> bytes:
    """A file's bytes, and what they decompress to."""
    data = path.read_bytes()
    out = [data]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            out += [archive.read(name) for name in archive.namelist()]
    for piece in list(out):
        for at in range(len(piece)):
            at = piece.find(b"\x28\xb5\x2f\xfd", at)
            if at < 0:
                break
            try:
                out.append(zstandard.ZstdDecompressor().decompressobj().decompress(piece[at:]))
            except zstandard.ZstdError:
                pass
            break
    for piece in list(out):
        if piece.startswith(b"\x1f\x8b"):
            out.append(gzip.decompress(piece))
    return b"\n".join(out)


def left(folder: Path, secrets: list[str]) -> list[tuple[str, str]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [(path.name, secret) for path in files for secret in secrets if secret.encode() in plain(path)]


def environment() -> dict[str, str]:
    return {"BEARER": BEARER, "PW": PASSWORD, "IN_URL": IN_URL, "TOLD": TOLD, "TOKEN": TOKEN}


def test_a_login_leaves_no_secret(redacting: Recording, login: str) -> None:
    done = redacting.run(sys.executable, "-c", CLIENT, f"http://{login}", **environment())
    assert done.stdout == b"True True\n", done.stderr
    requests, answers = redacting.told(FlowRequested), redacting.told(FlowAnswered)
    assert len(requests) == len(answers) == 2
    assert left(redacting.folder, [BEARER, SESSION, TOKEN, PASSWORD]) == []
    placeholder = json.loads(gzip.decompress(redacting.content(answers[0].response)))["access_token"]
    assert f"access_token={placeholder}" in requests[1].url
    assert redacting.content(answers[1].response) == f"token {placeholder} ok".encode()
    vault = VaultFile.open(redacting.folder.parent / "vault").load()
    assert vault.placeholder(TOKEN.encode()) == placeholder.encode()


def test_credentials_in_urls_and_long_bodies(redacting: Recording, origin: Origin) -> None:
    redacting.curl(f"http://me:{IN_URL}@127.0.0.1:{origin.port}/hello")
    long = (b"x = 1\n" * WHOLE)[: 2 * WHOLE] + f"\ntoken: '{LATE}'\n".encode() + b"y = 2\n" * 1000
    assert redacting.curl("--data-binary", "@-", origin.url(), data=long) == long
    stored = redacting.content(redacting.told(FlowAnswered)[1].response)
    assert len(stored) == len(long)
    assert left(redacting.folder, [IN_URL, LATE]) == []


def test_what_cannot_be_decoded_is_not_kept(redacting: Recording, origin: Origin) -> None:
    sent = f"token={TOKEN}".encode()
    assert (
        redacting.curl("-H", "Content-Encoding: odd", "--data-binary", "@-", origin.url(), data=sent) == sent
    )
    [answer] = redacting.told(FlowAnswered)
    assert answer.request.blob is None
    assert answer.request.size == len(sent)
    assert "an unknown coding: odd" in (answer.request.skipped or "")


def test_websocket_messages(redacting: Recording, origin: Origin) -> None:
    client = Path(__file__).with_name("websocket_client.py")
    port = str(redacting.proxy.port)
    done = redacting.run(
        sys.executable,
        str(client),
        port,
        str(origin.port),
        f"text:token={TOKEN}",
        f"bytes:token={LATE}",
        "close:1000",
    )
    assert done.stdout.decode().split() == [f"TOKEN={TOKEN}".upper(), f"token={LATE}"[::-1], "1000"], (
        done.stderr
    )
    assert len(redacting.told(FlowMessage)) == 4
    assert left(redacting.folder, [TOKEN, LATE]) == []


@pytest.mark.slow
def test_a_sealed_trace_holds_no_secret(tmp_path: Path, login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setitem(__import__("proxied_recording").PLAIN, name, value)
    client = tmp_path / "client.py"
    client.write_text(CLIENT)
    done = record(
        tmp_path,
        f"{sys.executable} {client} http://{login}\n",
        "--proxy",
        "--secret",
        "TOLD",
        "--secret",
        "IN_URL",
    )
    assert done.returncode == 0, done.stderr
    with open_trace(tmp_path / "a.reenact") as trace:
        events = list(trace.events)
        [first, second] = [event for event in events if isinstance(event, FlowRequested)]
        answers = [event for event in events if isinstance(event, FlowAnswered)]
        everything = repr(events).encode() + b"".join(
            trace.blob(body.blob) for a in answers for body in (a.request, a.response) if body.blob
        )
        token = json.loads(gzip.decompress(trace.blob(answers[0].response.blob or "")))["access_token"]
        assert f"access_token={token}" in second.url
        assert ("Authorization", f"Bearer {BEARER}") not in first.headers
        assert trace.verify().ok
    (tmp_path / "only").mkdir()
    (tmp_path / "a.reenact").rename(tmp_path / "only" / "a.reenact")
    assert left(tmp_path / "only", SECRETS) == []
    assert not [secret for secret in SECRETS if secret.encode() in everything]
    [vault] = (tmp_path / "traces" / ".vaults").iterdir()
    assert stat.S_IMODE(vault.stat().st_mode) == 0o600
    assert VaultFile.open(vault).load().placeholder(TOKEN.encode()) == token.encode()


def test_a_secret_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = record(tmp_path, "", "--proxy", "--secret", "NO_SUCH_NAME")
    assert done.returncode == 2
    assert "NO_SUCH_NAME" in done.stderr
    done = record(tmp_path, "", "--secret", "PATH", "--no-redact")
    assert done.returncode == 2
    assert "--no-redact" in done.stderr


SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_redacted_session_replays(tmp_path: Path, login: str) -> None:
    """A token that a program takes from an answer is the placeholder in the answer and in the next request alike."""
    sys.path.insert(0, str(SAMPLES))
    from scenario import Session, perform, set_stage

    from replay.sandbox.support import probe

    reenact = shutil.which("reenact", path=str(Path(sys.executable).parent))
    if reenact is None or not probe().ok:
        pytest.skip("needs the command reenact, and a sandbox")
    ask = f"T=$(curl -s -X POST -d x=1 --compressed http://{login}/login | cut -d '\"' -f 4)"
    again = f'curl -s -b "session=$T" -o /dev/null "http://{login}/next?access_token=$T"'

    def play(e: Any) -> None:
        e.run(ask)
        e.run('echo "it is $T, or $(printf %s "$T" | base64)"')  # no rule would know it: the proxy has told
        e.run(again)

    session = Session(name="login", summary="Logs in.", play=play)
    place = set_stage(session, tmp_path / "s")
    trace, env = tmp_path / "a.reenact", {"REENACT_TRACES": str(tmp_path / "traces")}
    done = perform(
        session,
        place,
        [reenact, "record", "--proxy", "--out", str(trace), "--"],
        extra_env=env,
        patience=20.0,
    )
    assert done.exit == 0, done.screen
    said = subprocess.run(
        [reenact, "replay", "--json", str(trace)], capture_output=True, env={**os.environ, **env}, check=False
    )
    steps = json.loads(said.stdout)["steps"]
    verdicts = {step["text"]: step["verdict"] for step in steps}
    assert all(verdict in ("exact", "equivalent") for verdict in verdicts.values()), json.dumps(
        steps, indent=1
    )
    with open_trace(trace) as opened:
        assert len([event for event in opened.events if isinstance(event, FlowRequested)]) == 2
    (tmp_path / "only").mkdir()
    trace.rename(tmp_path / "only" / "a.reenact")
    assert left(tmp_path / "only", [TOKEN, SESSION]) == []


def test_a_secret_found_later_is_replaced_in_a_field_that_was_clean(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    VaultFile.create(vault).close()
    redactor = NetworkRedactor(vault)
    secret = "Zk93jfHw8Qx71LmP"
    fields = [("X-Trace", f"run {secret}"), ("Accept", "*/*")]
    assert redactor.headers(fields) == redactor.headers(fields) == fields
    told = redactor.headers([*fields, ("X-Api-Key", secret), ("Accept", "*/*")])
    assert secret not in str(told)
    assert [name for name, _ in told] == ["X-Trace", "Accept", "X-Api-Key", "Accept"]
    assert secret not in str(redactor.headers(fields))
    assert redactor.headers([("Accept", "*/*"), *fields])[0] == ("Accept", "*/*")


def test_a_secret_found_later_is_replaced_in_a_url_that_was_clean(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    VaultFile.create(vault).close()
    redactor = NetworkRedactor(vault)
    secret = "Zk93jfHw8Qx71LmP"
    url = f"http://a.example/{secret}"
    assert redactor.url(url) == redactor.url(url) == url
    assert redactor.text(secret) == secret
    body = redactor.body_filter("application/json", "")
    body.feed(b'{"api_key": "%s"}' % secret.encode())
    assert secret.encode() not in body.end()
    assert secret not in redactor.text(secret) + redactor.url(url)
