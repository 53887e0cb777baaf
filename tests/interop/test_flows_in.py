"""mitmproxy's flow dumps as traces: every version that its library reads, and hostile ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interop_trace import Done, corpus

from recorder.imports.exchange import Exchange, ImportRejected
from recorder.trace.events import FlowAnswered, FlowClosed, FlowMessage, FlowRequested, unescape_path
from recorder.trace.reader import open_trace

mitmproxy_io = pytest.importorskip("mitmproxy.io", reason="mitmproxy is not installed (extra `proxy`)")

from mitmproxy.test import tflow, tutils  # noqa: E402 - only where it is there

from recorder.imports.flows import FlowsReader  # noqa: E402

Run = Callable[..., Done]


def dump(*flows: Any) -> bytes:
    file = io.BytesIO()
    writer = mitmproxy_io.FlowWriter(file)
    for flow in flows:
        writer.add(flow)
    return file.getvalue()


def read(data: bytes) -> tuple[list[Exchange], FlowsReader]:
    reader = FlowsReader(io.BytesIO(data), "test.mitm")
    return list(reader.exchanges()), reader


def test_a_flow_as_it_was() -> None:
    flow = tflow.tflow(resp=True)
    flow.request.method, flow.request.content = "PUT", b"\xffsent"
    flow.response.headers.fields = ((b"X", b"1"), (b"x", b"caf\xe9"))
    flow.response.raw_content, flow.response.trailers = b"\x00got", tutils.tresp().headers
    (found,), _ = read(dump(flow))
    assert (found.method, found.content.data, found.answer.content.data) == ("PUT", b"\xffsent", b"\x00got")
    assert found.answer.headers == [(b"X", b"1"), (b"x", b"caf\xe9")]
    assert found.answer.trailers
    assert (found.start, found.first_byte) == (946681200 * 10**9, 2 * 10**9)
    assert found.answer.server == "192.168.0.1"


def test_what_is_not_there_is_told() -> None:
    streamed, failed, upgraded = tflow.tflow(resp=True), tflow.tflow(err=True), tflow.twebsocketflow()
    streamed.response.raw_content = None
    found, reader = read(dump(streamed, failed, tflow.ttcpflow(), tflow.tdnsflow(), upgraded))
    assert found[0].answer.content.data is None
    assert found[0].answer.content.skipped
    assert (found[1].answer.status, found[1].answer.error) == (None, "error")
    assert next((m.sent, m.text, m.data) for m in found[2].messages) == (True, False, b"hello binary")
    assert found[2].closing is not None
    assert {what.split()[0] for what in reader.findings.left_out} == {"tcp", "dns"}


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"999999999999:x", b"12345678901234:", b"4:true!", b"2:[]}", b'{"log": {}}', b"3:1:a}" * 3,
     b"1" * 5000, b"20:" + b"0:]" * 9, dump(tflow.tflow())[:-5]],
)  # fmt: skip
def test_what_is_no_dump_is_refused(data: bytes, reenact: Run, tmp_path: Path) -> None:
    (tmp_path / "x.mitm").write_bytes(data)
    done = reenact("import", "flows", tmp_path / "x.mitm", "-o", tmp_path / "x.reenact")
    assert done.code == 3, done.err
    assert not (tmp_path / "x.reenact").exists()


def test_what_comes_before_damage_is_kept_and_the_rest_is_a_gap(reenact: Run, tmp_path: Path) -> None:
    whole = dump(tflow.tflow(resp=True), tflow.tflow(resp=True))
    (tmp_path / "x.mitm").write_bytes(whole[:-100])
    done = reenact("import", "flows", tmp_path / "x.mitm", "-o", tmp_path / "x.reenact")
    assert (done.code, "damaged" in done.err) == (0, True)
    with open_trace(tmp_path / "x.reenact") as trace:
        assert trace.manifest.completeness.state == "incomplete"
        assert trace.manifest.counts.kinds["flow.requested"] == 1


def test_any_byte_may_be_wrong() -> None:
    whole = dump(tflow.tflow(resp=True), tflow.twebsocketflow())
    for at in range(0, len(whole), 23):
        for changed in (whole[:at] + b"\xff" + whole[at + 1 :], whole[:at] + whole[at + 1 :]):
            try:
                for found in read(changed)[0]:
                    assert found.total >= 0
            except ImportRejected:
                pass


def test_every_version_in_the_corpus(reenact: Run, tmp_path: Path) -> None:
    folder = corpus("mitm")
    seen = 0
    with (folder / "VALIDITY.tsv").open(newline="") as table:
        for kind, name, validity, detail in csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if kind != "mitm":
                continue
            seen += 1
            assert validity == "ok"
            out = tmp_path / f"{name}.reenact"
            done = reenact("import", "flows", folder / "mitm" / name, "-o", out, "--no-redact", "--json")
            assert done.code == 0, (name, done.err)
            told = done.json
            assert told["requests"] + sum(told["left_out"].values()) == int(detail.split()[0])
            _same(folder / "mitm" / name, out)
            assert reenact("export", "har", out).code == 0
    assert seen >= 7


def _same(source: Path, trace: Path) -> None:
    """Status, headers, bodies, messages: as mitmproxy's own reader has them."""
    with source.open("rb") as file:
        flows = [flow for flow in mitmproxy_io.FlowReader(file).stream() if flow.type == "http"]
    with open_trace(trace) as opened:
        events = list(opened.events)
        requests = {event.flow: event for event in events if isinstance(event, FlowRequested)}
        answers = {event.flow: event for event in events if isinstance(event, FlowAnswered)}
        for number, flow in enumerate(flows, 1):
            asked, answered = requests[number], answers[number]
            assert (asked.method, asked.url) == (flow.request.method, flow.request.pretty_url)
            assert [(unescape_path(n), unescape_path(v)) for n, v in asked.headers] == list(
                flow.request.headers.fields
            )
            if flow.response is None:
                assert answered.status is None
                continue
            assert answered.status == flow.response.status_code
            assert [(unescape_path(n), unescape_path(v)) for n, v in answered.headers] == list(
                flow.response.headers.fields
            )
            content = flow.response.raw_content
            if content is None:
                assert answered.response.skipped
            elif content:
                assert answered.response.blob is not None
                assert opened.blob(answered.response.blob) == content
            said = [e for e in events if isinstance(e, FlowMessage) and e.flow == number]
            assert len(said) == (len(flow.websocket.messages) if flow.websocket else 0)
            assert any(isinstance(e, FlowClosed) and e.flow == number for e in events) == bool(
                flow.websocket and flow.websocket.timestamp_end
            )
