"""Requests whose true cause their URL tells, in many awkward ways: the commands, and the pages that they ask for."""

from __future__ import annotations

import os
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


class Pages(ThreadingHTTPServer):
    """Serves pages with what belongs to them; everything on them asks with the step that the page was asked with."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """Some clients go without waiting for the answer."""

    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.server.asked += 1  # type: ignore[attr-defined]
        kind, content = "text/plain", f"{query}\n"
        if path == "/page":
            kind = "text/html"
            content = (
                f"<link rel=icon href=/icon?{query}><link rel=stylesheet href=/style.css?{query}>"
                f"<iframe src=/frame?{query}></iframe>"
                + "".join(f"<img src=/image{n}?{query}>" for n in range(8))
                + f"<script src=/script.js?{query}></script>"
            )
        elif path == "/style.css":
            kind, content = "text/css", f"body {{ background: url(/background?{query}) }}"
        elif path == "/script.js":
            kind = "text/javascript"
            late = f"new Image().src = '/late' + n + '?{query}'; fetch('/data' + n + '?{query}');"
            content = f"for (let n = 0; n < 6; n++) {{ {late} }}"
        elif path == "/frame":
            kind, content = "text/html", f"<img src=/inner?{query}>"
        body = content.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def browser() -> str | None:
    """A Chromium, if there is one."""
    named = os.environ.get("REENACT_CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def commands(
    url: str, folder: Path, shell: str, chromium: str | None = None, linger: float = 0.02
) -> list[str]:
    """A round of commands for `shell` (bash, zsh or fish); each asks only for URLs that name it: @ is its number.

    `linger`: how long, in seconds, those wait that end without an answer.
    """
    get = f"curl -sS {url}hello?step=@"
    ask = f'printf "GET {url}hello?step=@ HTTP/1.0\\r\\n\\r\\n" >&3'
    open_ = "exec 3<>/dev/tcp/127.0.0.1/${http_proxy##*:}"
    bare = 'env -i PATH="$PATH" http_proxy="$http_proxy"'
    fifo = folder / f"fifo{time.monotonic_ns()}"
    round_ = [
        f"{quoted(get)}",
        f"sh -c 'sleep 0.3; {get}' &",
        f"sh -c '{get} & {get}; wait'",
        f"setsid -f sh -c 'sleep 0.4; {get}'",
        f"sh -c \"(setsid sh -c 'sleep 0.2; (sleep 0.4; {get}) & exit' &)\"",
        f"{bare} {quoted(get)}",
        f"{bare} setsid -f sh -c 'sleep 0.5; {get}'",
        f"bash -c '{open_}; {ask}; cat <&3'",
        f"bash -c '{open_}; {ask}; read -t {linger} <&3'",
        f"setsid -f bash -c 'sleep 0.2; {open_}; {ask}; read -t {linger} <&3'",
        f"yes '{url}hello?step=@' | head -6 | xargs -P 4 -n 1 curl -sS",
        f"{quoted(get)} | cat | tail -1; echo '{url}hello?step=@' | xargs curl -sS",
        f"echo '{get}' | bash",
        f"nohup sh -c 'sleep 0.6; exec {get}' >/dev/null 2>&1 &",
        f"mkfifo {fifo}; setsid -f sh -c 'exec 4<>{fifo}; read x <&4; {get}; read x <&4; {get}'",
        f"echo go > {fifo}",
        "sleep 0.1; true",
        f"echo go > {fifo}; {quoted(get)}",
        f"tmux -L reenact-{fifo.name} -f /dev/null new-session -d '{get}'",
    ]
    if shell == "bash":
        round_ += [
            f"{open_}; {ask}; cat <&3 >/dev/null; exec 3<&-",
            f"(sleep 0.2; {quoted(get)}) & {quoted(get)}",
        ]
    if chromium:
        show = f"{chromium} {_CHROMIUM} --proxy-server=$http_proxy --proxy-bypass-list='<-loopback>'"
        show = f"{show} --user-data-dir={folder}/profile-@ --dump-dom '{url}page?step=@' >/dev/null 2>&1"
        round_[3:3] = [f"{show} &", f"{show} &"]
        round_.append(show)
    return round_


def quoted(get: str) -> str:
    """As an interactive shell takes it: zsh and fish would look for files with the ? in it."""
    return get.replace("http:", "'http:").replace("=@", "=@'")
