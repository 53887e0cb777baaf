"""The name server of an isolated session: answers with what this machine's resolver says, and tells each answer.

Asked by UDP and TCP. A name that leads to this machine's own loopback is answered with `HOST_ADDRESS`: loopback inside
is the session's own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from contextlib import suppress
from typing import cast

from mitmproxy import dns
from mitmproxy.net.dns import response_codes, types

from recorder.sources.proxy.capture import Capture
from recorder.sources.proxy.engine.destinations import HOST_ADDRESS, HOST_NAME, Destinations

_FAMILIES = {types.A: socket.AF_INET, types.AAAA: socket.AF_INET6}
_NOT_THERE = (socket.EAI_NONAME,)
_EMPTY = tuple(
    code for name in ("EAI_NODATA", "EAI_ADDRFAMILY") if (code := getattr(socket, name, None)) is not None
)
_MOST_ADDRESSES = 16
_MOST_AT_ONCE = 256
_LONGEST_NAME = 255
_ERRORS = (struct.error, ValueError, IndexError, RecursionError)
"""What a message that is none raises."""


class NameServer(asyncio.DatagramProtocol):
    """Answers datagrams on a socket, and messages for `NameStream`."""

    def __init__(self, capture: Capture, destinations: Destinations) -> None:
        self._capture = capture
        self._destinations = destinations
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, client: tuple[str, int]) -> None:
        if len(self._tasks) >= _MOST_AT_ONCE:
            return  # whoever asks so much asks again
        task = asyncio.get_running_loop().create_task(self._reply(data, client))
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, client: tuple[str, int]) -> None:
        answer = await self.answer(data)
        if answer is not None:
            self._transport.sendto(answer, client)

    async def answer(self, data: bytes) -> bytes | None:
        """The answer to one DNS message; None where nothing can be said to it."""
        try:
            query = dns.DNSMessage.unpack(data)
            if not query.query or len(query.questions) != 1 or query.op_code != 0:
                return None
            [question], wire = query.questions, _question(data)
            name = question.name.encode("idna").decode().lower().rstrip(".")  # as it was on the wire
        except _ERRORS:
            return None
        if len(name) > _LONGEST_NAME:
            return None
        code, addresses = await self._look_up(name, question.type)
        self._destinations.named(name, addresses)
        self._capture.name_asked(name, types.to_str(question.type), addresses, code)
        return _packed(data[:4], wire, question.type, code, addresses)

    async def _look_up(self, name: str, kind: int) -> tuple[int, list[str]]:
        family = _FAMILIES.get(kind)
        if name == HOST_NAME:
            return response_codes.NOERROR, [HOST_ADDRESS] if kind == types.A else []
        if family is None:
            return response_codes.NOERROR, []
        code, found = await _resolve(name, family)
        if code == response_codes.NXDOMAIN:
            # A name may be there without an address of this kind, and not every resolver tells that from no name.
            other = socket.AF_INET if family == socket.AF_INET6 else socket.AF_INET6
            if (await _resolve(name, other))[0] == response_codes.NOERROR:
                code = response_codes.NOERROR
        addresses = []
        for address in found:
            if ipaddress.ip_address(address).is_loopback:
                address = HOST_ADDRESS if family == socket.AF_INET else ""
            elif family == socket.AF_INET6 and not _reachable(address):
                address = ""  # a client would try it first; from here nothing leads there
            if address and address not in addresses:
                addresses.append(address)
        return code, addresses[:_MOST_ADDRESSES]


class NameStream(asyncio.Protocol):
    """One client over TCP: each message after its length in two bytes."""

    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._data = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        while len(self._data) >= 2:
            end = 2 + int.from_bytes(self._data[:2], "big")
            if len(self._data) < end:
                return
            message = bytes(self._data[2:end])
            del self._data[:end]
            answer = await self._server.answer(message)
            if answer is not None:
                self._transport.write(struct.pack("!H", len(answer)) + answer)


def _question(query: bytes) -> bytes:
    """The one question as it came. Raises ValueError or IndexError."""
    end = 12
    while length := query[end]:
        if length > 63:
            raise ValueError("a question points elsewhere")
        end += 1 + length
    return query[12 : end + 5]


def _packed(head: bytes, wire: bytes, kind: int, code: int, addresses: list[str]) -> bytes:
    """The answer to a question, as a replay makes it, too: programs may show its flags and its size. `head` is how the
    query begins."""
    number, asked = struct.unpack("!HH", head)
    answer = struct.pack("!6H", number, 0x8480 | (asked & 0x0100) | code, 1, len(addresses), 0, 0)
    data = [ipaddress.ip_address(address).packed for address in addresses]
    records = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(one)) + one for one in data]
    return answer + wire + b"".join(records)


async def _resolve(name: str, family: int) -> tuple[int, list[str]]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=family, type=socket.SOCK_STREAM
        )
    except socket.gaierror as error:
        if error.errno in _EMPTY:
            return response_codes.NOERROR, []
        return response_codes.NXDOMAIN if error.errno in _NOT_THERE else response_codes.SERVFAIL, []
    except (OSError, UnicodeError):
        return response_codes.SERVFAIL, []
    return response_codes.NOERROR, [str(one[4][0]).partition("%")[0] for one in found]


def _reachable(address: str) -> bool:
    """Whether this machine has a route there. Sends nothing."""
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 53))
        return True
    return False
