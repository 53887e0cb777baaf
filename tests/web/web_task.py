"""What a task is: an application, what a person does with it, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from web_origin import Origin
from web_person import Person


class Served(Protocol):
    """An application that is up."""

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str: ...
    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task. `do` does it in the page at `path`; `outcome` asserts what the application then holds; `shows` is what
    the page then shows; a replay's page is held against that by the replay. `serve` brings the application up with a
    private folder. `doubt` says in what a task has fallen short of its replay: it is tried, not demanded."""

    name: str
    summary: str
    do: Callable[[Person, Any], None]
    shows: str
    outcome: Callable[[Any], None] = lambda app: None
    serve: Callable[[Path], Served] = lambda folder: Origin()
    path: str = "/"
    options: tuple[str, ...] = ()
    doubt: str = ""


def tasks_of(module: ModuleType) -> list[Task]:
    """Its tasks in the order in which they stand there."""
    return [value for value in vars(module).values() if isinstance(value, Task)]
