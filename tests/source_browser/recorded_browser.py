"""`reenact browse` as it is called, and an expert at its browser: real input, by Chrome's debugging protocol."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from recorder.trace.codec import Decoded, decode_event
from recorder.trace.journal import read_journal
from recorder.trace.reader import Trace, open_trace

CHROMIUM = os.environ.get("REENACT_CHROMIUM") or shutil.which("chromium")
SECONDS = 60.0
_ENV = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "REENACT_SESSION"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site(pages: dict[str, str], folder: Path) -> Iterator[str]:
    """Serves pages by their names on loopback; gives the address, without a slash at its end."""
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Recording:
    """A `reenact browse` that runs. `folder` is the test's."""

    def __init__(self, folder: Path, *words: str, headed: bool = False, **env: str) -> None:
        self.traces = folder / "traces"
        self.terminal: int | None = None
        self.out = folder / "browsed.reenact"
        self.port = free_port()
        self.env = {**_ENV, "REENACT_TRACES": str(self.traces), "HOME": str(folder), **env}
        self.process = subprocess.Popen(
            [_reenact(), "browse", "--json", f"--debugging-port={self.port}", "--out", self.out,
             *([] if headed else ["--headless"]), *words],
            env=self.env,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    @classmethod
    def of_shell(cls, folder: Path, *words: str, shell: str, work: Path | None = None) -> Recording:
        """A `reenact record` of that shell on a terminal of its own, with these options; the browser's debugging port
        is in its variable PORT. `work` is the folder that it is about; without one none is recorded."""
        self = cls.__new__(cls)
        self.traces, self.out, self.port = folder / "traces", folder / "browsed.reenact", free_port()
        self.env = {**_ENV, "REENACT_TRACES": str(self.traces), "HOME": str(folder), "PORT": str(self.port)}
        self.terminal, inner = os.openpty()
        self.process = subprocess.Popen(
            [
                _reenact(), "record", *([] if work else ["--no-workspace"]), "--json", f"--out={self.out}", *words,
                "--", *shell.split(),
            ],
            env=self.env, cwd=work or folder, stdin=inner, stdout=inner, stderr=inner, text=True,
            start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        self.shown = ""
        return self

    def type(self, line: str) -> None:
        assert self.terminal is not None
        os.write(self.terminal, line.encode() + b"\n")

    def until(self, text: str, seconds: float = SECONDS) -> None:
        """Reads what the terminal shows until it has shown `text`, or ended."""
        assert self.terminal is not None
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert select.select([self.terminal], [], [], end - time.monotonic())[0], self.shown
            try:
                self.shown += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                break
        assert text in self.shown, self.shown
        self.shown = self.shown.partition(text)[2]

    @contextmanager
    def expert(self) -> Iterator[Page]:
        """The first tab, in the hands of an expert, once it shows what was asked for."""
        with sync_playwright() as playwright:
            browser = self._connect(playwright.chromium.connect_over_cdp)
            page = browser.contexts[0].pages[0]
            page.wait_for_url(lambda url: url != "about:blank")
            yield page

    def close(self, page: Page) -> None:
        """Closes all tabs, as a person does who closes the window."""
        assert page.context.browser is not None
        session = page.context.browser.new_browser_cdp_session()
        for target in session.send("Target.getTargets")["targetInfos"]:
            if target["type"] == "page":
                session.send("Target.closeTarget", {"targetId": target["targetId"]})

    def kill(self, page: Page) -> None:
        """Ends the browser without a word to its pages."""
        assert page.context.browser is not None
        session = page.context.browser.new_browser_cdp_session()
        with suppress(Error):  # it is faster than its answer
            session.send("Browser.close")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> tuple[dict[str, Any], str]:
        """Waits for its end: what it printed as JSON, and what it told the expert."""
        out, err = self.process.communicate(timeout=SECONDS)
        return (json.loads(out) if out.strip() else {}), err

    def trace(self) -> list[Decoded]:
        with open_trace(self.out) as trace:
            return list(trace.events)

    def opened(self) -> Trace:
        return open_trace(self.out)

    @property
    def session(self) -> Path:
        """The session's folder while it is there."""
        return next((self.traces / ".sessions").iterdir())

    def journal(self) -> list[Decoded]:
        """What is in the browser's journal now."""
        path = self.session / "browser.journal"
        return [decode_event(f.payload, "journal") for f in read_journal(path)] if path.exists() else []

    def source(self) -> int:
        """The pid of the browser source's process."""
        return self.sources()[0]

    def sources(self) -> list[int]:
        """The same, empty where no browser is open."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"sources.browser" in _command(int(pid))]

    def _connect(self, connect: Callable[..., Browser]) -> Browser:
        def attempt() -> Browser | None:
            assert self.process.poll() is None, self.ended()
            try:
                return connect(f"http://127.0.0.1:{self.port}", no_defaults=True)
            except Error:
                return None  # it does not listen yet

        return wait_for(attempt)


def _reenact() -> str:
    found = shutil.which("reenact", path=str(Path(sys.executable).parent))
    assert found is not None
    return found


def wait_for[T](ask: Callable[[], T | None], seconds: float = SECONDS) -> T:
    """What `ask` gives as soon as it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := ask():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"nothing came of {ask}")


def of[E](kind: type[E], events: list[Decoded]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
