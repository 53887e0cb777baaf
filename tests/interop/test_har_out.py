"""What a trace's network looks like as HAR: as browsers write it, and honest about what HAR has no word for."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import har_types
import pytest
import zstandard
from interop_trace import Done, seal_events
from tape import Tape

from recorder.trace.blobs import BlobStore
from recorder.trace.events import Body, Cause, FlowAnswered, FlowRequested
from replay.export import forms
from replay.export.har import EMBEDDED

Sealed = Callable[[Tape], Path]
Run = Callable[..., Done]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PAGE = "<p>grüße</p>\n" * 50


def everything() -> Tape:
    """A bit of all that a proxy tells."""
    tape = Tape()
    tape.command(1)
    page = tape.request(
        "GET", "https://a.example/?q=a%20b&q=", [("Cookie", "a=1; b=x=y"), ("Host", "a.example")]
    )
    packed = gzip.compress(PAGE.encode())
    headers = [
        ("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip"), ("X", "1"), ("x", "2"),
        ("Set-Cookie", "s=v=1; Path=/; HttpOnly; Secure; SameSite=Lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
        ("Set-Cookie", "t=2"),
    ]  # fmt: skip
    tape.answer(page, 200, packed, headers, trailers=[("Checksum", "abc")])
    tape.get("https://a.example/i.png", PNG, headers=[("Content-Type", "image/png")])
    tape.get("http://a.example/old", b"moved", status=302, reason="Found", headers=[("Location", "/new")])
    tape.command(2)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    tape.post("https://a.example/login", b"user=a+b&pass=%C3%BC", b'{"ok":1}', headers=form)
    late = {"request_trailers": [("Sum", "7")], "interim": [102, 103]}
    binary = [("Content-Type", "application/octet-stream")]
    tape.post("https://a.example/upload", b"\xff\x00", b"", headers=binary, **late)
    refused = tape.request("GET", "http://dead.example/")
    tape.answer(refused, None, error="connection refused")
    tape.request("GET", "http://late.example/")
    tape.get("http://a.example/cut", b"half", partial=True, error="the server went away")
    tape.get("http://a.example/slow", b"abc", pace=[(1, 1), (60_000_000, 2)])
    damaged = [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")]
    tape.get("http://a.example/damaged", b"\x1f\x8bnot gzip", headers=damaged)
    socket = tape.request(
        "GET", "https://a.example/ws", [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    )
    upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "x")]
    tape.answer(socket, 101, reason="Switching Protocols", headers=upgrade)
    tape.message(socket, b"hi", sent=True)
    tape.message(socket, b"\x00\xff", sent=False, text=False)
    tape.closed(socket, 1000, sent=True, reason="bye")
    tape.connection("pinned.example:443", "passed")
    return tape


def exported(reenact: Run, trace: Path, out: Path, *words: str) -> dict[str, Any]:
    done = reenact("export", "har", trace, "-o", out, *words)
    assert done.code == 0, done.err
    har_types.check(out.read_bytes())
    log: dict[str, Any] = json.loads(out.read_bytes())["log"]
    return log


@pytest.fixture
def log(reenact: Run, sealed: Sealed, tmp_path: Path) -> dict[str, Any]:
    return exported(reenact, sealed(everything()), tmp_path / "out.har")


def entry(log: dict[str, Any], url: str) -> dict[str, Any]:
    (found,) = [e for e in log["entries"] if e["request"]["url"].endswith(url)]
    return dict(found)


def test_a_page_is_as_a_browser_shows_it(log: dict[str, Any]) -> None:
    found = entry(log, "/?q=a%20b&q=")
    request, response = found["request"], found["response"]
    assert request["queryString"] == [{"name": "q", "value": "a b"}, {"name": "q", "value": ""}]
    assert request["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "x=y"}]
    assert [h["name"] for h in response["headers"]][2:4] == ["X", "x"]
    content, packed = response["content"], response["bodySize"]
    assert content["text"] == PAGE
    assert "encoding" not in content
    assert content["size"] == len(PAGE.encode())
    assert content["compression"] == content["size"] - packed
    assert packed == len(gzip.compress(PAGE.encode()))
    first, second = response["cookies"]
    assert first == {
        "name": "s", "value": "v=1", "path": "/", "httpOnly": True, "secure": True, "sameSite": "Lax",
        "expires": "2026-10-21T07:28:00+00:00",
    }  # fmt: skip
    assert second["name"] == "t"
    assert response["_trailers"] == [{"name": "Checksum", "value": "abc"}]
    assert found["_resourceType"] == "document"
    assert found["startedDateTime"] == "2023-11-14T22:13:22.000000Z"
    assert found["time"] == 1000
    head = b"GET /?q=a%20b&q= HTTP/1.1\r\nCookie: a=1; b=x=y\r\nHost: a.example\r\n\r\n"
    assert request["headersSize"] == len(head)


def test_steps_are_pages_and_causes_stand_in_fields_of_ours(log: dict[str, Any]) -> None:
    assert [(page["id"], page["title"]) for page in log["pages"]] == [
        ("step_1", "command 1"),
        ("step_2", "command 2"),
    ]
    found = entry(log, "/login")
    assert found["pageref"] == "step_2"
    assert found["_reenact"]["cause"] == {"command": 2, "how": "cgroup", "process": "curl"}
    assert found["_reenact"]["step"] == 2
    assert (found["connection"], found["_connectionId"]) == ("443", "4")


def test_what_is_not_text_is_base64(log: dict[str, Any]) -> None:
    content = entry(log, "/i.png")["response"]["content"]
    assert (content["encoding"], base64.b64decode(content["text"])) == ("base64", PNG)
    assert "compression" not in content
    damaged = entry(log, "/damaged")["response"]["content"]
    assert base64.b64decode(damaged["text"]) == b"\x1f\x8bnot gzip"
    assert damaged["_codingKept"] is True


def test_what_was_sent(log: dict[str, Any]) -> None:
    login = entry(log, "/login")["request"]["postData"]
    assert login == {
        "mimeType": "application/x-www-form-urlencoded",
        "text": "user=a+b&pass=%C3%BC",
        "params": [{"name": "user", "value": "a b"}, {"name": "pass", "value": "ü"}],
    }
    upload = entry(log, "/upload")["request"]
    assert upload["_trailers"] == [{"name": "Sum", "value": "7"}]
    assert entry(log, "/upload")["_reenact"]["interim"] == [102, 103]
    assert (upload["postData"]["encoding"], upload["bodySize"]) == ("base64", 2)
    assert "postData" not in entry(log, "/i.png")["request"]


def test_redirects_and_failures(log: dict[str, Any]) -> None:
    assert entry(log, "/old")["response"]["redirectURL"] == "/new"
    refused = entry(log, "dead.example/")["response"]
    assert (refused["status"], refused["_error"]) == (0, "connection refused")
    late = entry(log, "late.example/")["response"]
    assert (late["status"], late["_error"]) == (0, "no answer was recorded")
    assert entry(log, "/cut")["_reenact"]["partial"] is True


def test_messages_are_as_chrome_writes_them(log: dict[str, Any]) -> None:
    found = entry(log, "/ws")
    assert found["request"]["url"] == "wss://a.example/ws"
    assert found["_resourceType"] == "websocket"
    said = [(m["type"], m["opcode"], m["data"]) for m in found["_webSocketMessages"]]
    assert said == [("send", 1, "hi"), ("receive", 2, base64.b64encode(b"\x00\xff").decode())]
    assert found["_webSocketMessages"][0]["time"] > 1_700_000_000
    assert found["_reenact"]["closed"] == {"sent": True, "code": 1000, "reason": "bye"}


def test_losses_are_told_in_the_har_and_to_whoever_asked(
    reenact: Run, sealed: Sealed, tmp_path: Path
) -> None:
    trace, out = sealed(everything()), tmp_path / "out.har"
    told = reenact("export", "har", trace, "-o", out, "--json").json
    losses = {loss["what"]: loss for loss in told["losses"]}
    assert told["entries"] == 11
    for word in (
        "trailers", "trailers of a request", "interim",
        "each piece of a body", "before it was complete", "closed", "passed on unseen", "content coding",
        "base64", "no answer",
    ):  # fmt: skip
        assert any(word in what for what in losses), word
    assert losses["trailers: only in response._trailers"]["at"] == [1]
    assert json.loads(out.read_bytes())["log"]["_reenact"]["losses"] == told["losses"]
    assert (out.stat().st_mode & 0o777) == 0o600


def test_a_body_that_was_not_kept_is_told_and_not_empty(reenact: Run, sealed: Sealed, tmp_path: Path) -> None:
    tape = Tape()
    flow = tape.request("GET", "http://a.example/secret")
    event = FlowAnswered(
        t=tape.now, source="proxy", flow=flow, status=200, reason="OK", version="1.1", headers=[], trailers=[],
        request=Body(size=0), response=Body(size=77, skipped="it was too secret"), first_byte=1, pace=[], error=None,
        server="192.0.2.1",
    )  # fmt: skip
    tape.events.append(event)
    (found,) = exported(reenact, sealed(tape), tmp_path / "out.har")["entries"]
    content = found["response"]["content"]
    assert (content["size"], content["comment"]) == (77, "not kept: it was too secret")
    assert "text" not in content
    assert found["serverIPAddress"] == "192.0.2.1"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, br"])
def test_codings_are_undone(reenact: Run, sealed: Sealed, tmp_path: Path, coding: str) -> None:
    import zlib

    plain = b'{"a":1}' * 100
    packers: dict[str, Callable[[bytes], bytes]] = {
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
        "deflate": zlib.compress,
        "gzip": gzip.compress,
    }
    packed = plain
    for name in coding.split(", "):
        packed = packers[name](packed)
    tape = Tape()
    headers = [("Content-Type", "application/json"), ("Content-Encoding", coding)]
    tape.get("http://a.example/", packed, headers=headers)
    (found,) = exported(reenact, sealed(tape), tmp_path / "out.har")["entries"]
    assert found["response"]["content"]["text"] == plain.decode()
    assert found["response"]["bodySize"] == len(packed)


def test_large_bodies_are_attached_or_told(reenact: Run, sealed: Sealed, tmp_path: Path) -> None:
    large, packed = b"0123456789abcdef" * (EMBEDDED // 16) + b"!", gzip.compress(PNG)
    tape = Tape()
    tape.get("http://a.example/large", large)
    coded = [("Content-Type", "image/png"), ("Content-Encoding", "gzip")]
    tape.get("http://a.example/i.png", packed, headers=coded)
    tape.get("http://a.example/again.png", packed, headers=coded)
    tape.post("http://a.example/", b"sent", b"")
    trace = sealed(tape)
    done = reenact("export", "har", trace, "-o", tmp_path / "out.har", "--json").json
    assert any("--attach" in loss["what"] for loss in done["losses"])
    done = reenact("export", "har", trace, "-o", tmp_path / "out.zip", "--attach", "--json").json
    assert done["losses"] == []
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        har = json.loads(archive.read("har.har"))
        har_types.check(archive.read("har.har"))
        one, two, three, four = har["log"]["entries"]
        assert archive.read(one["response"]["content"]["_file"]) == large
        assert archive.read(two["response"]["content"]["_file"]) == PNG
        assert two["response"]["content"]["_file"] == three["response"]["content"]["_file"]
        assert archive.read(four["request"]["postData"]["_file"]) == b"sent"
    assert len(names) == len(set(names)) == 4


MEASURE = """
import re, sys
from recorder.cli import cli
cli.main(["export", "har", sys.argv[1], "-o", sys.argv[2], "--attach"], prog_name="reenact", standalone_mode=False)
print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
def test_a_large_body_needs_little_memory(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    spool = store.spool()
    for number in range(256):
        spool.write(bytes((number,)) * (1 << 20))
    body = Body(size=spool.size, blob=spool.keep())
    cause = Cause(command=None, how="unknown", process="")
    asked = FlowRequested(
        t=1, source="proxy", flow=1, connection=1, method="GET", url="http://a.example/", version="1.1", headers=[],
        cause=cause,
    )  # fmt: skip
    answered = FlowAnswered(
        t=2, source="proxy", flow=1, status=200, reason="OK", version="1.1", headers=[], trailers=[],
        request=Body(size=0), response=body, first_byte=1, pace=[], error=None,
    )  # fmt: skip
    seal_events([asked, answered], tmp_path / "large.reenact", tmp_path / "blobs")
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.reenact"), str(tmp_path / "large.zip")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert int(done.stdout.split("peak ")[1]) < 80 << 10
    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        assert {info.file_size for info in archive.infolist()} > {256 << 20}


def test_the_command_line(reenact: Run, sealed: Sealed, tmp_path: Path) -> None:
    trace, out = sealed(everything()), tmp_path / "out.har"
    assert har_types.check(reenact("export", "har", trace).out.encode()).version == "1.2"
    assert reenact("export", "har", trace, "--json").code == 2
    assert reenact("export", "har", trace, "-o", out).code == 0
    again = reenact("export", "har", trace, "-o", out)
    assert (again.code, "--overwrite" in again.err) == (2, True)
    assert reenact("export", "har", trace, "-o", out, "--overwrite").code == 0
    assert reenact("export", "har", trace, "-o", tmp_path / "no" / "x.har").code == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    assert reenact("export", "har", trace, "-o", "/dev/null", "--overwrite").code == 0
    assert Path("/dev/null").is_char_device()


def test_header_bytes_outside_utf8(reenact: Run, sealed: Sealed, tmp_path: Path) -> None:
    tape = Tape()
    tape.get("http://a.example/", headers=[("X", "caf\\xe9"), ("Y", "a\\\\b"), ("Z", "ü")])
    (found,) = exported(reenact, sealed(tape), tmp_path / "out.har")["entries"]
    assert [h["value"] for h in found["response"]["headers"]] == ["café", "a\\b", "ü"]


def test_fields_of_a_multipart_form() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\n'
        b"data\r\n--x--\r\n"
    )
    assert forms.params("multipart/form-data; boundary=x", body) == [
        {"name": "a", "value": "1\r\n2"},
        {"name": "f", "fileName": "n.txt", "contentType": "text/plain"},
    ]
    assert forms.params("multipart/form-data", b"nothing of the kind") == []
    assert forms.params("application/json", b"a=1") == []
