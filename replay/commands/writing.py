"""What exports write: a new file that is there whole or not at all, and what its format could not hold."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from recorder.trace.errors import UsageError
from recorder.trace.printable import printable
from replay.export.losses import Loss

OUT = click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. [default: standard output]",
)
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")


def told_losses(form: str, losses: Sequence[Loss]) -> None:
    """Says on standard error what the format `form` could not hold."""
    if losses:
        click.echo(f"what {form} has no words for (left out, or in fields of our own):", err=True)
    for loss in losses:
        click.echo(f"  {loss.count:5} × {printable(loss.what)}", err=True)


@contextmanager
def written(out: Path | None, overwrite: bool) -> Iterator[IO[bytes]]:
    """Standard output, or a new private file at `out` that is there whole or not at all.

    Raises UsageError where it may not be made, or the disk takes no more.
    """
    if out is None:
        yield sys.stdout.buffer
        return
    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists; choose another name or give --overwrite")
    if out.exists() and not out.is_file():  # a device or a pipe is written to, never replaced
        with out.open("wb") as file:
            yield file
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}") from error
    try:
        with open(fd, "w+b") as file:
            yield file
        if overwrite:
            beside.replace(out)
        else:
            _place(beside, out)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise UsageError(f"{out} cannot be written: {error.strerror}; it was not changed") from error
    finally:
        beside.unlink(missing_ok=True)


def _place(beside: Path, out: Path) -> None:
    try:
        os.link(beside, out)  # unlike a rename, never over another's file
    except FileExistsError:
        raise UsageError(f"{out} exists; choose another name or give --overwrite") from None
    except OSError:  # a file system without links
        beside.replace(out)


def counted(portions: Iterable[bytes], total: int) -> Iterator[bytes]:
    """The portions; meanwhile a line says how many of `total` there were, on a terminal only."""
    if total < 100 or not sys.stderr.isatty():
        yield from portions
        return
    for count, portion in enumerate(portions):
        yield portion
        if count % 100 == 0:
            click.echo(f"\r\x1b[Kexporting: {min(count, total)} of {total}", nl=False, err=True)
    click.echo("\r\x1b[K", nl=False, err=True)


_PACKED = (".dat", ".png", ".jpg", ".jpeg", ".gif", ".webp")
"""Members that hardly get smaller, and would take a minute a gigabyte to try."""


class Archive:
    """A ZIP that is written member by member."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive

    def attach(self, name: str, content: Iterable[bytes]) -> None:
        """Adds a member. Not to be called while another's content comes."""
        told = zipfile.ZipInfo(name)
        packs = not name.endswith(_PACKED)
        told.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
        told.external_attr = 0o600 << 16
        with self._zip.open(told, "w", force_zip64=True) as member:
            for data in content:
                member.write(data)

    def gather(self, name: str, content: Iterable[bytes]) -> None:
        """Adds a member whose content may attach others while it comes: it waits in a file and goes in after them."""
        with tempfile.TemporaryFile() as waiting:
            waiting.writelines(content)
            waiting.seek(0)
            self.attach(name, iter(lambda: waiting.read(1 << 20), b""))


@contextmanager
def zip_of(file: IO[bytes]) -> Iterator[Archive]:
    """A ZIP in `file`."""
    with zipfile.ZipFile(file, "w") as zipped:
        yield Archive(zipped)
