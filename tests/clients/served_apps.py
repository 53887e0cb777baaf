"""The servers that clients ask: `python served_apps.py APP FOLDER PLAIN SECURE CERTIFICATE` serves one of them.

PLAIN and SECURE are descriptors of sockets that listen; the second speaks TLS, with HTTP/2 for who asks for it. A
program of its own, so that it can be stopped for good.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from hypercorn.asyncio import serve
from hypercorn.config import Config

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
BLOCK = 65536


def web(folder: Path) -> Any:
    """httpbin, and the folder's files with ranges and validators."""
    from flask import send_from_directory
    from httpbin import app

    app.add_url_rule(
        "/site/<path:name>", "site", lambda name: send_from_directory(folder, name, conditional=True)
    )
    return WsgiToAsgi(app)


def index(folder: Path) -> Any:
    """A package index of the folder's distributions."""
    import pypiserver

    return WsgiToAsgi(pypiserver.app(roots=[folder], disable_fallback=True))


def repositories(folder: Path) -> Any:
    """`git http-backend` by CGI, for reading and pushing."""
    command = [subprocess.check_output(["git", "--exec-path"], text=True).strip() + "/git-http-backend"]

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        env = {name: value for name, value in environ.items() if isinstance(value, str)}
        env |= {"GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "expert"}
        env |= {"PATH": os.environ["PATH"], "HOME": str(folder)}
        body = environ["wsgi.input"].read()
        env["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(command, input=body, env=env, stdout=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").split("\r\n")]
        status = dict(headers).get("Status", "200 OK")
        start_response(status, [(n, v) for n, v in headers if n != "Status"])
        return [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]

    return WsgiToAsgi(app)


def messages(folder: Path) -> Any:
    """A WebSocket that answers in capitals, and five events one after the other."""

    async def app(
        scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            return
        if scope["type"] == "websocket":
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                if (text := message.get("text")) is not None:
                    await send({"type": "websocket.send", "text": text.upper()})
                else:
                    await send({"type": "websocket.send", "bytes": message["bytes"][::-1]})
            return
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(5):
            data = f'id: {number}\nevent: tick\ndata: {{"n": {number}}}\n\n'
            await send({"type": "http.response.body", "body": data.encode(), "more_body": True})
            await asyncio.sleep(0.02)
        await send({"type": "http.response.body"})

    return app


APPS = {"web": web, "index": index, "repositories": repositories, "messages": messages}


def main(name: str, folder: str, plain: str, secure: str, certificate: str) -> None:
    config = Config()
    config.insecure_bind = [f"fd://{plain}"]
    config.bind = [f"fd://{secure}"]
    config.certfile = config.keyfile = certificate
    config.errorlog = None
    asyncio.run(serve(APPS[name](Path(folder)), config, mode="asgi"))


if __name__ == "__main__":
    main(*sys.argv[1:])
