"""What a trace is: events, frames, journals, blobs, the sealed file, its integrity. Imports nothing else of ours.

The public names load on first use, so that `import recorder.trace.frames` costs no more than that module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recorder.trace.blobs import BlobStore, BlobTooLarge
    from recorder.trace.codec import Recorded, decode_event, encode_event, split_event, with_time
    from recorder.trace.container import TraceWriter
    from recorder.trace.errors import (
        Code,
        RecordingFailed,
        ReenactError,
        TraceRejected,
        Unsupported,
        UsageError,
    )
    from recorder.trace.journal import JournalReader, JournalWriter, read_journal
    from recorder.trace.keys import create_key, load_key
    from recorder.trace.manifest import Draft, Manifest, new_trace_id
    from recorder.trace.reader import IntegrityReport, Trace, open_trace
    from recorder.trace.redaction import redact

__all__ = [
    "BlobStore",
    "BlobTooLarge",
    "Code",
    "Draft",
    "IntegrityReport",
    "JournalReader",
    "JournalWriter",
    "Manifest",
    "Recorded",
    "RecordingFailed",
    "ReenactError",
    "Trace",
    "TraceRejected",
    "TraceWriter",
    "Unsupported",
    "UsageError",
    "create_key",
    "decode_event",
    "encode_event",
    "load_key",
    "new_trace_id",
    "open_trace",
    "read_journal",
    "redact",
    "split_event",
    "with_time",
]

_HOME = {
    "BlobStore": "blobs",
    "BlobTooLarge": "blobs",
    "Recorded": "codec",
    "decode_event": "codec",
    "encode_event": "codec",
    "split_event": "codec",
    "with_time": "codec",
    "TraceWriter": "container",
    "JournalReader": "journal",
    "JournalWriter": "journal",
    "read_journal": "journal",
    "create_key": "keys",
    "load_key": "keys",
    "Draft": "manifest",
    "Manifest": "manifest",
    "new_trace_id": "manifest",
    "IntegrityReport": "reader",
    "Trace": "reader",
    "open_trace": "reader",
    "redact": "redaction",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"recorder.trace.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value
