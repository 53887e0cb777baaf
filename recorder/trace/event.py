"""What every event is made of: its base, and the types that kinds in `events` and `pages` share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Nanos = Annotated[int, Meta(ge=0, lt=2**62, description="nanoseconds since the session started")]
Offset = Annotated[int, Meta(ge=0, lt=2**53, description="bytes of raw output before this point")]
Count = Annotated[int, Meta(ge=0, lt=2**31)]
Cells = Annotated[int, Meta(ge=1, le=65535, description="character cells")]
Exit = Annotated[int, Meta(ge=-255, le=255, description="exit status; minus the signal if one killed it")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256 of the blob's content, hex")]
Path = Annotated[str, Meta(max_length=16384, description="bytes outside UTF-8 as \\xNN, backslash as \\\\")]
Source = Annotated[
    str, Meta(pattern=r"^[a-z]+(/[0-9]{1,4})?\Z", description="session, terminal/1, workspace, notes")
]


class Event(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One timestamped fact from a source."""

    t: Nanos
    source: Source
