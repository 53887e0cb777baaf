"""Work that needs a service elsewhere: it is up while the session is recorded, and gone when it is replayed."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import parse_qs

from expert import Expert
from habits import full_screen, save_and_quit
from origin import Answer, Asked, Service, origin
from scenario import SHELLS, Session, session


def networked(service: Callable[[], Service], **options: object) -> Callable[..., list[Session]]:
    """A session that talks to `service`, whose address is in $API."""
    return session(
        tools=("curl", "wget", "vim"),
        origin=partial(origin, "API", service),
        options=("--proxy", "--env", "API"),
        uses_network=True,
        **options,
    )


def _json(value: object, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode() + b"\n", status, {"Content-Type": "application/json"})


def _missing(asked: Asked) -> Answer:
    return _json({"error": f"there is no {asked.path}"}, 404)


def _orders() -> Service:
    pages = [[{"id": 1, "price": 12.5}, {"id": 2, "price": 3}], [{"id": 3, "price": 4.25}]]

    def answer(asked: Asked) -> Answer:
        if asked.path == "/changes":
            return Answer(b"v2: amount is called price now\n")
        if asked.path == "/v2/orders":
            page = int(asked.query.get("page", 1))
            return _json({"orders": pages[page - 1], "next": page + 1 if page < len(pages) else None})
        return _missing(asked)

    return answer


TOTAL = (
    "import json, os, urllib.request\n"
    "page, total = 1, 0\n"
    "while page:\n"
    "    with urllib.request.urlopen(os.environ['API'] + f'/v2/orders?page={page}') as answer:\n"
    "        found = json.load(answer)\n"
    "    total += sum(order['amount'] for order in found['orders'])\n"
    "    page = found['next']\n"
    "print(total)\n"
)


@networked(
    _orders,
    files={"total.py": TOTAL},
    needs_recorder=True,
    after={"total.py": TOTAL.replace("amount", "price")},
)
def a_service_renamed_a_field(e: Expert) -> None:
    """A script breaks on a service's new version: the answer looked at, its changes read, mended in vim, checked."""
    assert "KeyError: 'amount'" in e.run("python3 total.py 2>&1 | tail -1")
    e.run("curl -s $API/v2/orders")
    assert "price" in e.run("curl -s $API/changes")
    e.run("reenact note 'the service calls it price since v2'")
    full_screen(e, "vim total.py", "amount")
    e.type("/amount")
    e.press("enter")
    e.type("cwprice")
    e.press("esc")
    e.see("'price'")
    save_and_quit(e)
    e.run("reenact check -- sh -c 'test $(python3 total.py) = 19.75'")


def _counter() -> Service:
    numbers = itertools.count(1)

    def answer(asked: Asked) -> Answer:
        return Answer(b"%d\n" % next(numbers)) if asked.path == "/next" else _missing(asked)

    return answer


@networked(_counter, shells=SHELLS, after={"three": "3\n"})
def a_counter_is_asked_again(e: Expert) -> None:
    """One address, another answer each time; an address that is none."""
    e.run("curl -s $API/next")
    e.run("curl -s $API/next && curl -s $API/next > three")
    e.run("curl -s -o four -w '%{http_code}\\n' $API/next; cat three four")
    e.run("curl -sf $API/nowhere; curl -sI $API/nowhere | head -1")


def _jobs() -> Service:
    states = iter(["queued", "running", "running", "done"])

    def answer(asked: Asked) -> Answer:
        if (asked.method, asked.path) == ("POST", "/jobs"):
            return _json({"id": 7, "words": json.loads(asked.body)["text"].split()}, 201)
        if asked.path == "/jobs/7":
            return _json({"state": next(states, "done")})
        return _missing(asked)

    return answer


@networked(
    _jobs,
    files={
        "watch.sh": "#!/bin/sh\nuntil curl -s $API/jobs/7 | tee -a log | grep -q done; do sleep 0.2; done\n"
        "echo finished\n"
    },
    after={"log": '{"state": "queued"}\n' + 2 * '{"state": "running"}\n' + '{"state": "done"}\n'},
)
def a_job_is_waited_for(e: Expert) -> None:
    """A job is handed in, asked after until it is done."""
    e.run("""curl -s -H 'Content-Type: application/json' -d '{"text": "one two"}' $API/jobs""")
    assert "finished" in e.run("./watch.sh")
    e.run("cat log")


def _packed() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {"data/a.csv": b"x,1\ny,2\n", "data/b.csv": b"x,3\n" * 5000}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1_700_000_000
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _downloads() -> Service:
    packed = _packed()

    def answer(asked: Asked) -> Answer:
        if asked.path == "/latest":
            return Answer(b"", 302, {"Location": "/files/data.tar.gz"})
        if asked.path == "/files/data.tar.gz":
            return Answer(packed, headers={"Content-Type": "application/gzip"})
        if asked.path == "/files/data.tar.gz.sha256":
            return Answer(f"{hashlib.sha256(packed).hexdigest()}  data.tar.gz\n".encode())
        return _missing(asked)

    return answer


@networked(_downloads, shells=("bash", "zsh"), after={"sum": "15003\n"})
def a_data_set_is_fetched(e: Expert) -> None:
    """A redirected download in the background, its checksum by wget meanwhile; unpacked and looked through."""
    e.run("curl -sL -o data.tar.gz $API/latest &")
    e.run("wget -q $API/files/data.tar.gz.sha256; wait; ls")
    assert "OK" in e.run("sha256sum -c data.tar.gz.sha256")
    e.run("tar xzf data.tar.gz && wc -l data/*.csv")
    e.run("cat data/*.csv | awk -F, '{ s += $2 } END { print s }' > sum; cat sum")


def _shop() -> Service:
    def answer(asked: Asked) -> Answer:
        cookie = "session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly"
        if asked.path == "/login" and asked.method == "POST":
            if parse_qs(asked.body.decode()).get("user") != ["ann"]:
                return _json({"error": "who?"}, 403)
            return Answer(b"", 303, {"Set-Cookie": cookie, "Location": "/basket"})
        if asked.path == "/basket":
            known = asked.headers.get("cookie") == cookie.partition(";")[0]
            return _json({"basket": ["tea", "cups"]}) if known else _json({"error": "log in first"}, 401)
        return _missing(asked)

    return answer


@networked(_shop)
def a_login_is_kept_in_a_jar(e: Expert) -> None:
    """Refused, logged in with a form, known by a cookie in a file."""
    assert "log in first" in e.run("curl -s $API/basket")
    assert "who?" in e.run("curl -s -d user=bob $API/login")
    e.run("curl -s -L -c ../jar -b ../jar -d user=ann $API/login")
    assert "cups" in e.run("curl -s -b ../jar $API/basket")


def _ticker() -> Service:
    def ticks() -> Iterator[bytes]:
        for number in range(1, 4):
            yield b"data: tick %d\n\n" % number

    def answer(asked: Asked) -> Answer:
        if asked.path == "/ticks":
            return Answer(ticks(), headers={"Content-Type": "text/event-stream"})
        return Answer(f"{asked.method} {asked.path} {asked.query.get('q', '')}\n".encode())

    return answer


@networked(_ticker)
def a_stream_of_events_is_watched(e: Expert) -> None:
    """Server-sent events, filtered as they come."""
    e.run("curl -sN $API/ticks | grep --line-buffered data")
    e.run("curl -sG --data-urlencode 'q=what is 1 + 1?' $API/ask")


@networked(_orders)
def a_service_is_explored_in_python(e: Expert) -> None:
    """Requests from Python's prompt, one of them wrong."""
    e.line("python3 -q")
    e.ready(">>> ")
    for line in (
        "import json, os; from urllib.request import urlopen",
        "get = lambda path: json.load(urlopen(os.environ['API'] + path))",
        "get('/v2/orders')['orders'][0]",
        "get('/v1/orders')",
        "sum(o['price'] for n in (1, 2) for o in get(f'/v2/orders?page={n}')['orders'])",
    ):
        e.line(line)
        e.ready(">>> ")
    e.press("ctrl-d")
    e.prompt()


@networked(
    _ticker,
    files={
        "fetch.py": (
            "import os, sys, threading, urllib.request\n"
            "def fetch(n):\n"
            "    with urllib.request.urlopen(f'{os.environ[\"API\"]}/page/{n}?q={n * n}') as answer:\n"
            "        found[n] = answer.read().decode()\n"
            "found = {}\n"
            "threads = [threading.Thread(target=fetch, args=(n,)) for n in range(int(sys.argv[1]))]\n"
            "for thread in threads: thread.start()\n"
            "for thread in threads: thread.join()\n"
            "print(''.join(found[n] for n in sorted(found)), end='')\n"
        )
    },
)
def many_pages_at_once(e: Expert) -> None:
    """Sixteen requests at once from threads, then as many from xargs."""
    e.run("python3 fetch.py 16")
    e.run("seq 16 | xargs -P 4 -I N curl -s $API/page/N | sort -V")
