"""What comes back over the wire, asked for by real clients and by bare sockets."""

from __future__ import annotations

import gzip
import re
import socket
import subprocess
import time
from collections.abc import Callable

import msgspec
import pytest
from stage import Stage, everything
from tape import Tape

from recorder.trace.events import Body, FlowAnswered

Play = Callable[..., Stage]
OLD, NEW = "6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"


def tape_of(url: str, body: bytes = b"", **answer: object) -> Tape:
    tape = Tape()
    tape.command(1)
    tape.get(url, body, **answer)
    return tape


# -- the ways in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize(
    "url", ["http://a.example/x?y=1", "https://a.example/x?y=1", "https://a.example:8443/"]
)
def test_curl_gets_the_recorded_page(play: Play, url: str, proxy: bool) -> None:
    stage = play(tape_of(url, b"the page\n"))
    done = stage.curl(url, proxy=proxy)
    assert (done.stdout, done.stderr, done.returncode) == (b"the page\n", b"", 0)
    report = stage.stop()
    assert [one.how for one in report.served] == ["exact"]
    assert not report.unasked
    assert not report.refused


def test_a_tunnel_may_carry_plain_requests(play: Play) -> None:
    stage = play(tape_of("http://a.example/", b"plain"))
    assert stage.curl("http://a.example/", "--proxytunnel", proxy=True).stdout == b"plain"


def test_http2_is_spoken_only_to_who_had_it(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", "https://new.example/", version="2")
    tape.answer(flow, body=b"two", version="2", headers=[("content-type", "text/plain")])
    tape.get("https://old.example/", b"one")
    stage = play(tape)
    shown = "%{http_version} "
    assert stage.curl("-w", shown, "https://new.example/").stdout == b"two2 "
    assert stage.curl("-w", shown, "https://old.example/").stdout == b"one1.1 "


def test_http2_without_tls(play: Play) -> None:
    flow_tape = Tape()
    flow_tape.command(1)
    flow = flow_tape.request("GET", "http://a.example/", version="2")
    flow_tape.answer(flow, body=b"prior", version="2", headers=[])
    assert play(flow_tape).curl("--http2-prior-knowledge", "http://a.example/").stdout == b"prior"


def test_an_offer_of_http2_that_was_declined_is_declined(play: Play) -> None:
    done = play(tape_of("http://a.example/", b"one")).curl(
        "--http2", "-w", "%{http_version}", "http://a.example/"
    )
    assert done.stdout == b"one1.1"


def test_first_bytes_may_come_one_by_one(play: Play) -> None:
    stage = play(tape_of("http://a.example/", b"slow"))
    with stage.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n":
            client.sendall(bytes((byte,)))
        assert client.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
        for byte in b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n":
            client.sendall(bytes((byte,)))
        assert everything(client).endswith(b"\r\n\r\nslow")


@pytest.mark.parametrize("beginning", [b"", b"C", b"CONNECT a.example:80 HTTP/1.1\r\n", b"PRI * H"])
def test_who_leaves_in_the_middle_of_a_word_is_forgotten(play: Play, beginning: bytes) -> None:
    assert play(tape_of("http://a.example/")).say(beginning) == b""


@pytest.mark.parametrize(
    "noise", [b"\0\xff\x80rub\r\n\r\n", b"GET\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\0\x05hello"]
)
def test_what_is_no_http_ends(play: Play, noise: bytes) -> None:
    stage = play(tape_of("http://a.example/", b"still there"))
    stage.say(noise)
    assert stage.curl("http://a.example/").stdout == b"still there"


# -- the answer on the wire -------------------------------------------------------------------------


def test_headers_keep_their_order_and_case(play: Play) -> None:
    headers = [
        ("sErVeR", "X"),
        ("Set-Cookie", "a=1"),
        ("content-LENGTH", "2"),
        ("Set-Cookie", "b=2"),
        ("X-Raw", "\\xe9"),
    ]
    stage = play(tape_of("http://a.example/", b"ok", status=203, reason="Fine By Me", headers=headers))
    assert stage.say(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n") == (
        b"HTTP/1.1 203 Fine By Me\r\nsErVeR: X\r\nSet-Cookie: a=1\r\ncontent-LENGTH: 2\r\nSet-Cookie: b=2\r\n"
        b"X-Raw: \xe9\r\n\r\nok"
    )


def test_chunks_and_trailers_come_as_recorded(play: Play) -> None:
    headers = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]
    pace = [(10**8, 3), (2 * 10**8, 4)]
    stage = play(
        tape_of("http://a.example/", b"abcdefg", headers=headers, trailers=[("X-Sum", "7")], pace=pace)
    )
    said = stage.say(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert said.endswith(b"\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n")


def test_an_old_client_gets_no_chunks(play: Play) -> None:
    stage = play(tape_of("http://a.example/", b"abc", headers=[("Transfer-Encoding", "chunked")]))
    assert stage.say(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\nabc"


def test_a_body_that_ended_with_its_connection_does_so_again(play: Play) -> None:
    stage = play(tape_of("http://a.example/", b"abc", headers=[("X", "y")], version="1.0"))
    with stage.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert everything(client) == b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nabc"


@pytest.mark.parametrize("headers", [[("Content-Length", "100")], [("Transfer-Encoding", "chunked")]])
@pytest.mark.parametrize("url", ["http://a.example/", "https://a.example/"])
def test_a_body_cut_short_is_cut_short(play: Play, url: str, headers: list[tuple[str, str]]) -> None:
    done = play(tape_of(url, b"half", headers=headers, partial=True, error="server closed")).curl(url)
    assert done.stdout == b"half"
    assert done.returncode == 18  # transfer closed with bytes remaining


def test_a_body_that_the_client_gave_up_has_no_end(play: Play) -> None:
    tape = tape_of(
        "http://a.example/", b"data: 1\n\n", headers=[], partial=True, error="Client disconnected."
    )
    stage = play(tape)
    with stage.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        got = b""
        while not got.endswith(b"data: 1\n\n"):
            got += client.recv(1000)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)


@pytest.mark.parametrize("url", ["http://a.example/", "https://a.example/"], ids=["HTTP/1.1", "HTTP/2"])
def test_a_client_that_did_not_wait_for_an_answer_waits_in_vain_again(play: Play, url: str) -> None:
    tape = Tape()
    tape.command(1)
    version = "2" if url.startswith("https") else "1.1"
    tape.answer(tape.request("GET", url, version=version), None, error="Client disconnected.")
    stage = play(tape)
    assert stage.curl("-m", "0.5", url).returncode == 28
    report = stage.stop()
    assert (len(report.served), report.refused) == (1, [])


@pytest.mark.parametrize(("error", "code"), [("connection reset by peer", 56), ("closed", 52)])
def test_no_answer_is_no_answer(play: Play, error: str, code: int) -> None:
    tape = Tape()
    tape.command(1)
    tape.answer(tape.request("GET", "http://a.example/"), None, error=error)
    stage = play(tape)
    assert stage.curl("http://a.example/").returncode == code
    assert len(stage.stop().served) == 1


@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
def test_what_the_recording_proxy_said_for_a_dead_origin_is_said_again(play: Play, proxy: bool) -> None:
    tape = Tape()
    tape.proxy("mitmproxy 12.2.3")
    tape.command(1)
    tape.answer(tape.request("GET", "http://a.example/"), None, error="Connect call failed ('a', 1)")
    tape.connection("a.example:80", "captured")
    tape.connection("a.example:443", "failed", "Connect call failed ('a', 443)")
    stage = play(tape)
    said = stage.curl("-i", "http://a.example/", proxy=proxy).stdout
    assert said.startswith(b"HTTP/1.1 502 Bad Gateway\r\nServer: mitmproxy 12.2.3\r\n")
    assert said.endswith(b"    <p>Connect call failed (&#x27;a&#x27;, 1)</p>\n</body>\n</html>")
    if proxy:
        assert stage.curl("https://a.example/", proxy=True).returncode == 56
    assert stage.stop().refused == []


def test_http2_streams_are_cut_short_too(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", "https://a.example/", version="2")
    tape.answer(flow, body=b"half", version="2", headers=[], partial=True, error="server closed")
    done = play(tape).curl("https://a.example/")
    assert (done.stdout, done.returncode) == (b"half", 92)


@pytest.mark.parametrize(("status", "method"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_answers_without_a_body_have_none(play: Play, status: int, method: str) -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/", method=method, status=status, headers=[("Content-Length", "1000")])
    tape.get("http://a.example/next", b"next")
    said = play(tape).say(
        b"%s / HTTP/1.1\r\nHost: a.example\r\n\r\nGET /next HTTP/1.1\r\nHost: a.example\r\n\r\n"
        % method.encode()
    )
    assert b"Content-Length: 1000\r\n\r\nHTTP/1.1 200 OK\r\n" in said
    assert said.endswith(b"next")


def test_pipelined_requests_are_answered_in_order(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    for n in range(100):
        size = 5 << 20 if n == 1 else 4
        tape.get(f"http://a.example/{n}", b"%04d" % n * (size // 4))
    said = play(tape).say(b"".join(b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n" % n for n in range(100)))
    bodies = [part.partition(b"\r\n\r\n")[2] for part in said.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert [int(body[:4]) for body in bodies] == list(range(100))
    assert len(bodies[1]) == 5 << 20


def test_continue_is_said_before_an_upload(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    tape.post("http://a.example/", b"x" * 3_000_000, b"taken")
    stage = play(tape)
    with stage.connect() as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"x" * 3_000_000)
        assert client.recv(1000).endswith(b"taken")


def test_a_large_body_comes_whole_by_either_version(play: Play) -> None:
    body = bytes(range(256)) * (100_000)
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/", body)
    flow = tape.request("GET", "https://a.example/", version="2")
    tape.answer(flow, body=body, version="2", headers=[])
    stage = play(tape)
    assert stage.curl("http://a.example/").stdout == body
    assert stage.curl("https://a.example/").stdout == body


def test_a_paced_body_takes_its_time_only_where_asked_for(play: Play) -> None:
    pace = [(10_000_000, 1), (400_000_000, 1)]
    tape = tape_of("http://a.example/", b"ab", headers=[("Transfer-Encoding", "chunked")], pace=pace)
    for paced in (False, True):
        stage = play(tape, paced=paced)
        begin = time.monotonic()
        assert stage.curl("http://a.example/").stdout == b"ab"
        assert (time.monotonic() - begin >= 0.39) is paced


# -- what was chosen by chance ----------------------------------------------------------------------


def test_the_asked_value_comes_back_in_place_of_the_recorded_one(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", f"https://a.example/login?state={OLD}")
    page = gzip.compress(f"<a href='/next?state={OLD}'>".encode())
    headers = [
        ("Location", f"/next?state={OLD}"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", str(len(page))),
    ]
    tape.answer(flow, 302, page, headers)
    stage = play(tape)
    done = stage.curl("--compressed", "-w", "%{redirect_url}", f"https://a.example/login?state={NEW}")
    assert done.stdout.decode() == f"<a href='/next?state={NEW}'>https://a.example/next?state={NEW}"
    (served,) = stage.stop().served
    assert (served.how, served.causes) == ("substituted", ("parameter state",))


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_a_client_that_left_a_stream_can_leave_it_again(play: Play, version: str) -> None:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", "https://a.example/events", version=version)
    pieces = [b"data: %d\n" % number for number in range(5)]
    tape.answer(
        flow, 200, b"".join(pieces), headers=[("Content-Type", "text/event-stream")], version=version,
        pace=[(number * 10**6, len(piece)) for number, piece in enumerate(pieces)], partial=True,
        error="client disconnected",
    )  # fmt: skip
    stage = play(tape)
    line = ["curl", "-sN", "--cacert", str(stage.trust), "--connect-to", f"::127.0.0.1:{stage.port}"]
    asking = subprocess.Popen([*line, "https://a.example/events"], stdout=subprocess.PIPE)
    assert asking.stdout is not None
    try:
        with asking.stdout as shown:
            assert shown.readline() == b"data: 0\n"
        assert asking.wait(20) == 23  # curl's word for a pipe that nobody reads
    finally:
        asking.kill()
        asking.wait()
    assert stage.stop().refused == []


# -- what is not there ------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://a.example/nope", "https://a.example/nope"])
def test_a_miss_fails_and_names_the_nearest(play: Play, url: str) -> None:
    stage = play(tape_of(url.replace("nope", "page"), b"page"))
    done = stage.curl("-i", url)
    assert b"502 Bad Gateway" in done.stdout
    assert b"X-Reenact: no recorded answer" in done.stdout
    assert b"path: recorded /page, asked /nope" in done.stdout
    assert stage.curl("-f", url).returncode == 22
    refused = stage.stop().refused[0]
    assert (refused.step, refused.where, refused.nearest) == (1, "path", f"GET {url.replace('nope', 'page')}")


def test_a_miss_over_http2_fails(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", "https://a.example/page", version="2")
    tape.answer(flow, body=b"page", version="2", headers=[])
    done = play(tape).curl("-i", "https://a.example/nope")
    assert done.stdout.startswith(b"HTTP/2 502")


def test_no_tunnel_leads_where_nothing_was_recorded(play: Play) -> None:
    stage = play(tape_of("https://a.example/"))
    assert stage.curl("https://b.example/", proxy=True).returncode == 56
    (refused,) = stage.stop().refused
    assert (refused.where, refused.asked, refused.expected) == (
        "host",
        "connection to b.example:443",
        "a.example",
    )


def test_a_place_that_refused_refuses_again(play: Play) -> None:
    tape = tape_of("https://a.example/")
    tape.connection("dead.example:443", "failed", "connection refused")
    stage = play(tape)
    assert stage.curl("https://dead.example/", proxy=True).returncode == 56
    assert stage.stop().refused == []


def test_a_body_that_was_not_kept_is_no_empty_body(play: Play) -> None:
    tape = tape_of("http://a.example/")
    answer = tape.events[-1]
    assert isinstance(answer, FlowAnswered)
    tape.events[-1] = msgspec.structs.replace(answer, response=Body(size=5, skipped="larger than 1 GB"))
    stage = play(tape)
    assert b"502" in stage.curl("-i", "http://a.example/").stdout
    assert [one.where for one in stage.stop().refused] == ["answer"]


def test_another_steps_page_is_not_given(play: Play) -> None:
    tape = Tape()
    for n in (1, 2):
        tape.command(n)
        tape.get("http://a.example/", b"%d" % n)
    stage = play(tape)
    stage.step = 2
    assert stage.curl("http://a.example/").stdout == b"2"
    stage.step = 1
    assert stage.curl("http://a.example/").stdout == b"1"


def test_a_client_that_does_not_trust_us_is_told_of(play: Play) -> None:
    stage = play(tape_of("https://a.example/"))
    assert stage.curl("--cacert", "/etc/ssl/certs/ca-certificates.crt", "https://a.example/").returncode in (
        60,
        77,
    )
    assert [one.where for one in stage.stop().refused] in (["TLS handshake"], [])


def test_who_did_not_trust_the_proxy_does_not_trust_the_replay(play: Play) -> None:
    tape = tape_of("https://a.example/")
    tape.connection(
        "pinned.example:443", "failed", "the program refused our certificate: certificate verify failed"
    )
    stage = play(tape)
    assert stage.curl("https://pinned.example/", proxy=True).returncode == 60
    stage.step = 2  # where it had no reason to
    assert stage.curl("https://pinned.example/", proxy=True).returncode == 56
    assert [(one.step, one.where) for one in stage.stop().refused] == [(2, "host")]


def test_an_origin_that_did_not_verify_does_not(play: Play) -> None:
    tape = tape_of("https://odd.example/", b"page")
    tape.connection("odd.example:443", "failed", "the origin's certificate does not verify: self-signed")
    stage = play(tape)
    assert stage.curl("https://odd.example/", proxy=True).returncode == 60
    assert stage.curl("-k", "https://odd.example/", proxy=True).stdout == b"page"
    assert stage.stop().refused == []


def test_heads_without_end_are_not_kept(play: Play) -> None:
    stage = play(tape_of("http://a.example/", b"ok"))
    with stage.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            client.sendall((b"X-Filler: " + b"y" * 60_000 + b"\r\n") * 1000)
    assert stage.curl("http://a.example/").stdout == b"ok"


def test_uploads_are_told_apart_by_their_whole_content(play: Play) -> None:
    tape = Tape()
    tape.command(1)
    for letter in b"ab":
        tape.post("http://a.example/up", bytes((letter,)) * (2 << 20), bytes((letter,)))
    stage = play(tape)
    with stage.connect() as client:
        for letter in b"ba":
            client.sendall(b"POST /up HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (2 << 20, bytes((letter,)) * (2 << 20)))
            assert re.search(rb"\r\n\r\n(.)\Z", client.recv(1000)).group(1) == bytes((letter,))  # type: ignore[union-attr]
