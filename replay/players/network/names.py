"""Names of hosts: each recorded one has the addresses that were told, or one of ours; all others do not exist. Pure."""

from __future__ import annotations

import ipaddress
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

_POOL = ipaddress.ip_network("198.18.0.0/15")
"""Set aside for tests of networks (RFC 2544): nobody's real address."""
_HEADER = struct.Struct("!6H")
_A, _PTR, _AAAA, _ANY, _IN = 1, 12, 28, 255, 1
_NO_ERROR, _FORMAT_ERROR, _NOT_THERE, _NOT_DONE = 0, 1, 3, 4
_KINDS = {_A: "A", _AAAA: "AAAA"}
_TTL = 60
_LONGEST_NAME = 255
_NEVER = ".invalid"
"""RFC 6761: no such name exists anywhere, so that it was never recorded says nothing."""


class Question(NamedTuple):
    """`wire` is the question as it came, for the answer to repeat."""

    name: str
    kind: int
    wire: bytes


class Told(NamedTuple):
    """What a name server said when it was recorded: `addresses`, with a `code` of DNS."""

    addresses: tuple[str, ...]
    code: int


class Names:
    """Answers queries about recorded `hosts`. `absent` names did not exist when it was recorded either; `unknown` is
    told of any other name that is asked for, once. `told` has what was said to whoever asked for a (name, type), in
    order: that is said again, the last for ever."""

    def __init__(
        self,
        hosts: Iterable[str],
        absent: Iterable[str],
        unknown: Callable[[str], None],
        told: Mapping[tuple[str, str], Sequence[Told]] | None = None,
    ) -> None:
        self._recorded = {question: deque(answers) for question, answers in (told or {}).items() if answers}
        self._asked = {name for name, _ in self._recorded}
        plain = {host.lower().rstrip(".") for host in hosts if not _is_address(host)}
        named = sorted(plain - self._asked - {""})
        self._absent = frozenset(absent)
        self._unknown = unknown
        self._told: set[str] = set()
        first = int(_POOL.network_address) + 257
        self._addresses = {
            name: ipaddress.ip_address(first + number)
            for number, name in enumerate(named[: _POOL.num_addresses - 512])
        }
        self._names = {str(address): name for name, address in self._addresses.items()}
        for (name, _), answers in self._recorded.items():
            self._names.update((address, name) for answer in answers for address in answer.addresses)

    def addresses_of(self, name: str) -> list[str]:
        """The addresses that stand for a host name."""
        name = name.lower().rstrip(".")
        return [address for address, named in self._names.items() if named == name]

    def name_of(self, address: str) -> str | None:
        """The host name that an address stands for."""
        return self._names.get(address)

    def answer(self, query: bytes) -> bytes | None:
        """The answer to one DNS message; null where nothing can be said to it."""
        if len(query) < _HEADER.size:
            return None
        number, flags, questions, *_ = _HEADER.unpack_from(query)
        if flags & 0x8000:
            return None
        question = _question(query) if questions == 1 else None
        if flags & 0x7800 or question is None:
            code = _NOT_DONE if flags & 0x7800 else _FORMAT_ERROR
            return _HEADER.pack(number, _reply(flags, code), 0, 0, 0, 0)
        code, records = self._look_up(question)
        return (
            _HEADER.pack(number, _reply(flags, code), 1, len(records), 0, 0)
            + question.wire
            + b"".join(records)
        )

    def _look_up(self, question: Question) -> tuple[int, list[bytes]]:
        name = question.name
        answers = self._recorded.get((name, _KINDS.get(question.kind, "")))
        if answers is not None:
            told = answers.popleft() if len(answers) > 1 else answers[0]
            return told.code, [_record(question.kind, ipaddress.ip_address(a).packed) for a in told.addresses]
        if name in self._asked:
            return _NO_ERROR, []
        if question.kind == _PTR and name.endswith(".in-addr.arpa"):
            pointed = self._names.get(".".join(reversed(name.removesuffix(".in-addr.arpa").split("."))))
            return (_NO_ERROR, [_record(_PTR, _wire(pointed))]) if pointed else (_NOT_THERE, [])
        address = self._addresses.get(name)
        if address is None and (name == "localhost" or name.endswith(".localhost")):
            address = ipaddress.ip_address("127.0.0.1")
        if address is None:
            known = name in self._absent or name.endswith(_NEVER) or name in self._told
            if not known and len(self._told) < 10_000:
                self._told.add(name)
                self._unknown(name)
            return _NOT_THERE, []
        return _NO_ERROR, [_record(_A, address.packed)] if question.kind in (_A, _ANY) else []


def _question(query: bytes) -> Question | None:
    labels: list[str] = []
    at = _HEADER.size
    while at < len(query) and (length := query[at]):
        if length > 63 or at + 1 + length >= len(query) or at - _HEADER.size > _LONGEST_NAME:
            return None
        labels.append(query[at + 1 : at + 1 + length].decode("latin-1").lower())
        at += 1 + length
    if at + 5 > len(query):
        return None
    kind, of = struct.unpack_from("!HH", query, at + 1)
    return Question(".".join(labels), kind, query[_HEADER.size : at + 5]) if of in (_IN, _ANY) else None


def _reply(flags: int, code: int) -> int:
    """An authoritative answer's flags; recursion was asked for or not, and is there."""
    return 0x8480 | (flags & 0x0100) | code


def _record(kind: int, data: bytes) -> bytes:
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, _IN, _TTL, len(data)) + data


def _wire(name: str) -> bytes:
    labels = (label.encode("latin-1", "replace")[:63] for label in name.split(".") if label)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
