"""What `git push` sends: which references are to change, and the objects for that. Pure.

A commit's name holds the second in which it was made, so a push of commits that were made again may differ in nothing
but names of objects.
"""

from __future__ import annotations

import hashlib

MEDIA = b"application/x-git-receive-pack-request"
_MOST = 4096
_NONE = "0" * 40


def parts(data: bytes) -> list[tuple[str, str]] | None:
    """(name, value) of each update, and of the pack: how many objects, and its hash. Null where it is no push."""
    found: list[tuple[str, str]] = []
    at = 0
    while (size := _size(data[at : at + 4])) > 4 and at + size <= len(data) and len(found) < _MOST:
        words = data[at + 4 : at + size].split(b"\0", 1)[0].decode("utf-8", "replace").split()
        # No object at all is another thing than another object: it makes or deletes the reference.
        found.append(
            (f"update {len(found) + 1}", " ".join("none" if word == _NONE else word for word in words))
        )
        at += size
    if size != 0:
        return None
    pack = data[at + 4 :]
    if pack:
        if not pack.startswith(b"PACK"):
            return None
        count = int.from_bytes(pack[8:12])
        found.append(("pack", f"{count} objects {hashlib.sha256(pack).hexdigest()}"))
    return found


def _size(text: bytes) -> int:
    """A packet's length; 0 ends a list, -1 is none."""
    try:
        return int(text, 16) if len(text) == 4 else -1
    except ValueError:
        return -1
