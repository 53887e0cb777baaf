"""What programs get through the proxy, and what it tells of it."""

from __future__ import annotations

import gzip
import os
import select
import socket
import subprocess
import sys
from typing import IO

import pytest
from proxied_origin import Origin
from proxied_recording import Recording

from recorder.trace.events import Connected, FlowAnswered, FlowRequested, NetworkStarted

pytestmark = pytest.mark.slow


def one(recording: Recording) -> tuple[FlowRequested, FlowAnswered, Connected]:
    [request], [answer] = recording.told(FlowRequested), recording.told(FlowAnswered)
    [connection] = recording.told(Connected)
    assert request.flow == answer.flow == 1
    assert request.connection == connection.n == 1
    return request, answer, connection


def test_a_plain_request(recording: Recording, origin: Origin) -> None:
    url = origin.url("/hello?a=1&b=%20")
    assert recording.curl("-H", "X-Case: KePt", url) == b"hello"
    request, answer, connection = one(recording)
    assert (request.method, request.url, request.version) == ("GET", url, "1.1")
    assert ("X-Case", "KePt") in request.headers
    assert request.cause.process == "curl"
    assert (answer.status, answer.reason, answer.version, answer.error) == (200, "Fine", "1.1", None)
    assert answer.headers == [("Content-Length", "5")]
    assert answer.request.size == 0
    assert recording.content(answer.response) == b"hello"
    assert answer.first_byte is not None
    assert connection.handling == "captured"
    assert connection.target == f"127.0.0.1:{origin.port}"
    assert connection.tls is None
    assert connection.alpn is None
    assert connection.t <= request.t <= answer.t <= connection.t + connection.duration
    [started] = recording.told(NetworkStarted)
    assert started.address == f"127.0.0.1:{recording.proxy.port}"
    assert started.engine.startswith("mitmproxy 12.")


def test_a_tunnelled_plain_request(recording: Recording, origin: Origin) -> None:
    assert recording.curl("-p", origin.url()) == b"hello"
    request, _, connection = one(recording)
    assert request.url == origin.url()
    assert connection.handling == "captured"


def test_tls_and_http_2(recording: Recording, secure_origin: Origin) -> None:
    assert recording.curl("--http2", secure_origin.url(), "-d", "up") == b"up"
    request, answer, connection = one(recording)
    assert (request.version, answer.version, connection.alpn) == ("2", "2", "h2")
    assert connection.tls == "TLSv1.3"
    assert connection.target == f"localhost:{secure_origin.port}"
    assert request.url == secure_origin.url()
    assert recording.content(answer.request) == recording.content(answer.response) == b"up"


def test_tls_and_http_1(recording: Recording, secure_origin: Origin) -> None:
    assert recording.curl("--http1.1", secure_origin.url()) == b"hello"
    request, _, connection = one(recording)
    assert (request.version, connection.alpn) == ("1.1", "http/1.1")


def test_http_2_that_nobody_negotiated(recording: Recording, origin: Origin) -> None:
    origin.h2c = True
    assert recording.curl("-p", "--http2-prior-knowledge", origin.url()) == b"hello"
    request, answer, _ = one(recording)
    assert (request.version, answer.version) == ("2", "2")


def test_chunked_and_compressed_bodies(recording: Recording, origin: Origin) -> None:
    assert recording.curl(origin.url("/chunked")) == b"abcdefg"
    assert recording.curl("--compressed", origin.url("/gzip")) == b"squeezed " * 100
    chunked, squeezed = recording.told(FlowAnswered)
    assert recording.content(chunked.response) == b"abcdefg"
    assert ("Transfer-Encoding", "chunked") in chunked.headers
    assert gzip.decompress(recording.content(squeezed.response)) == b"squeezed " * 100


def test_a_chunked_upload(recording: Recording, origin: Origin) -> None:
    body = os.urandom(300_000)
    assert recording.curl("-T", "-", origin.url(), data=body) == body
    _, answer, _ = one(recording)
    assert recording.content(answer.request) == recording.content(answer.response) == body


def test_trailers(recording: Recording, origin: Origin, secure_origin: Origin) -> None:
    client = (
        "import http.client, os, sys\n"
        "c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
        "c.request('GET', sys.argv[2])\n"
        "r = c.getresponse()\n"
        "print(r.read())\n"
        "c.request('GET', sys.argv[2])\n"
        "print(c.getresponse().read())\n"
    )
    done = recording.run(sys.executable, "-c", client, str(recording.proxy.port), origin.url("/trailers"))
    assert done.stdout == b"b'abc'\nb'abc'\n", done.stderr
    recording.curl("--http2", secure_origin.url("/trailers"))
    answers = recording.told(FlowAnswered)
    assert [answer.trailers for answer in answers] == [[("X-Sum", "42")]] * 2 + [[("x-sum", "42")]]
    assert all(not answer.response.partial for answer in answers)


def test_trailers_reach_the_program(recording: Recording, origin: Origin) -> None:
    with socket.create_connection(("127.0.0.1", recording.proxy.port)) as client:
        client.sendall(
            f"GET {origin.url('/trailers')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        data = b""
        while piece := client.recv(4096):
            data += piece
    assert data.endswith(b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")


def test_trailers_of_a_request(recording: Recording, origin: Origin) -> None:
    head = (
        f"POST {origin.url()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", recording.proxy.port)) as client:
        client.sendall(head.encode() + b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")
        while client.recv(4096):
            pass
    _, answer, _ = one(recording)
    assert (recording.content(answer.request), answer.request_trailers) == (b"abc", [("X-Sum", "42")])


def test_an_interim_response_is_not_the_answer_but_told(recording: Recording, origin: Origin) -> None:
    assert recording.curl(origin.url("/interim"), origin.url("/hello")) == b"okhello"
    first, second = recording.told(FlowAnswered)
    assert (first.status, first.interim) == (200, [103])
    assert (second.status, second.interim) == (200, [])
    assert first.server == "127.0.0.1"


def test_interim_responses_over_http2(recording: Recording, secure_origin: Origin) -> None:
    urls = [secure_origin.url(path) for path in ("/hello", "/interim", "/hello", "/interim")]
    assert recording.curl("--http2", "--parallel", "--parallel-max", "4", *urls) == b"hello" * 4
    asked = {event.flow: event.url.rpartition("/")[2] for event in recording.told(FlowRequested)}
    told = sorted((asked[event.flow], event.interim) for event in recording.told(FlowAnswered))
    assert told == [("hello", []), ("hello", []), ("interim", [103]), ("interim", [103])]


def _read_events(output: IO[bytes], origin: Origin) -> None:
    assert select.select([output], [], [], 40)[0]
    assert os.read(output.fileno(), 1000) == b"data: one\n\n"
    # So that there is something to tell of the pace.
    assert not select.select([output], [], [], 0.1)[0]
    origin.go_on.set()
    assert output.read() == b"data: two\n\n"


def test_server_sent_events_come_as_they_are_sent(recording: Recording, origin: Origin) -> None:
    client = subprocess.Popen(
        ["curl", "-sSN", "--max-time", "40", origin.url("/sse")], env=recording.inside, stdout=subprocess.PIPE
    )
    assert client.stdout is not None
    with client.stdout:
        _read_events(client.stdout, origin)
    client.wait()
    _, answer, _ = one(recording)
    assert recording.content(answer.response) == b"data: one\n\ndata: two\n\n"
    assert [size for _, size in answer.pace] == [11, 11]
    assert answer.pace[1][0] - answer.pace[0][0] > 90_000_000


@pytest.mark.parametrize(("path", "status"), [("/abort", 18), ("/abortchunked", 18)])
def test_an_aborted_response_stays_one(recording: Recording, origin: Origin, path: str, status: int) -> None:
    done = recording.run("curl", "-sS", "--max-time", "20", origin.url(path))
    assert done.returncode in (status, 56), done.stderr
    _, answer, _ = one(recording)
    assert answer.status == 200
    assert answer.response.partial
    assert answer.error
    assert done.stdout
    assert recording.content(answer.response).startswith(done.stdout)


def test_a_program_that_hangs_up(recording: Recording, origin: Origin) -> None:
    recording.proxy.engine()
    done = recording.run("curl", "-sS", "--max-time", "3", origin.url("/slow"))
    assert done.returncode == 28
    origin.go_on.set()
    _, answer, connection = one(recording)
    assert answer.status is None
    assert answer.error
    assert connection.handling == "captured"


def test_an_origin_that_is_not_there(recording: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    recording.run("curl", "-sS", f"http://127.0.0.1:{port}/")
    assert recording.run("curl", "-sS", f"https://127.0.0.1:{port}/").returncode != 0
    [answer] = recording.told(FlowAnswered)
    assert answer.status is None
    assert "Connect call failed" in (answer.error or "")
    _, tunnel = recording.told(Connected)
    assert tunnel.handling == "failed"
    assert "Connect call failed" in (tunnel.reason or "")


def test_what_is_neither_http_nor_tls_is_passed_on_unseen(recording: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", recording.proxy.port)) as client:
            client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            accepted, _ = server.accept()
            with accepted:
                assert b" 200 " in client.recv(1000)
                client.sendall(b"\x00\x01binary\xff")
                assert accepted.recv(100) == b"\x00\x01binary\xff"
                accepted.sendall(b"answer")
                assert client.recv(100) == b"answer"
    [connection] = recording.told(Connected)
    assert connection.handling == "passed"
    assert connection.reason == "neither HTTP nor TLS"
    assert (connection.sent, connection.received) == (9, 6)
    assert connection.target == f"127.0.0.1:{port}"
    assert not recording.told(FlowRequested)


def test_a_server_that_speaks_first_is_passed_on(recording: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", recording.proxy.port)) as client:
            client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            accepted, _ = server.accept()
            with accepted:
                assert b" 200 " in client.recv(1000)
                accepted.sendall(b"SSH-2.0-greeting\r\n")
                assert client.recv(100) == b"SSH-2.0-greeting\r\n"
    [connection] = recording.told(Connected)
    assert connection.handling == "passed"


def test_an_upgrade_to_something_else(recording: Recording, origin: Origin) -> None:
    with socket.create_connection(("127.0.0.1", recording.proxy.port)) as client:
        client.sendall(
            f"GET {origin.url('/pipe')} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: pipe\r\n\r\n".encode()
        )
        assert b" 101 " in client.recv(1000)
        client.sendall(b"abc\n")
        assert client.recv(100) == b"ABC\n"
    _, answer, _ = one(recording)
    assert answer.status == 101
    assert "pipe" in (answer.error or "")


def test_the_proxy_is_not_relayed_to_itself(recording: Recording) -> None:
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "127.1.2.3"):
        url = f"http://{host}:{recording.proxy.port}/"
        done = recording.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", url)
        assert done.stdout == b"502"
    assert {answer.status for answer in recording.told(FlowAnswered)} == {None}


def test_many_requests_at_once(recording: Recording, origin: Origin) -> None:
    urls = " ".join(origin.url(f"/hello?n={n}") for n in range(60))
    done = recording.run("sh", "-c", f"printf '%s\\n' {urls} | tr ' ' '\\n' | xargs -P 8 -n 5 curl -sS")
    assert done.stdout == b"hello" * 60, done.stderr
    assert {request.url[-4:] for request in recording.told(FlowRequested)} >= {"n=10", "n=59"}
    assert len(recording.told(FlowAnswered)) == 60
    assert {answer.status for answer in recording.told(FlowAnswered)} == {200}
