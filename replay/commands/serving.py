"""`serve`: answers from a trace's network, on this machine only."""

from __future__ import annotations

import shlex
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from recorder.trace.errors import Unsupported, UsageError
from recorder.trace.events import CommandStarted, Unknown
from recorder.trace.printable import printable
from replay.commands.opening import JSON, TRACE, as_json, opened

_HOSTS_SHOWN = 8
_PEM = b"-----BEGIN CERTIFICATE-----"


@click.command(
    epilog="Examples:\n\n\b\n  reenact serve page.reenact\n  reenact serve page.reenact --port 8080 --trust trust.pem\n\n"
    "Then, elsewhere: https_proxy=http://127.0.0.1:8080 curl --cacert trust.pem https://example.org/"
)
@TRACE
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port to listen on. [default: any that is free]",
)
@click.option(
    "--trust",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the certificate that clients must trust. [default: a temporary file]",
)
@click.option("--paced", is_flag=True, help="Let bodies take the time that they took.")
@JSON
def serve(trace: Path, port: int, trust: Path | None, paced: bool, json_wanted: bool) -> None:
    """Answer from the network of TRACE, recorded or imported, until interrupted.

    A proxy on 127.0.0.1 for clients that know it, and an origin for those that are sent there. It never goes anywhere
    else: what was not recorded gets an error that names the nearest recorded request. Equal requests get their answers in
    the recorded order, whichever step they belonged to.
    """
    try:
        from replay.players.network.desk import scope_of
        from replay.players.network.recording import Recording
        from replay.players.network.server import NetworkPlayer
    except ImportError as error:
        raise Unsupported(f"serving needs {error.name}: pip install {error.name}") from error
    with ExitStack() as stack:
        opened_trace = stack.enter_context(opened(trace))
        events = [event for event in opened_trace.events if not isinstance(event, Unknown)]
        recording = Recording.of(events, opened_trace.blob)
        if not recording.flows:
            raise UsageError(f"{trace} recorded no network; there is nothing to answer from")
        steps = scope_of([0, *(event.n for event in events if isinstance(event, CommandStarted))])
        player = stack.enter_context(NetworkPlayer(recording, opened_trace, steps, paced=paced))
        placed = stack.enter_context(_placed(trust, player.trust))
        try:
            listener = socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError as error:
            raise UsageError(f"port {port} of 127.0.0.1: {error.strerror}; choose another --port") from error
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        over = stack.enter_context(_interrupted())
        player.start([listener])
        hosts = sorted(recording.hosts)
        if json_wanted:
            as_json({"proxy": proxy, "trust": str(placed), "requests": len(recording.flows), "hosts": hosts})
        else:
            more = f" and {len(hosts) - _HOSTS_SHOWN} more" if len(hosts) > _HOSTS_SHOWN else ""
            click.echo(
                f"{len(recording.flows)} requests to {printable(', '.join(hosts[:_HOSTS_SHOWN]))}{more}"
            )
            names = {"http_proxy": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(placed)}
            told = " ".join(f"{name}={shlex.quote(value)}" for name, value in names.items())
            click.echo(f"export {told}\n^C ends it")
        while not over.wait(3600):
            pass
        report = player.stop()
        counts = {name: count for name, count in report.counts.items() if count}
        if json_wanted:
            as_json({"counts": counts, "not_asked_for": len(report.unasked), "faults": report.faults})
            return
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing was asked for")
        for refused in report.refused[:20]:
            near = f"; nearest: {refused.nearest}" if refused.nearest else ""
            click.echo(f"no recorded answer: {printable(refused.asked)}{printable(near)}", err=True)


@contextmanager
def _placed(trust: Path | None, pem: bytes) -> Iterator[Path]:
    """The authority's certificate in a file: where it was asked for, else in one that goes in the end."""
    if trust is not None:
        try:
            if trust.exists() and not trust.read_bytes().startswith(_PEM):
                raise UsageError(f"{trust} is another file than a certificate; choose another name")
            trust.write_bytes(pem)
        except OSError as error:
            raise UsageError(f"{trust}: {error.strerror}") from error
        yield trust
        return
    with tempfile.NamedTemporaryFile(prefix="reenact-trust-", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        yield Path(file.name)


@contextmanager
def _interrupted() -> Iterator[threading.Event]:
    """Set by ^C or SIGTERM, which both end a server as it should."""
    over = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield over
        return
    before = {
        number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
