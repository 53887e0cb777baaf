"""Applications that are programs of their own: brought up on a free port, with a private folder."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

HERE = Path(__file__).resolve().parent
BESIDE = Path(sys.executable).parent
SECONDS = 60.0


class Program:
    """A server. `words` start it, PORT among them standing for its port."""

    def __init__(self, folder: Path, words: Sequence[str | Path]) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [str(word).replace("PORT", str(self.port)) for word in words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=os.environ | {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        until = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, f"nothing listens on port {self.port}"
                time.sleep(0.05)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


class Shop(Program):
    """Django's admin over a shop, see shop/."""

    def __init__(self, folder: Path) -> None:
        shutil.copy(_shop(), folder / "shop.sqlite")
        (folder / "sheet.txt").write_text("Oak, 40 × 60 cm\n")
        manage = HERE / "shop/manage.py"
        super().__init__(folder, [sys.executable, manage, folder, "runserver", "--noreload", "PORT"])

    def all(self, query: str) -> list[Any]:
        """What the database answers."""
        base = sqlite3.connect(self.folder / "shop.sqlite")
        try:
            return base.execute(query).fetchall()
        finally:
            base.close()


@cache
def _shop() -> Path:
    """A database as the shop begins with; made once."""
    folder = Path(mkdtemp(prefix="shop-"))
    for words in (["migrate", "--run-syncdb", "-v0"], ["stock"]):
        subprocess.run([sys.executable, HERE / "shop/manage.py", folder, *words], check=True)
    return folder / "shop.sqlite"


class Wiki(Program):
    """TiddlyWiki's own server."""

    def __init__(self, folder: Path) -> None:
        program = ["node", HERE / "node_modules/tiddlywiki/tiddlywiki.js", folder / "wiki"]
        subprocess.run([*program, "--init", "server"], check=True, stdout=subprocess.DEVNULL)
        super().__init__(folder, [*program, "--listen", "port=PORT", "username=ada"])


class Party(Program):
    """copyparty, a file manager, over a folder that all may change."""

    def __init__(self, folder: Path) -> None:
        share = folder / "share"
        (share / "letters").mkdir(parents=True)
        (share / "bill.txt").write_text("seven\n")
        (share / "old.txt").write_text("gone soon\n")
        (folder / "new.txt").write_text("hello\n")
        super().__init__(
            folder,
            [
                sys.executable,
                "-m",
                "copyparty",
                "-i",
                "127.0.0.1",
                "-p",
                "PORT",
                "-v",
                f"{share}::rwmd",
                "-q",
                "--no-thumb",
            ],
        )


class Contacts(Program):
    """An address book by Flask and htmx, see contacts.py."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [sys.executable, HERE / "contacts.py", "PORT"])


class Tables(Program):
    """sqlite-web over a small database."""

    def __init__(self, folder: Path) -> None:
        self.base = folder / "books.sqlite"
        with sqlite3.connect(self.base) as base:
            base.execute("create table books (id integer primary key, title text, year integer)")
            rows = [("Emma", 1815), ("Middlemarch", 1871), ("Orlando", 1928)]
            base.executemany("insert into books (title, year) values (?, ?)", rows)
        base.close()
        super().__init__(folder, [BESIDE / "sqlite_web", "-p", "PORT", "-H", "127.0.0.1", "-x", self.base])

    def all(self, query: str) -> list[Any]:
        base = sqlite3.connect(self.base)
        try:
            return base.execute(query).fetchall()
        finally:
            base.close()
