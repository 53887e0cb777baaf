"""A trace as a server: recorded by us or imported, it answers, and nothing else does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from interop_trace import Done, corpus
from test_har_in import entry, har
from test_har_out import PAGE, everything

Run = Callable[..., Done]


class Server:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.told: dict[str, Any] = json.loads(process.stdout.readline())
        self.report: dict[str, Any] = {}

    def curl(self, *words: str) -> tuple[int, bytes]:
        """The status, and the body as it came."""
        line = ["curl", "-sS", "--max-time", "20", "--noproxy", "", "--proxy", self.told["proxy"]]
        line += ["--cacert", self.told["trust"], "-w", "\n%{http_code}", *words]
        done = subprocess.run(line, capture_output=True, check=False, env={"PATH": os.environ["PATH"]})
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body


@contextmanager
def serving(trace: Path, *words: str, end: int = signal.SIGINT) -> Iterator[Server]:
    command = [
        sys.executable,
        "-c",
        "from recorder.cli import main; main()",
        "serve",
        str(trace),
        "--json",
        *words,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        server = Server(process)
        yield server
        process.send_signal(end)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        server.report = json.loads(out)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_a_recording_answers(sealed: Callable[[Any], Path]) -> None:
    with serving(sealed(everything())) as server:
        assert server.curl("--compressed", "https://a.example/?q=a%20b&q=")[1].decode() == PAGE
        assert server.curl("-d", "user=a+b&pass=%C3%BC", "https://a.example/login") == (200, b'{"ok":1}')
        status, body = server.curl("https://a.example/nowhere")
        assert (status, b"no recorded answer" in body) == (502, True)
    assert server.report["counts"] == {"exact": 2, "refused": 1}
    assert not Path(server.told["trust"]).exists()


def test_an_import_answers_and_says_what_it_lacks(reenact: Run, tmp_path: Path) -> None:
    source, out, trust = tmp_path / "page.har", tmp_path / "page.reenact", tmp_path / "trust.pem"
    counter = [entry("https://b.example/count", content={"size": 1, "text": str(n)}) for n in (1, 2, 3)]
    packed = {"Content-Encoding": "br", "Content-Type": "text/plain", "Content-Length": "9999"}
    source.write_bytes(
        har(
            *counter,
            entry("https://b.example/packed", content={"size": 5, "text": "hello"}, answered=packed),
            entry("https://b.example/lost", content={"size": 12345}),
            entry("https://b.example/old", status=302, answered={"Location": "https://b.example/packed"}),
            entry("https://b.example/blocked", status=0, response={"_error": "net::ERR_FAILED"}),
        )
    )
    assert reenact("import", "har", source, "-o", out).code == 0
    with serving(out, "--trust", str(trust), end=signal.SIGTERM) as server:
        assert [server.curl("https://b.example/count")[1] for _ in range(3)] == [b"1", b"2", b"3"]
        assert server.curl("--compressed", "-L", "https://b.example/old") == (200, b"hello")
        status, body = server.curl("https://b.example/lost")
        assert (status, b"was not kept: the HAR does not hold it" in body) == (502, True)
        assert server.curl("https://b.example/blocked")[0] == 0
    assert server.told["requests"] == 7
    assert trust.exists()


def test_a_websocket_that_chrome_recorded_is_played(reenact: Run, tmp_path: Path) -> None:
    """Chrome's HAR has its messages, and often no head of the answer."""
    wsproto = pytest.importorskip("wsproto", reason="wsproto is not installed (extra `proxy`)")
    said = [("send", 1, "hi"), ("receive", 1, "HI"), ("send", 2, "AP8="), ("receive", 2, "/wA=")]
    messages = [
        {"type": kind, "opcode": opcode, "data": data, "time": 1_704_067_200 + number}
        for number, (kind, opcode, data) in enumerate(said)
    ]
    source, out = tmp_path / "ws.har", tmp_path / "ws.reenact"
    found = entry("ws://c.example/ws", status=101, content={"size": 0, "mimeType": "x-unknown"})
    source.write_bytes(har({**found, "_resourceType": "websocket", "_webSocketMessages": messages}))
    assert reenact("import", "har", source, "-o", out).code == 0
    with serving(out) as server:
        port = int(server.told["proxy"].rpartition(":")[2])
        ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as stream:
            stream.sendall(b"CONNECT c.example:80 HTTP/1.1\r\nHost: c.example:80\r\n\r\n")
            assert b" 200 " in stream.recv(4096)
            stream.sendall(ws.send(wsproto.events.Request(host="c.example", target="/ws")))

            def next_event() -> Any:
                while (event := next(ws.events(), None)) is None:
                    ws.receive_data(stream.recv(65536) or None)
                return event

            assert isinstance(next_event(), wsproto.events.AcceptConnection)
            stream.sendall(ws.send(wsproto.events.TextMessage(data="hi")))
            assert next_event().data == "HI"
            stream.sendall(ws.send(wsproto.events.BytesMessage(data=b"\x00\xff")))
            assert bytes(next_event().data) == b"\xff\x00"
    assert server.report["counts"] == {"exact": 1}


def test_nothing_to_answer_from(reenact: Run, sealed: Callable[[Any], Path]) -> None:
    from tape import Tape

    tape = Tape()
    tape.command(1)
    done = reenact("serve", sealed(tape))
    assert (done.code, "recorded no network" in done.err) == (2, True)


def test_no_file_of_another_kind_is_written_over(
    reenact: Run, sealed: Callable[[Any], Path], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("precious")
    done = reenact("serve", sealed(everything()), "--trust", tmp_path / "mine")
    assert (done.code, (tmp_path / "mine").read_text()) == (2, "precious")


@pytest.mark.slow
def test_real_hars_answer_as_they_were_recorded(reenact: Run, tmp_path: Path) -> None:
    """Every GET of these files whose body is there, asked for by curl."""
    names = ("playwright-python__tests_assets_har-fulfill.har", "haralyzer__tests_data_multi_test_1.har",
             "mitmproxy__test_mitmproxy_data_har_files_charles.har")  # fmt: skip
    folder = corpus("har") / "har"
    asked = 0
    for name in names:
        out = tmp_path / f"{name}.reenact"
        assert reenact("import", "har", folder / name, "-o", out, "--no-redact").code == 0
        back = tmp_path / f"{name}.har"
        assert reenact("export", "har", out, "-o", back).code == 0
        log = json.loads(back.read_bytes())["log"]
        with serving(out) as server:
            for found in log["entries"]:
                content = found["response"]["content"]
                if found["request"]["method"] != "GET" or "text" not in content or "encoding" in content:
                    continue
                status, body = server.curl("--compressed", found["request"]["url"])
                assert (status, body.decode()) == (found["response"]["status"], content["text"]), name
                asked += 1
    assert asked >= 6
