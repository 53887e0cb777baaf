"""A recorded WebSocket played to a client: frames in, frames out, no connection of its own. Pure but for the log."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable

from replay.players.network.echo import Echo
from replay.players.network.recording import Flow, Message
from replay.players.network.volatile import masked

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MOST = 16 << 20
_MOST_ECHOES = 32
_SHOWN = 120
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_PROTOCOL_ERROR, _TOO_BIG, _NORMAL = 1002, 1009, 1000
Log = Callable[[str, str], None]
"""(recorded, sent) of a message that is not the recorded one."""


def accept_key(key: bytes) -> bytes:
    """What Sec-WebSocket-Accept must say to a client's Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.strip() + _GUID, usedforsecurity=False).digest())


class WebSocketTape:
    """Server messages go out once all client messages that came before them have come again.

    `ended`: nothing more is to be sent or read. `log` is told of client messages that are not as recorded. `ripe` says
    whether the time has come of a server message; if not, `start` is to be called again when it has.
    """

    def __init__(
        self, flow: Flow, echo: Echo | None, log: Log, ripe: Callable[[int], bool] = lambda t: True
    ) -> None:
        self._flow = flow
        self._ripe = ripe
        self._echoes = [echo] if echo else []
        self._log = log
        self._at = 0
        self._data = bytearray()
        self._parts = bytearray()
        self._opcode = 0
        self._closing = False
        self.heard = 0
        """How many whole messages have come."""
        self.ended = False

    def start(self) -> bytes:
        """What the server says now without being asked."""
        return self._release()

    def receive(self, data: bytes) -> bytes:
        """Bytes from the client; returns the bytes that answer them."""
        self._data += data
        out = bytearray()
        while not self.ended:
            frame = self._frame()
            if frame is None:
                break
            if isinstance(frame, int):
                return bytes(out) + self._end(frame, b"")
            final, opcode, payload = frame
            out += self._take(final, opcode, payload)
        return bytes(out)

    def _frame(self) -> tuple[bool, int, bytes] | int | None:
        """(final, opcode, payload); null where more must come; a close code where it breaks the protocol."""
        data = self._data
        if len(data) < 2:
            return None
        first, second = data[0], data[1]
        opcode, length, at = first & 15, second & 127, 2
        if first & 0x70 or not second & 0x80 or (opcode >= _CLOSE and (length > 125 or not first & 0x80)):
            return _PROTOCOL_ERROR
        if length >= 126:
            width = 2 if length == 126 else 8
            at += width
            if len(data) < at:
                return None
            length = int.from_bytes(data[2:at], "big")
        if length + len(self._parts) > _MOST:
            return _TOO_BIG
        if len(data) < at + 4 + length:
            return None
        payload = _unmasked(bytes(data[at + 4 : at + 4 + length]), bytes(data[at : at + 4]))
        del data[: at + 4 + length]
        return bool(first & 0x80), opcode, payload

    def _take(self, final: bool, opcode: int, payload: bytes) -> bytes:
        match opcode:
            case 8:  # close
                self.ended = True
                return b"" if self._closing else frame(_CLOSE, payload)
            case 9:  # ping
                return frame(_PONG, payload)
            case 10:
                return b""
            case 0 if self._opcode:
                self._parts += payload
            case 1 | 2 if not self._opcode:
                self._opcode = opcode
                self._parts += payload
            case _:
                return self._end(_PROTOCOL_ERROR, b"")
        if not final:
            return b""
        self.heard += 1
        content, text = bytes(self._parts), self._opcode == _TEXT
        self._parts.clear()
        self._opcode = 0
        if self._closing:
            return b""
        self._compare(content, text)
        return self._release()

    def _compare(self, content: bytes, text: bool) -> None:
        """Holds a client message against the next recorded one; values of chance are taken over."""
        messages = self._flow.messages
        if self._at >= len(messages):
            self._log("no further message", _shown(content))
            return
        expected = messages[self._at]
        self._at += 1
        if expected.content is None or (expected.content, expected.text) == (content, text):
            return
        try:
            old, new = expected.content.decode(), content.decode()
        except UnicodeDecodeError:
            old, new = "", "differs"
        a, b = masked("", old), masked("", new)
        if a[0] == b[0] and expected.text == text:
            pairs = [(x.text, y.text) for x, y in zip(a[1], b[1], strict=False) if x != y]
            self._echoes = [*self._echoes[-_MOST_ECHOES:], Echo(pairs)] if pairs else self._echoes
        else:
            self._log(_shown(expected.content), _shown(content))

    def _release(self) -> bytes:
        """All server messages up to the next one that the client is to send; then how it ended."""
        out = bytearray()
        messages = self._flow.messages
        while self._at < len(messages) and not messages[self._at].sent:
            if not self._ripe(messages[self._at].at):
                return bytes(out)
            out += self._message(messages[self._at])
            self._at += 1
        end = self._flow.closing
        if self._at >= len(messages) and end is not None and not end.sent and not self._closing:
            if not self._ripe(end.at):
                return bytes(out)
            if end.code is None:
                self.ended = True
            else:
                self._closing = True
                out += frame(_CLOSE, struct.pack("!H", end.code & 0xFFFF) + end.reason.encode()[:120])
        return bytes(out)

    def _message(self, message: Message) -> bytes:
        if message.content is None:
            self._log("a message that was not kept", "")
            return b""
        content = message.content
        for echo in self._echoes:
            content = echo.text(content, body=True)
        return frame(_TEXT if message.text else _BINARY, content)

    def _end(self, code: int, reason: bytes) -> bytes:
        self.ended = True
        return frame(_CLOSE, struct.pack("!H", code) + reason)


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame from a server."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, length))
    elif length < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, length)
    return head + payload


def _unmasked(payload: bytes, key: bytes) -> bytes:
    if not payload:
        return b""
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    whole = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return whole.to_bytes(len(payload), "big")


def _shown(content: bytes) -> str:
    return content[:_SHOWN].decode("utf-8", "backslashreplace")
