"""A server that remembers, asked in every way in which an answer depends on what was asked before; and replayed."""

from __future__ import annotations

import json
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from online import HOLDS, record, replay
from stateful_origin import Origin

from recorder.trace.events import CommandStarted, FlowAnswered, FlowRequested
from recorder.trace.reader import open_trace

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
HERE = Path(__file__).parent
FILES = {name: (HERE / name).read_text() for name in ("order.py", "visit.py")}
FILES["upload.txt"] = "some text to upload\n"

CASES: dict[str, list[tuple[str, str]]] = {
    # name: (command, pattern of what it showed); {url} is the server's, {dead} a place where nobody listens
    "a counter": [
        ("curl -s {url}/count {url}/count {url}/count", "count 1\ncount 2\ncount 3"),
        ("curl -s {url}/count", "count 4"),
        ("for i in 1 2; do curl -s {url}/count; done", "count 5\ncount 6"),
    ],
    "a counter asked by several at once": [
        ("seq 6 | xargs -P 3 -I@ curl -s {url}/count/many | sort", "many 1\nmany 2\n.*many 6"),
    ],
    "one URL asked by two steps, the later first": [
        ("(until [ -e go ]; do sleep 0.1; done; curl -s {url}/count/turn >late; touch done) &", r"\[1\]"),
        ("curl -s {url}/count/turn; touch go; until [ -e done ]; do sleep 0.1; done; cat late", "turn 1\n.*turn 2"),
    ],
    "one URL asked by two steps, the earlier slower": [
        ("(sleep 0.6; curl -s {url}/count/race >slow; touch over) & sleep 0.2", r"\[1\]"),
        ("curl -s {url}/count/race; until [ -e over ]; do sleep 0.1; done; cat slow", "race 1\n.*race 2"),
    ],
    "a nonce and a time in a POST": [
        ("python3 order.py {url}", "tea True True"),
        ("python3 order.py {url}", "tea True True"),
    ],
    "a nonce said back in gzip": [
        (
            "n=$(cat /proc/sys/kernel/random/uuid); b='{\"what\":\"cup\",\"nonce\":\"'$n'\",\"at\":'$(date +%s)}",
            "",
        ),
        ('curl -s --compressed -d "$b" {url}/order | grep -c "$n"', "1"),
    ],
    "the id of a call": [
        ("""b='{"jsonrpc":"2.0","id":'$RANDOM',"method":"double","params":{"n":21}}'""", ""),
        ("""curl -s -d "$b" {url}/rpc | grep -o '"result.*'""", '"result": 42'),
    ],
    "a parameter against caches": [
        ('curl -s "{url}/data?_=$(date +%s%N)"', "data 1"),
        ('curl -s "{url}/data?cachebust=$RANDOM$RANDOM" "{url}/data?cb=$(date +%s)123"', "data 2\ndata 3"),
        ('c=cb$RANDOM$RANDOM; curl -s "{url}/jsonp?callback=$c" | grep -c "^$c("', "1"),
    ],
    "a login with cookies and a CSRF token": [
        ("t=$(curl -s -c jar {url}/login | sed -n 's/.*csrf_token\" value=\"\\([^\"]*\\).*/\\1/p')", ""),
        (
            'curl -s -L -b jar -c jar -d user=ada -d "csrf_token=$t" -d password=x1y2z3w4v5 {url}/login',
            "welcome ada, visit 1",
        ),
        ("curl -s -b jar {url}/home; curl -s {url}/home", "welcome ada, visit 2\nlog in first"),
        ("curl -s -b jar {url}/home", "welcome ada, visit 3"),
        ("python3 visit.py {url}", r"welcome bob, visit 1\nwelcome bob, visit 2\npages \[1, 2, 3, 4\]"),
    ],
    "a 401 answered": [
        ("curl -s --anyauth -u ada:correct-horse-9 {url}/basic", "let in"),
        ("curl -s --digest -u ada:correct-horse-9 {url}/digest", "let in by digest"),
        ("curl -s -o /dev/null -w '%{http_code}\\n' {url}/basic", "401"),
        ("wget -qO- --user=ada --password=correct-horse-9 {url}/basic", "let in"),
    ],
    "a 304": [
        ("curl -s -o f1 --etag-save tag -w '%{http_code} %{size_download}\\n' {url}/file", "200 65536"),
        ("curl -s -o f2 --etag-compare tag -w '%{http_code} %{size_download}\\n' {url}/file; ls f2", "304 0"),
        ("curl -s -z f1 -o f3 -w '%{http_code}\\n' {url}/file", "304"),
    ],
    "a resumed download": [
        ("curl -s -r 0-999 -o part -w '%{http_code} %{size_download}\\n' {url}/file", "206 1000"),
        ("curl -s -C - -o part -w '%{http_code} %{size_download}\\n' {url}/file; cmp part f1", "206 64536"),
        ("head -c 5000 f1 > w; wget -q -c -O w {url}/file; cmp w f1 && echo whole", "whole"),
        ("curl -s -r 10-19 -H 'If-Range: \"other\"' -o g -w '%{http_code} %{size_download}' {url}/file", "200 65536"),
        ("curl -s -r 99999- -w '%{http_code}\\n' {url}/file", "416"),
    ],
    "a chain of redirects": [
        ("curl -s -L -b '' -w '%{num_redirects} %{url_effective}\\n' {url}/hop/6", "with marked\n6 .*/hop/0"),
        ("curl -s -L -d a=1 {url}/hop/2", "arrived by GET"),
        ("wget -qO- {url}/hop/4", "with marked"),
    ],
    "uploads": [
        ("curl -s -F file=@upload.txt -F note=hello {url}/upload", "file as upload.txt: 20 bytes\nnote: 5 bytes"),
        ("cat upload.txt | curl -s -T - {url}/upload", "PUT of 20 bytes"),
        ("seq 300000 | curl -s --data-binary @- -H 'Expect: 100-continue' {url}/upload", "POST of 1988895 bytes"),
        ("seq 9 | curl -s -H 'Transfer-Encoding: chunked' --data-binary @- {url}/upload", "POST of 18 bytes"),
    ],
    "answers without a body": [
        ("curl -sI {url}/file | head -3", "200 OK"),
        ("curl -si -X DELETE {url}/empty | grep -E 'HTTP|X-Was'", "204 No Content.*\n.*DELETE"),
    ],
    "a document that is changed": [
        ("curl -s {url}/put; curl -s -X PUT -H 'If-Match: \"one\"' -d two {url}/put", "document one\ndocument two"),
        ("curl -s {url}/put; curl -s -X PUT -H 'If-Match: \"one\"' -d six {url}/put", "document two\nit has changed"),
    ],
    "asked again until it works": [
        ("curl -s --retry 3 --retry-delay 1 {url}/busy", "now"),
    ],
    "answers that break off": [
        ("curl -s {url}/cut; echo $?", "half of it\n18"),
        ("curl -s {url}/cut/chunked; echo $?", "half o(f it)?18"),
        ("curl -s -o /dev/null -w '%{http_code}\\n' {url}/gone; curl -s -p {url}/gone; echo $?", "502\n.*502 Bad.*0"),
    ],
    "nobody there": [
        ("curl -s -o /dev/null -w '%{http_code}\\n' http://{dead}/; curl -s https://{dead}/; echo $?", "502\n56"),
        ("curl -s --noproxy '*' http://{dead}/; echo $?", "7"),
        ("curl -s -o /dev/null -w '%{http_code}\\n' http://no.such.invalid/; curl -s https://no.such.invalid/; echo $?",
         "502\n56"),
        ("curl -s --noproxy '*' http://no.such.invalid/; echo $?", "6"),
        ("python3 -c \"import urllib.request as u; u.urlopen('https://{dead}/')\" 2>&1 | tail -1", "502"),
    ],
    "a client that does not wait any longer": [
        ("curl -s -m 1 {url}/silent; echo $?", "28"),
        ("curl -s -m 1 {url}/silent/then; echo $?", "so far\n28"),
        ("curl -s -m 1 -p {url}/silent; echo $?", "28"),
    ],
}  # fmt: skip


class Line(NamedTuple):
    """A command that was typed: what it showed, what it asked for, and the step that replayed it."""

    case: str
    text: str
    pattern: str
    shown: str
    flows: list[tuple[FlowRequested, FlowAnswered]]
    step: dict[str, Any]


class Played(NamedTuple):
    lines: list[Line]
    answer: dict[str, Any]

    def of(self, case: str) -> list[Line]:
        return [line for line in self.lines if line.case == case]


def built(text: str) -> str:
    """A command line in which secrets and their placeholders are alike, for these are built of the same kinds."""
    return re.sub("[0-9]", "0", re.sub("[a-z]", "a", re.sub("[A-Z]", "A", text)))


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """All cases in one session, each a step or more; replayed when nobody answers any more."""
    with tempfile.TemporaryDirectory(prefix="stateful-", ignore_cleanup_errors=True) as folder:
        origin = Origin()
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            dead = f"127.0.0.1:{nobody.getsockname()[1]}"
        typed = [
            (name, command.replace("{url}", origin.url).replace("{dead}", dead), pattern)
            for name, case in CASES.items()
            for command, pattern in case
        ]
        shown: list[str] = []
        trace = record(
            Path(folder) / "s",
            lambda expert: shown.extend(expert.run(text) for _, text, _ in typed),
            files=FILES,
            cols=200,
        )
        origin.close()
        with open_trace(trace) as opened:
            events = list(opened.events)
        answers = {e.flow: e for e in events if isinstance(e, FlowAnswered)}
        asked = [(e, answers[e.flow]) for e in events if isinstance(e, FlowRequested)]
        commands = [e for e in events if isinstance(e, CommandStarted)]
        answer = replay(trace, ports=[origin.port])
        steps = [step for step in answer["steps"] if step["kind"] == "command"]
        lines = [
            Line(*line, screen, [flow for flow in asked if flow[0].cause.command == command.n], step)
            for line, screen, command, step in zip(typed, shown, commands, steps, strict=False)
        ]
        told = [built(command.text) for command in commands[: len(lines)]]
        assert [built(line.text) for line in lines] == told
        assert len(lines) == len(typed)
        yield Played(lines, answer)


@pytest.mark.parametrize("name", CASES)
def test_it_replays(played: Played, name: str) -> None:
    for line in played.of(name):
        assert re.search(line.pattern, line.shown.replace("\r", ""), re.DOTALL), line.shown
    short = [line.step for line in played.of(name) if line.step["verdict"] not in HOLDS]
    assert not short, json.dumps(short, indent=1)


def test_every_request_was_asked_for_again_and_none_else(played: Played) -> None:
    network = played.answer["network"]
    assert (network["refused"], network["not asked for again"]) == (0, 0), network
    assert sum(network.values()) == sum(len(line.flows) for line in played.lines)


def test_what_broke_off_is_told_as_broken_off(played: Played) -> None:
    for line in played.of("answers that break off")[:2]:
        [(_, answer)] = line.flows
        assert answer.response.partial
        assert answer.error
