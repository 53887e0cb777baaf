"""HARs of other tools as traces: read leniently, mended openly, hostile ones within bounds, and the way back."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import har_types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interop_trace import Done, corpus
from test_har_out import everything

from recorder.imports.exchange import Exchange, ImportRejected
from recorder.imports.har import HarReader
from recorder.trace.events import FlowAnswered, FlowClosed, FlowMessage, FlowRequested, SecretReplaced
from recorder.trace.folders import trace_folder
from recorder.trace.reader import open_trace

Run = Callable[..., Done]


def har(*entries: dict[str, Any], **log: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries), **log}}).encode()


def entry(url: str = "http://a.example/", **parts: Any) -> dict[str, Any]:
    """An entry that has all that it needs; `content`, `post` and `status` stand for the depths they are in."""
    response = {
        "status": parts.pop("status", 200), "statusText": "OK", "httpVersion": "HTTP/1.1",
        "headers": pairs(parts.pop("answered", {})), "content": parts.pop("content", {"size": 0}),
        "redirectURL": "", "bodySize": -1, **parts.pop("response", {}),
    }  # fmt: skip
    request = {"method": parts.pop("method", "GET"), "url": url, "headers": pairs(parts.pop("headers", {}))}
    if "post" in parts:
        request["postData"] = parts.pop("post")
    return {
        "startedDateTime": "2024-01-01T00:00:00Z", "time": 5, "request": request, "response": response,
        "timings": {"send": 1, "wait": 2, "receive": 2}, **parts,
    }  # fmt: skip


def pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def read(data: bytes, **files: bytes) -> tuple[list[Exchange], HarReader]:
    reader = HarReader(data, "test.har", files.get)
    return list(reader.exchanges()), reader


def one(*args: Any, **parts: Any) -> Exchange:
    (found,), _ = read(har(entry(*args, **parts)))
    return found


# -- what becomes of one entry -------------------------------------------------------------------------


def test_an_entry_as_a_browser_writes_it() -> None:
    found = one(
        "https://a.example/x",
        content={"size": 5, "text": "grüß", "mimeType": "text/html"},
        answered={"Content-Type": "text/html"},
        connection="7",
        serverIPAddress="[2001:db8::1]",
    )
    assert (found.method, found.url, found.answer.status) == ("GET", "https://a.example/x", 200)
    assert found.answer.content.data == "grüß".encode()
    assert (found.total, found.first_byte, found.start) == (5_000_000, 3_000_000, 1_704_067_200 * 10**9)
    assert (found.connection, found.answer.server) == ("7", "2001:db8::1")


def test_a_missing_body_is_never_an_empty_one() -> None:
    lengths = {"Content-Length": "77"}
    for content, answered in (
        ({"size": 77}, {}),
        ({}, {}),
        ({"size": 0}, lengths),
        ({"size": 9, "text": ""}, {}),
    ):
        found = one(content=content, answered=answered).answer.content
        assert (found.data, found.skipped) == (None, "the HAR does not hold it"), content
    assert one(content={"size": 0}).answer.content.data == b""
    assert one(content={"size": 0, "text": ""}).answer.content.data == b""
    assert one(content={}, status=204).answer.content.data == b""
    assert one(content={"size": 9}, method="HEAD").answer.content.data == b""
    assert (
        one(content={"size": 0}, status=302, answered={"Location": "/", **lengths}).answer.content.data == b""
    )
    damaged = one(content={"size": 3, "text": "!!!", "encoding": "base64"}).answer.content
    assert (damaged.data, damaged.skipped) == (None, "its base64 is damaged")


def test_bodies_get_their_coding_and_their_charset_again() -> None:
    packed = one(content={"size": 2, "text": "hi"}, answered={"Content-Encoding": "gzip"}).answer.content.data
    assert packed is not None
    assert gzip.decompress(packed) == b"hi"
    latin = one(
        content={"size": 4, "text": "grün"}, answered={"Content-Type": "text/plain; charset=ISO-8859-1"}
    )
    assert latin.answer.content.data == "grün".encode("latin-1")
    unknown = one(content={"size": 2, "text": "hi"}, answered={"Content-Encoding": "lzma", "X": "1"}).answer
    assert (unknown.content.data, unknown.headers) == (b"hi", [(b"X", b"1")])
    kept = gzip.compress(b"x")
    tool = {"size": len(kept), "text": base64.b64encode(kept).decode(), "encoding": "base64"}
    as_sent = one(content=tool, answered={"Content-Encoding": "gzip"}, response={"bodySize": len(kept)})
    assert as_sent.answer.content.data == kept


def test_a_charset_can_be_no_trap() -> None:
    for name in ("idna", "punycode", "rot13", "unicode_escape", "../x"):
        found = one(
            content={"size": 2, "text": "hü"}, answered={"Content-Type": f"text/plain; charset={name}"}
        )
        assert found.answer.content.data == "hü".encode()


def test_what_was_sent() -> None:
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "ü"}]}
    assert one(method="POST", post=form).content.data == b"a+b=%C3%BC"
    both = {"mimeType": "text/plain", "text": "wins", "params": [{"name": "a", "value": "b"}]}
    assert one(method="POST", post=both).content.data == b"wins"
    parts = {"mimeType": "multipart/form-data", "params": [{"name": "a", "fileName": "x"}]}
    assert one(method="POST", post=parts).content.skipped == "the HAR holds only the fields of a form"
    binary = {"mimeType": "x/y", "text": base64.b64encode(b"\xff").decode(), "encoding": "base64"}
    assert one(method="POST", post=binary).content.data == b"\xff"


def test_headers_of_all_kinds() -> None:
    found = one(
        headers={":method": "GET", "Cookie": "a=1", "bad name": "x"}, answered={"set-cookie": "a=1\nb=2\r\n"}
    )
    assert found.headers == [(b"Cookie", b"a=1")]
    assert found.answer.headers == [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"set-cookie", b"")]


def test_versions_are_told_apart() -> None:
    told = {
        "HTTP/1.0": "1.0",
        "http/1.1": "1.1",
        "h2": "2",
        "HTTP/2.0": "2",
        "http/2+quic/46": "3",
        "h3-29": "3",
    }
    for text, version in {**told, "": "", "unknown": ""}.items():
        assert one(response={"httpVersion": text}).answer.version == version


def test_a_port_is_no_name_of_a_connection() -> None:
    url = "http://a.example:8080/"
    told = [{"connection": "443"}, {"connection": "8080"}, {"connection": "7"}, {"_connectionId": "443"}]
    assert [one(url, **parts).connection for parts in told] == [None, None, "7", "id 443"]


def test_failures_are_failures() -> None:
    blocked = one(status=0, response={"_error": "net::ERR_BLOCKED"}).answer
    assert (blocked.status, blocked.error) == (None, "net::ERR_BLOCKED")
    assert one(status=-1, response={"statusText": ""}).answer.error == "the HAR has no answer"
    (bare,), _ = read(har({"request": {"url": "http://a.example/"}}))
    assert (bare.answer.status, bare.method) == (None, "GET")


def test_what_is_no_request_on_the_network_is_passed_over() -> None:
    found, reader = read(
        har(
            entry("data:text/plain,x"),
            entry("chrome-extension://abc/x.js"),
            entry("/relative"),
            entry("https://a.example/", method="CONNECT"),
            entry(method="G E T"),
            {"request": 5},
            entry(),
        )
    )
    assert len(found) == 1
    assert sum(reader.findings.passed_over.values()) == 3
    assert sum(reader.findings.left_out.values()) == 3


def test_what_a_cache_answered_is_told() -> None:
    found, reader = read(har(entry(_fromCache="disk", content={"size": 1, "text": "x"})))
    assert found[0].answer.content.data == b"x"
    assert any("cache" in what for what in reader.findings.mended)


def test_odd_types_are_taken_for_what_they_mean() -> None:
    found, _ = read(
        har(
            entry(
                status="200", time="12.5", startedDateTime="2024-01-01T00:00:00", timings=None, connection=9,
                response={"headers": {"A": 1, "B": None}, "redirectURL": None}, content=None,
            )
        )
    )  # fmt: skip
    (one,) = found
    assert (one.answer.status, one.total, one.connection) == (200, 12_500_000, "9")
    assert one.answer.headers == [(b"A", b"1"), (b"B", b"")]


def test_times_that_are_none() -> None:
    for moment in (
        "yesterday",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        None,
        1e400,
        "1969-01-01T00:00:00Z",
    ):
        assert one(startedDateTime=moment if moment != 1e400 else "1e400").start is None
    assert one(time=-5).total == 5_000_000
    assert one(time=1e300).total == 5_000_000


# -- hostile files -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no HAR"),
        (b"[]", "no HAR"),
        (b'{"log":[2,1,3]}', "no HAR"),
        (b'{"log":{}}', "no entries"),
        (b'{"log":{"entries":{}}}', "no HAR"),
        (b'{"log":{"entries":[1]} } x', "no HAR"),
        (b'{"log":{"entries":[NaN]}}', "no HAR"),
        ('{"log":{"entries":[1]}}'.encode("utf-16"), "UTF-16"),
        (b'{"log":{"entries":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}}", "deeply"),
        (b'{"log":{"entries":[' + b"1," * 100_001 + b"1]}}", "the most is"),
    ],
)
def test_what_is_no_har_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ImportRejected, match=why):
        HarReader(data, "test.har", lambda _: None)


def test_bytes_that_are_no_text_spoil_one_entry_only() -> None:
    data = har(entry("http://a.example/1"), entry("http://a.example/SPOIL"), entry("http://a.example/3"))
    for spoiled in (b"\xff", b"\\ud800", b"\xed\xa0\x80"):
        found, reader = read(data.replace(b"SPOIL", spoiled))
        assert len(found) == 3
        assert len(reader.findings.mended) == 1
        assert found[1].url.startswith("http://a.example/")
        found[1].url.encode()


def test_whole_characters_and_backslashes_stay() -> None:
    text = "\U0001f600 \\ud800 \\" + "\ud800"
    data = har(entry(content={"size": 9, "text": text}))
    assert b"\\ud83d\\ude00" in data
    found, _ = read(data)
    assert found[0].answer.content.data == text.replace("\ud800", "\ufffd").encode()


def test_a_byte_order_mark_is_no_matter() -> None:
    assert len(read(b"\xef\xbb\xbf" + har(entry()))[0]) == 1


def test_deep_entries_are_left_out() -> None:
    deep = json.dumps(entry()).replace('"time"', '"_initiator": ' + "[" * 300 + "]" * 300 + ', "time"')
    found, _ = read(b'{"log":{"version":"1.2","entries":[' + deep.encode() + b"]}}")
    assert len(found) == 1


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_in_an_entry_makes_it_fail(data: st.DataObject) -> None:
    made = entry(
        "http://a.example/?q=1", method="POST", post={"mimeType": "x", "text": "a", "params": []},
        content={"size": 3, "text": "abc", "encoding": "base64", "mimeType": "x/y"},
        answered={"Content-Type": "text/html", "Content-Encoding": "gzip"},
    )  # fmt: skip
    made["_webSocketMessages"] = [{"type": "send", "time": 1.5, "opcode": 1, "data": "x"}]
    made["_reenact"] = {"closed": {"sent": True, "code": 1000, "reason": "x"}}
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(made)
    for where, key in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique_by=str)):
        where[key] = data.draw(ANY)
    for found in read(har(made))[0]:
        assert found.url.encode()
        assert found.total >= 0
        assert found.content.data is not None or found.content.skipped


# -- files beside the HAR ------------------------------------------------------------------------------


def attached(name: str) -> dict[str, Any]:
    return entry(content={"size": 5, "mimeType": "text/plain", "_file": name})


def imported(reenact: Run, source: Path, out: Path, *words: str) -> dict[str, Any]:
    done = reenact("import", "har", source, "-o", out, "--json", *words)
    assert done.code == 0, done.err
    result: dict[str, Any] = done.json
    return result


def bodies(trace: Path) -> list[bytes | None]:
    with open_trace(trace) as opened:
        assert opened.verify().ok
        events = [event for event in opened.events if isinstance(event, FlowAnswered)]
        return [
            None
            if e.response.skipped is not None
            else opened.blob(e.response.blob)
            if e.response.blob
            else b""
            for e in sorted(events, key=lambda e: e.flow)
        ]


def test_attachments_of_an_archive_and_of_a_folder(reenact: Run, tmp_path: Path) -> None:
    name = hashlib.sha1(b"hello").hexdigest() + ".txt"
    archive = tmp_path / "play.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("har.har", har(attached(name), attached("missing.txt")))
        made.writestr(name, b"hello")
    result = imported(reenact, archive, tmp_path / "zip.reenact")
    assert bodies(tmp_path / "zip.reenact") == [b"hello", None]
    assert result["bodies_not_kept"] == 1
    (tmp_path / name).write_bytes(b"hello")
    (tmp_path / "plain.har").write_bytes(har(attached(name)))
    imported(reenact, tmp_path / "plain.har", tmp_path / "plain.reenact")
    assert bodies(tmp_path / "plain.reenact") == [b"hello"]


def test_a_har_reads_no_files_of_others(reenact: Run, tmp_path: Path) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_bytes(b"very secret")
    claimed = "0" * 40 + ".txt"
    (tmp_path / claimed).write_bytes(b"very secret")
    linked = hashlib.sha1(b"very secret").hexdigest()
    (tmp_path / linked).symlink_to(secret)
    (tmp_path / "evil.har").write_bytes(
        har(
            *map(attached, ("id_ed25519", "../id_ed25519", str(secret), claimed, linked, "/etc/passwd", "\0"))
        )
    )
    imported(reenact, tmp_path / "evil.har", tmp_path / "evil.reenact", "--no-redact")
    assert bodies(tmp_path / "evil.reenact") == [None] * 7


def test_archives_that_are_none(reenact: Run, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nothing")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as made:
        made.writestr("readme.txt", "x")
    (tmp_path / "c.har").write_bytes(b"")
    for name in ("a.zip", "b.zip", "c.har"):
        done = reenact("import", "har", tmp_path / name, "-o", tmp_path / "out.reenact")
        assert (done.code, (tmp_path / "out.reenact").exists()) == (3, False), name
    assert reenact("import", "har", tmp_path / "none.har", "-o", tmp_path / "out.reenact").code == 2
    assert reenact("import", "har", tmp_path, "-o", tmp_path / "out.reenact").code == 2


# -- the trace -----------------------------------------------------------------------------------------


def test_the_trace_says_where_it_is_from(reenact: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "page.har", tmp_path / "page.reenact"
    source.write_bytes(har(entry(), entry("/nowhere"), creator={"name": "Tool", "version": "7"}))
    imported(reenact, source, out)
    with open_trace(out) as trace:
        settings = trace.manifest.provenance.recorder.settings
        assert (settings["import"], settings["file"], settings["made_by"]) == ("har", "page.har", "Tool 7")
        assert settings["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert trace.manifest.completeness.state == "incomplete"
        assert "without an absolute URL" in trace.manifest.completeness.gaps[0].reason
        assert trace.manifest.seal is not None
        assert {event.source for event in trace.events} == {"import"}
    assert (out.stat().st_mode & 0o777) == 0o600
    for words in (("inspect",), ("show",), ("steps",)):
        assert reenact(*words, out).code == 0
    assert "imported" in reenact("show", out).out
    assert reenact("replay", out).code == 4
    again = reenact("import", "har", source, "-o", out)
    assert (again.code, "--overwrite" in again.err) == (2, True)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_secrets_become_placeholders(reenact: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, told = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8", "correct-horse-battery"
    monkeypatch.setenv("MY_SECRET", told)
    late = "Kq7wZp2rXv9tLm4s"
    source, out = tmp_path / "page.har", tmp_path / "page.reenact"
    source.write_bytes(
        har(
            entry("https://a.example/early", content={"size": 9, "text": f"told long before: {late}."}),
            entry(
                f"https://a.example/?access_token={token}",
                headers={"Authorization": f"Bearer {token}", "X-Api-Key": late},
                content={"size": 60, "text": json.dumps({"token": token, "word": told})},
                answered={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            ),
        )
    )
    imported(reenact, source, out, "--secret", "MY_SECRET")
    with open_trace(out) as trace:
        _, requested = (event for event in trace.events if isinstance(event, FlowRequested))
        listed = {event.placeholder for event in trace.events if isinstance(event, SecretReplaced)}
    early, packed = bodies(out)
    assert early is not None
    assert packed is not None
    body = gzip.decompress(packed)
    assert late.encode() not in early
    assert dict(requested.headers)["X-Api-Key"].encode() in early
    assert token not in str(requested)
    assert token.encode() not in body
    assert told.encode() not in body
    placeholder = dict(requested.headers)["Authorization"].removeprefix("Bearer ")
    assert placeholder in requested.url
    assert placeholder.encode() in listed
    assert json.loads(body)["token"] == placeholder
    assert list((trace_folder() / ".vaults").iterdir())
    imported(reenact, source, out, "--overwrite", "--no-redact")
    with open_trace(out) as trace:
        assert token in str(list(trace.events))
    both = reenact("import", "har", source, "-o", out, "--overwrite", "--no-redact", "--secret", "MY_SECRET")
    assert both.code == 2


def test_there_and_back(reenact: Run, sealed: Callable[[Any], Path], tmp_path: Path) -> None:
    """Our own export comes back as it was, also what stands in fields of ours."""
    trace, back = sealed(everything()), tmp_path / "back.reenact"
    for name, words in (("out.har", ()), ("out.zip", ("--attach",))):
        assert reenact("export", "har", trace, "-o", tmp_path / name, *words).code == 0
        imported(reenact, tmp_path / name, back, "--no-redact", "--overwrite")
        before, after = told(trace), told(back)
        assert len(before) == len(after) == 11
        for was, now in zip(before, after, strict=True):
            assert was == now
        with open_trace(back) as opened:
            messages = [event for event in opened.events if isinstance(event, FlowMessage)]
            closed = [event for event in opened.events if isinstance(event, FlowClosed)]
        assert [(m.sent, m.text, m.body.size) for m in messages] == [(True, True, 2), (False, False, 2)]
        assert [(c.sent, c.code, c.reason) for c in closed] == [(True, 1000, "bye")]


def told(trace: Path) -> list[tuple[object, ...]]:
    """Of each flow all that must survive."""
    with open_trace(trace) as opened:
        events = list(opened.events)

        def content(body: Any, headers: list[tuple[str, str]]) -> object:
            data = opened.blob(body.blob) if body.blob else b""
            coded = any(n.lower() == "content-encoding" for n, _ in headers) and data[:4] != b"\x1f\x8bno"
            return (gzip.decompress(data) if coded else data, body.skipped, body.partial)

        answers = {event.flow: event for event in events if isinstance(event, FlowAnswered)}
        found = []
        for asked in (event for event in events if isinstance(event, FlowRequested)):
            a = answers.get(asked.flow)
            line = (asked.method, asked.url, asked.version, asked.headers)
            if a is None:
                found.append((*line, None, "no answer was recorded"))
            elif a.status is None:
                found.append((*line, None, a.error))
            else:
                sent, got = content(a.request, []), content(a.response, a.headers)
                late = (a.trailers, a.request_trailers, a.interim)
                found.append((*line, a.status, a.reason, a.headers, *late, sent, got, a.error))
        return found


# -- other people's files ------------------------------------------------------------------------------


def test_every_file_of_the_corpus_is_imported_or_refused_with_reason(reenact: Run, tmp_path: Path) -> None:
    folder = corpus("har")
    outcomes = {}
    with (folder / "VALIDITY.tsv").open(newline="") as table:
        for kind, name, validity, detail in csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if kind != "har":
                continue
            out = tmp_path / f"{name}.reenact"
            done = reenact("import", "har", folder / "har" / name, "-o", out, "--no-redact")
            outcomes[name] = done.code
            if validity == "ok":
                assert done.code == 0, (name, done.err)
            if done.code == 0:
                assert reenact("inspect", out).code == 0
                if validity == "ok":
                    assert f"{detail.split()[0]} requests" in done.out
                _same(
                    json.loads((folder / "har" / name).read_bytes().decode("utf-8-sig")),
                    reenact,
                    out,
                    tmp_path,
                )
            else:
                assert (done.code, validity) == (3, "BAD"), (name, done.err)
    refused = {name for name, code in outcomes.items() if code}
    assert refused == {
        "har-to-k6__example_page.har",  # has no entries
        "haralyzer__tests_data_missing_page.har",  # its request is not where it belongs
        "mitmproxy__test_mitmproxy_data_corrupted_har_brokenfile.har",
        "node-har-validator__test_fixtures_har_invalid.json",
    }
    assert len(outcomes) > 30


def _same(before: dict[str, Any], reenact: Run, trace: Path, folder: Path) -> None:
    """Entries, status, headers and bodies of an original and of what comes out again."""
    out = folder / "again.har"
    assert reenact("export", "har", trace, "-o", out, "--overwrite").code == 0
    har_types.check(out.read_bytes())
    after = json.loads(out.read_bytes())["log"]["entries"]
    entries = sorted(before["log"]["entries"], key=lambda e: str(e.get("startedDateTime", "")))
    assert len(after) == len(entries)
    for was, now in zip(entries, after, strict=True):
        response = was.get("response") or {}
        assert now["request"]["method"] == was["request"].get("method", "GET")
        url = (
            was["request"]["url"].replace("https://", "wss://")
            if "_webSocketMessages" in now
            else was["request"]["url"]
        )
        assert now["request"]["url"].startswith(url)
        assert now["response"]["status"] == response.get("status", 0)
        for side in ("request", "response"):
            plain = [
                (h["name"], h["value"])
                for h in (was.get(side) or {}).get("headers", [])
                if h["name"][:1] != ":"
            ]
            assert [(h["name"], h["value"]) for h in now[side]["headers"]] == plain
        content = response.get("content") or {}
        if content.get("text") and response["status"] not in (204, 304):
            assert _bytes(now["response"]["content"]) == _bytes(content)
        elif "text" in now["response"]["content"]:
            assert not now["response"]["content"]["text"]
        text = (was["request"].get("postData") or {}).get("text")
        if text:
            assert now["request"]["postData"]["text"] == text
        assert [m["data"] for m in now.get("_webSocketMessages", [])] == [
            m["data"] for m in was.get("_webSocketMessages", [])
        ]


def _bytes(content: dict[str, Any]) -> bytes:
    text: str = content["text"]
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()


# -- a large file --------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
from recorder.cli import cli
resource.setrlimit(resource.RLIMIT_DATA, (160 << 20, 160 << 20))  # what is mapped from a file does not count
cli.main(["import", "har", sys.argv[1], "-o", sys.argv[2]], prog_name="reenact", standalone_mode=False)
"""


@pytest.mark.slow
def test_a_har_of_100_megabytes_needs_little_memory(tmp_path: Path) -> None:
    source = tmp_path / "large.har"
    text = base64.b64encode(bytes(range(256)) * 3000).decode()
    with source.open("wb") as file:
        file.write(b'{"log":{"version":"1.2","creator":{"name":"x","version":"1"},"entries":[')
        for number in range(110):
            made = entry(
                f"http://a.example/{number}", content={"size": 768_000, "text": text, "encoding": "base64"}
            )
            file.write((b"," if number else b"") + json.dumps(made).encode())
        file.write(b"]}}")
    assert source.stat().st_size > 100 << 20
    command = [sys.executable, "-c", LIMITED, str(source), str(tmp_path / "large.reenact")]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert len(bodies(tmp_path / "large.reenact")) == 110
