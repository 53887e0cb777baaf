"""A small trace that has everything in it, made the same way every time; `python tests/trace/trace_sample.py FILE`
writes it. The frozen one in data/ was made by this when version 1 was released.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.trace.blobs import BlobStore
from recorder.trace.container import TraceWriter
from recorder.trace.events import (
    AnyEvent,
    Body,
    BrowserEnded,
    BrowserStarted,
    Cause,
    Change,
    Checked,
    Clip,
    ClockRead,
    CommandEnded,
    CommandStarted,
    Connected,
    DialogAnswered,
    DocumentEnded,
    DocumentShown,
    DocumentStarted,
    Downloaded,
    FileChosen,
    FileState,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    FrameSeen,
    Gap,
    Input,
    Marked,
    NameAsked,
    Navigated,
    NetworkStarted,
    Noted,
    PageEvent,
    PageRequest,
    PageState,
    PageTarget,
    PromptShown,
    Recovered,
    Resized,
    Screenshot,
    SecretReplaced,
    ServerSeen,
    ShellFile,
    TabActivated,
    TabClosed,
    TabOpened,
    TerminalEnded,
    TerminalStarted,
    TreeEntry,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
)
from recorder.trace.manifest import (
    Actor,
    Draft,
    Environment,
    Manifest,
    Parent,
    Provenance,
    Recorder,
    Task,
    Tool,
    new_draft,
    new_trace_id,
)

KEY = Ed25519PrivateKey.from_private_bytes(
    hashlib.sha256(b"the key of the tests; signs nothing real").digest()
)
OUTPUT = [(5, b"$ "), (20, b"echo hi\r\nhi\xff\r\n"), (20, b"$ "), (60, b"exit\r\n")]
NEW_FILE = b"print('fixed')\n" * 40
RC = b"PS1='$ '\n"


def draft() -> Draft:
    return new_draft(
        trace_id=new_trace_id(1_700_000_000_000_000_000, bytes(range(10))),
        started_unix_ns=1_700_000_000_000_000_000,
        isolated=False,
        task=Task(instruction="Fix the düplicate", url="https://example.org/1", repo=None, commit=None),
        actor=Actor(kind="mixed", model="m", model_version="1"),
        provenance=Provenance(
            annotator="a1",
            project="p",
            consent="c",
            source_licence="MIT",
            recorder=Recorder(version="0.1.0", settings={"depth": "3"}),
            rubric_version=None,
            assistant_model=None,
            parent=Parent(trace_id=new_trace_id(1, bytes(10)), step=3),
        ),
        environment=Environment(
            os="Debian 12",
            kernel="6.1",
            shell="bash 5.2",
            terminal="xterm",
            locale="C.UTF-8",
            timezone="UTC",
            hostname="box",
            uid=1000,
            gid=1000,
            user="u",
            umask=0o022,
            tools={"/bin/bash": Tool(version="5.2", sha256="ab" * 32)},
        ),
    )


def events(rc: str, tree: str, new: str) -> list[AnyEvent]:
    """One of every kind."""
    t1, ws, net = "terminal/1", "workspace", "proxy"
    cause = Cause(command=1, how="cgroup", process="curl")
    common = {"prompts": 1, "commands": 0, "icanon": False, "echo": False, "foreground": "bash"}
    after = FileState(type="file", mode=0o644, size=len(NEW_FILE), blob=new, mtime_ns=5)
    total = sum(len(data) for _, data in OUTPUT)
    return [
        TerminalStarted(
            t=0, source=t1, argv=["bash", "-i"], shell="bash", cwd="/w", env={"TERM": "xterm", "A/B~": "ü\\\""},
            cols=80, rows=24, nonce="0" * 32, files=[ShellFile(path="rc", mode=0o600, blob=rc)],
        ),
        WorkspaceSnapshot(t=1, source=ws, root="/w", tree=tree, files=1, bytes=4, git="a" * 40, ignored=["build"]),
        PromptShown(t=5, source=t1, n=1, offset=0, ready=2),
        Input(t=9, source=t1, data=b"echo hi\r", offset=2, at_prompt=True, hidden=False, reply=False, **common),
        CommandStarted(t=20, source=t1, n=1, offset=11, text="echo hi", cwd="/w"),
        CommandEnded(t=20, source=t1, n=1, offset=16, exit=0, cwd="/w"),
        PromptShown(t=20, source=t1, n=2, offset=16, ready=18),
        WorkspaceChanged(t=21, source=ws, first=1, last=1, changes=[Change(path="a.py", before=None, after=after)]),
        WorkspaceEdited(t=30, source=ws, commands=1, changes=[Change(path="a.py", before=after, after=None)]),
        Noted(t=31, source="notes", text="the log shows it twice"),
        Marked(t=32, source="notes", label="found"),
        Resized(t=33, source=t1, cols=100, rows=30, offset=18),
        Checked(t=40, source="notes", command=1, line="pytest -q", exit=0, reward=1.0),
        NetworkStarted(
            t=50, source=net, address="127.0.0.1:40001", engine="mitmproxy 12", certificate="f" * 64,
            trust="proxy/trust.pem", upstream=None,
        ),
        ServerSeen(t=50, source=net, port=8000, cause=cause),
        NameAsked(t=50, source=net, name="example.org", type="A", addresses=["192.0.2.1"], code=0),
        FlowRequested(
            t=51, source=net, flow=1, connection=1, method="GET", url="https://example.org/a?b=1", version="1.1",
            headers=[("Host", "example.org"), ("Authorization", "secret")], cause=cause,
        ),
        FlowAnswered(
            t=52, source=net, flow=1, status=101, reason="Switching Protocols", version="1.1",
            headers=[("Upgrade", "websocket")], trailers=[], request=Body(size=0), response=Body(size=4, blob=new),
            first_byte=1, pace=[(1, 4)], error=None,
        ),
        FlowMessage(t=53, source=net, flow=1, sent=True, text=True, body=Body(size=4, blob=new)),
        FlowClosed(t=54, source=net, flow=1, sent=False, code=1000, reason="bye"),
        Connected(
            t=55, source=net, n=1, duration=9, target="example.org:443", handling="captured", reason=None,
            tls="TLSv1.3", alpn="http/1.1", sent=100, received=200, cause=cause,
        ),
        Recovered(t=56, source="session", part="writer", detail="killed"),
        SecretReplaced(t=56, source="session", placeholder=b"ghp_mQ7pLw4ZtB8nRcV5", rule="told"),
        *browser_events(new),
        Gap(t=57, source=ws, until=58, bytes=None, reason="disk full"),
        TerminalEnded(t=60, source=t1, exit=0, offset=total),
    ]  # fmt: skip


def browser_events(blob: str) -> list[AnyEvent]:
    """A person logs in: one of every kind that a browser states."""
    web: dict[str, Any] = {"source": "browser/1", "tab": 1}
    page: dict[str, Any] = {**web, "frame": 1, "doc": 1}
    url = "https://example.org/login?next=%2F"
    return [
        BrowserStarted(
            t=56, source="browser/1", mode="opened", product="Chromium 156", user_agent="Mozilla/5.0", width=1280,
            height=720, scale=1.5, locale="en-GB", languages=["en-GB"], timezone="Europe/Paris", dark=False,
            reduced_motion=False, headless=True, capture="1", seed=7, fonts=["DejaVu Sans"], storage=blob,
        ),
        TabOpened(t=56, opener=None, popup=False, **web),
        TabActivated(t=56, **web),
        FrameSeen(t=56, frame=1, parent=None, index=None, name="", **web),
        DocumentStarted(t=56, url=url, **page),
        Navigated(t=56, frame=1, url=url, how="typed", **web),
        PageRequest(t=56, n=1, frame=1, method="GET", url=url, type="main_frame", **web),
        PageState(
            t=56, seq=2, n=1, url=url, title="Log in", dom="9f1c", aria=blob, settled=True, nodes=9, **page
        ),
        PageTarget(
            t=56, seq=3, n=1, tag="input", type="password", role="textbox", name="Password", label="Your password",
            anchors=[("heading", "Members")], css="#p", xpath="//*[@id='p']", rect=(8.0, 8.0, 100.0, 20.5),
            editable=True, masked=True, **page,
        ),
        PageEvent(
            t=56, seq=4, type="keydown", trusted=True, target=1, state=1, key="•", code="", masked=True, **page
        ),
        PageEvent(
            t=56, seq=5, type="change", trusted=True, target=1, clips=[Clip(type="text/plain", text="hi")],
            files=[FileChosen(name="a.txt", type="text/plain", size=4, blob=blob)], **page,
        ),
        DialogAnswered(t=56, seq=6, type="confirm", message="Sure?", asked=55, accepted=True, **page),
        ClockRead(t=56, seq=7, read="now", by="timer", first=0, base=1.7e12, values=[0.1, 1.5], times=[1, 3], **page),
        Screenshot(t=56, blob=blob, type="image/webp", width=1920, height=1080, reason="checkpoint", **web),
        Downloaded(t=56, url="blob:x", name="report.csv", complete=True, size=4, blob=blob, **web),
        DocumentEnded(t=56, source="browser/1", doc=1, last=8),
        DocumentShown(t=56, seq=9, **page),
        TabClosed(t=56, **web),
        BrowserEnded(t=56, source="browser/1", reason="closed"),
    ]  # fmt: skip


UNKNOWN_KIND = b'{"kind":"browser.click","t":58,"source":"browser/1","x":[1,{"y":null}],"n":1.50}'
UNKNOWN_FIELD = b'{"kind":"note","t":59,"source":"notes","text":"later","mood":{"tired":true}}'


def write_sample(out: Path, *, key: Ed25519PrivateKey | None = KEY) -> Manifest:
    """Seals the sample into `out`."""
    number = iter(range(10**6))

    def salt(size: int) -> bytes:
        return hashlib.sha256(b"salt %d" % next(number)).digest()[:size]

    with tempfile.TemporaryDirectory() as folder, TraceWriter(out, draft(), salt=salt) as writer:
        store = BlobStore(Path(folder) / "blobs")
        rc, new = store.put(RC), store.put(NEW_FILE)
        entry = TreeEntry(
            path="old.txt", state=FileState(type="file", mode=0o644, size=4, blob=store.put(b"old\n"))
        )
        tree = store.put(msgspec.json.encode(entry) + b"\n")
        writer.blobs(store)
        with writer.terminal(1) as sink:
            for t, data in OUTPUT:
                sink.output(t, data)
        with writer.cast(1) as write:
            write(b'{"version": 2, "width": 80, "height": 24}\n')
            write(b'[0.000000005, "o", "$ "]\n')
        with writer.events() as add:
            lines = events(rc, tree, new)
            for event in lines[:-1]:
                add(event)
            add(UNKNOWN_KIND)
            add(UNKNOWN_FIELD)
            add(lines[-1])
        return writer.finish(60, key)


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]))
