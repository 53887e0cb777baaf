"""What mitmproxy's HTTP/2 lacks: it forgets interim responses. They are still not handed on, but noted on the server's
connection, as over HTTP/1.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from h2.events import InformationalResponseReceived, ResponseReceived, StreamEnded, StreamReset
from mitmproxy.proxy.layers.http._http2 import Http2Client

from recorder.sources.proxy.engine.http1 import INTERIM, MOST_INTERIM


def mend() -> None:
    """Puts our version in place; further calls do nothing."""
    client: Any = Http2Client
    if getattr(client, "reenact", False):
        return
    client.reenact = True
    handle = client.handle_h2_event

    def noting(self: Any, event: Any) -> Generator[Any, Any, bool]:
        noted = self.__dict__.setdefault("reenact_streams", {})
        match event:
            case InformationalResponseReceived():
                status = int(dict(event.headers).get(b":status", b"100"))
                noted[event.stream_id] = (*noted.get(event.stream_id, ()), status)[-MOST_INTERIM:]
            case ResponseReceived() if event.stream_id in noted:
                # What the original yields now is handled, our hook included, before any other stream's event.
                setattr(self.conn, INTERIM, noted.pop(event.stream_id))
            case StreamEnded() | StreamReset():
                noted.pop(event.stream_id, None)
        done: bool = yield from handle(self, event)
        return done

    client.handle_h2_event = noting
