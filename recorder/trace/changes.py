"""Trees as values: what differs between two, how changes follow one another, and the tree blob. Pure.

A tree here is a mapping of path bytes, relative to the workspace root, to what stands there. Modification
times are in a snapshot (a restored tree needs their order) but never in a change: a change is about content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from recorder.trace import jsonscan
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import Change, FileState, TreeEntry, escape_path, unescape_path

MAX_LINE = 128 * 1024
MAX_PATH = 4096


def same(one: FileState | None, other: FileState | None) -> bool:
    """Whether two states are equal but for their modification times."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    return (
        one.type == other.type
        and one.mode == other.mode
        and one.size == other.size
        and one.blob == other.blob
        and one.target == other.target
        and one.skipped == other.skipped
    )


def untimed(state: FileState | None) -> FileState | None:
    """The state without its modification time."""
    if state is None or state.mtime_ns is None:
        return state
    return msgspec.structs.replace(state, mtime_ns=None)


def diff(before: Mapping[bytes, FileState], after: Mapping[bytes, FileState]) -> list[Change]:
    """What turns one tree into the other, sorted by path."""
    return changes_of(
        (path, before.get(path), after.get(path))
        for path in before.keys() | after.keys()
        if before.get(path) is not after.get(path)
    )


def changes_of(
    triples: Iterable[tuple[bytes, FileState | None, FileState | None]],
) -> list[Change]:
    """(path, before, after) triples as changes, sorted; those that change nothing are left out."""
    changes = [
        Change(path=escape_path(path), before=untimed(before), after=untimed(after))
        for path, before, after in triples
        if not same(before, after)
    ]
    changes.sort(key=_by_path)
    return changes


def compose(runs: Iterable[Iterable[Change]]) -> list[Change]:
    """One list of changes that does what the given lists do one after another, sorted by path.

    What was changed and changed back is not in it: compose([diff(a, b), diff(b, c)]) == diff(a, c).
    """
    first: dict[str, Change] = {}
    last: dict[str, Change] = {}
    for run in runs:
        for change in run:
            first.setdefault(change.path, change)
            last[change.path] = change
    changes = [
        Change(path=path, before=untimed(opening.before), after=untimed(last[path].after))
        for path, opening in first.items()
        if not same(opening.before, last[path].after)
    ]
    changes.sort(key=_by_path)
    return changes


def apply(tree: Mapping[bytes, FileState], changes: Iterable[Change]) -> dict[bytes, FileState]:
    """The tree after the changes; what they say of `before` is not checked."""
    result = dict(tree)
    for change in changes:
        path = unescape_path(change.path)
        if change.after is None:
            result.pop(path, None)
        else:
            result[path] = change.after
    return result


def _by_path(change: Change) -> str:
    return change.path


# -- the tree blob ----------------------------------------------------------------------------------

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(TreeEntry)


def encode_tree(tree: Mapping[bytes, FileState]) -> Iterator[bytes]:
    """The tree blob's lines, each with its newline, sorted by escaped path."""
    for text, path in sorted((escape_path(path), path) for path in tree):
        yield _encoder.encode(TreeEntry(path=text, state=tree[path])) + b"\n"


def decode_tree(data: bytes, *, place: str = "tree", entries: int = 200_000) -> dict[bytes, FileState]:
    """A tree blob back as a tree. Raises TraceRejected only.

    Promises of the result: every path is relative, has no empty, `.` or `..` part and no NUL, and its parent
    is in the tree as a folder; nothing stands at a path twice.
    """
    tree: dict[bytes, FileState] = {}
    previous = ""
    start = 0
    number = 0
    while start < len(data):
        number += 1
        end = data.find(b"\n", start)
        where = f"{place}, line {number}"
        if number > entries:
            raise TraceRejected(Code.TOO_LARGE, where, f"more than {entries} entries")
        if end < 0:
            raise TraceRejected(Code.TRUNCATED, where, "no newline at the end")
        if end - start > MAX_LINE:
            raise TraceRejected(Code.TOO_LARGE, where, f"a line of more than {MAX_LINE} bytes")
        line = data[start:end]
        try:
            entry = _decoder.decode(line)
            path = unescape_path(entry.path)
        except msgspec.ValidationError as error:
            raise TraceRejected(Code.SCHEMA, where, str(error)) from error
        except UnicodeError as error:
            raise TraceRejected(Code.ENCODING, where, str(error)) from error
        except RecursionError as error:
            raise TraceRejected(Code.TOO_DEEP, where, "nested too deep") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise TraceRejected(Code.SYNTAX, where, str(error)) from error
        if _encoder.encode(entry) != line:
            jsonscan.check(line, where)  # not as we write it: a later version's fields, or foul play
        _check_path(path, tree, where)
        if escape_path(path) != entry.path:
            raise TraceRejected(Code.NAME, where, "the path is not in its one canonical escaped form")
        if entry.path <= previous:
            code = Code.DUPLICATE if path in tree else Code.ORDER
            raise TraceRejected(code, where, "paths must rise from line to line")
        previous = entry.path
        tree[path] = entry.state
        start = end + 1
    return tree


def _check_path(path: bytes, tree: Mapping[bytes, FileState], where: str) -> None:
    if not path or len(path) > MAX_PATH or b"\0" in path:
        raise TraceRejected(Code.NAME, where, "the path is empty, too long or holds NUL")
    if any(part in (b"", b".", b"..") for part in path.split(b"/")):
        raise TraceRejected(Code.NAME, where, "the path must be relative, without empty, '.' and '..' parts")
    parent = path.rpartition(b"/")[0]
    if parent and (stands := tree.get(parent)) is None:
        raise TraceRejected(Code.ORDER, where, "the path's folder must come before it")
    if parent and stands is not None and stands.type != "folder":
        raise TraceRejected(Code.NAME, where, "the path lies under something that is no folder")
