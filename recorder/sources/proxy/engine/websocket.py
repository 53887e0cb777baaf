"""What mitmproxy's WebSocket library lacks: a ping between the frames of a compressed message ends the compression
there, and the connection with it. Mended in its own class: it is made deep inside mitmproxy's layers.
"""

from __future__ import annotations

from typing import Any

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import Opcode, RsvBits


def mend() -> None:
    """Puts our version in place; further calls do nothing."""
    extension: Any = PerMessageDeflate
    if getattr(extension, "reenact", False):
        return
    extension.reenact = True
    header, complete = extension.frame_inbound_header, extension.frame_inbound_complete

    def with_control_frames(self: Any, proto: Any, opcode: Opcode, rsv: RsvBits, length: int) -> Any:
        compressed = self._inbound_compressed
        told = header(self, proto, opcode, rsv, length)
        if opcode.iscontrol():
            self._inbound_compressed = compressed
        return told

    def but_for_control_frames(self: Any, proto: Any, fin: bool) -> Any:
        return complete(self, proto, fin) if self._inbound_is_compressible else None

    extension.frame_inbound_header = with_control_frames
    extension.frame_inbound_complete = but_for_control_frames
