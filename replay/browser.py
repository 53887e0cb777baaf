"""The browser of one replay: Chromium in a sandbox, with the trace's network or none, and who plays it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from recorder.trace.blobs import BlobStore
from recorder.trace.errors import Unsupported
from recorder.trace.event import Event
from recorder.trace.events import BrowserStarted
from recorder.trace.pagelog import Kept
from recorder.trace.reader import Trace
from replay.network import Network
from replay.players.browser.browser import Slow
from replay.players.browser.cdp import Gone
from replay.players.browser.chromium import LIMITS, Chromium
from replay.players.browser.plan import plan
from replay.players.browser.player import BrowserPlayer
from replay.sandbox import ClockMode, Sandbox, SandboxSpec, start
from replay.sandbox.ports import NAMESERVER

_SESSION = "/session"


def browser_of(events: Sequence[object]) -> BrowserStarted | None:
    """The first browser that the events tell of."""
    return next((event for event in events if isinstance(event, BrowserStarted)), None)


def open_browser(
    trace: Trace,
    events: Sequence[Event],
    folder: Path,
    stack: ExitStack,
    network: Network | None,
    blobs: BlobStore,
    *,
    started: BrowserStarted | None = None,
    progress: Callable[[int], None] = lambda t: None,
    answering: Callable[[int], None] = lambda t: None,
) -> tuple[BrowserPlayer, Sandbox]:
    """Starts the trace's browser that `started` (null: its first) in a sandbox of its own, and its player; `stack` ends
    both. `folder` is a private one for it, `blobs` takes what it brings; `progress` and `answering` are the player's.
    Raises Unsupported where this machine cannot, or it does not start."""
    started = started or browser_of(events)
    assert started is not None
    manifest = trace.manifest
    environment = manifest.environment
    session = folder / "session"
    session.mkdir(mode=0o755)
    flags = network.browser_flags() if network else []
    place = stack.enter_context(Chromium(session, _SESSION, started, flags))
    spec = SandboxSpec(
        argv=place.words,
        env=place.env,
        workspace=None,
        root="/work",
        cwd="/work",
        session_folder_host=session,
        session_folder=_SESSION,
        home="/home/user",
        uid=environment.uid,
        gid=environment.gid,
        user=environment.user,
        hostname=environment.hostname,
        limits=LIMITS,
        umask=environment.umask,
        clock=ClockMode.RUNNING,  # so that no cookie has expired, and the cache is as fresh as it was
        start_ns=manifest.started_unix_ns + started.t,
        fixed_addresses=False,
        nameserver=NAMESERVER if network else "",
        trust=network.trust if network else b"",
    )
    sandbox = stack.enter_context(
        start(spec, None, lambda pid: network.prepare(pid, stack) if network else None)
    )
    stack.callback(os.close, sandbox.master)

    def keep(content: bytes) -> Kept:
        return Kept(blobs.put(content), len(content))

    sandbox.set_clock(manifest.started_unix_ns + started.t)
    player = BrowserPlayer(
        plan(events, started),
        place,
        unix_ns=manifest.started_unix_ns,
        ahead_ns=sandbox.clock_shift,
        keep=keep,
        blob=trace.blob,
        alive=lambda: sandbox.wait(0) is None,
        answers=network.timeline if network else None,
        progress=progress,
        answering=answering,
    )
    try:
        player.start()
    except (Slow, Gone) as error:
        log = sandbox.read_file("log", 4096) or b""
        raise Unsupported(f"Chromium does not start in the sandbox: {error}; {_last_line(log)}") from error
    return player, sandbox


def _last_line(log: bytes) -> str:
    lines = [line for line in log.decode("utf-8", "replace").splitlines() if line.strip()]
    return "".join(c if c.isprintable() else "?" for c in lines[-1])[:300] if lines else "it said nothing"
