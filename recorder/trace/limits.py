"""Every bound that reading holds a trace to. Writing keeps the same ones, so what was sealed can be read."""

from __future__ import annotations

MAX_ARCHIVE = 64 << 30
"""Bytes of a trace file."""

MAX_MEMBERS = 262_144
"""Members of a trace file, blobs included. Each costs a reader about 250 bytes of memory."""

MAX_TERMINALS = 64

FREE_EXPANSION = 1 << 30
MAX_RATIO = 8192
"""All contents together: at most `FREE_EXPANSION` + `MAX_RATIO` times the size of the file, ..."""

MAX_CONTENT = 256 << 30
"""... and at most this many bytes."""

MAX_MANIFEST = 4 << 20
MAX_EVENTS = 4_000_000
MAX_EVENTS_BYTES = 4 << 30
MAX_SALT_LINE = 4096
MAX_SALTS = 16_000_000
MAX_SALTS_PER_EVENT = 16_384
MAX_REDACTED = 65_536
MAX_SALTS_BYTES = 4 << 30

MAX_BLOB = 1 << 30
"""Content bytes of one blob."""

MAX_BLOB_IN_MEMORY = 64 << 20
"""Content bytes of a blob that is asked for as one `bytes`."""

MAX_OUTPUT_SLICE = 64 << 20
"""Bytes of raw terminal output that are asked for as one `bytes`."""

CHUNK = 1 << 20
MAX_CHUNK = 4 << 20
"""A chunk of terminal frames: writers close one at `CHUNK` content bytes, readers take up to `MAX_CHUNK`.
Only the last chunk of a stream may be shorter than `CHUNK`."""

MAX_WINDOW = 8 << 20
"""The zstd window; a decoder needs this much memory."""

MAX_LINE = 4 << 20
"""Bytes of one event's line. A longer list of changes is told in several events (`codec.split_event`)."""

MAX_VALUES = 262_144
"""Keys and values of one JSON text."""

MAX_DEPTH = 32
"""Objects and arrays inside one another."""

MAX_INTEGER_DIGITS = 20
MAX_FRACTION_DIGITS = 20

IO = 1 << 18
"""Bytes of one read or write."""
