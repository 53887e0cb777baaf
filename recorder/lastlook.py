"""The last look before a trace is sealed: what was found to be a secret late is replaced where it still stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from ahocorasick_rs import BytesAhoCorasick, Implementation

from recorder.redact import Lane, SharedRedactor
from recorder.redact.coded import NotDecoded, redact_coded
from recorder.redact.encodings import forms
from recorder.redact.views import unbroken
from recorder.spelled import Pieces, unspelled
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event, encode_event
from recorder.trace.events import (
    AnyEvent,
    FlowAnswered,
    FlowRequested,
    Input,
    SecretReplaced,
    TreeEntry,
    Unknown,
    WorkspaceSnapshot,
)
from recorder.trace.manifest import Draft

_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")
_LONGEST = 8192


class LastLook:
    """Looks for all that a session's vault knows, by no rule; and notes which placeholders stand in the trace."""

    def __init__(self, vault: Path) -> None:
        """Raises OSError or ValueError where the vault cannot be read."""
        self.redactor = SharedRedactor(vault)
        self._entries = self.redactor.vault.entries()
        patterns: dict[bytes, int] = {}
        for number, entry in enumerate(self._entries):
            for form in forms(entry.secret, entry.placeholder):
                patterns.setdefault(form.new, number)
        self._owners = list(patterns.values())
        self._automaton = BytesAhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)
        self._seen: set[int] = set()

    @property
    def needed(self) -> bool:
        """Whether anything is known."""
        return len(self.redactor.vault) > 0

    def content(self, data: bytes) -> bytes:
        """Any bytes; as long as before."""
        data = self.redactor.known_only(data, "seal")
        self._note(data)
        return data

    def output(self, portions: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """A terminal's output, in the portions in which it comes."""
        if not self.needed:
            yield from portions
            return
        lane = Lane(self.redactor.stream("seal", rules=False))
        waiting: list[tuple[int, int]] = []
        tail = b""
        for t, data in portions:
            lane.feed(data)
            waiting.append((t, len(data)))
            while waiting and (out := lane.take(waiting[0][1])) is not None:
                tail = self._noted(tail, out)
                yield waiting.pop(0)[0], out
        lane.flush()
        for t, length in waiting:
            out = lane.take(length) or b""
            tail = self._noted(tail, out)
            yield t, out

    def events(self, events: list[AnyEvent], moved: Mapping[str, str]) -> list[AnyEvent]:
        """The events, with blobs that `blobs` has moved under their new names. Call `blobs` first."""
        events, _ = self._unspelled(events)
        typed = [event for event in events if isinstance(event, Input) and not event.hidden]
        keys = b"".join(event.data for event in typed)
        replaced = self.content(keys)
        at = 0
        again: dict[int, AnyEvent] = {}
        for event in typed:
            data = replaced[at : at + len(event.data)]
            at += len(data)
            if data != event.data:
                again[id(event)] = msgspec.structs.replace(event, data=data)
        return [self._event(again.get(id(event), event), moved) for event in events]

    def blobs(self, store: BlobStore, events: list[AnyEvent]) -> dict[str, str]:
        """Looks into every blob of the session; the digests of those that were replaced, old to new."""
        codings = _codings(events)
        _, spelled = self._unspelled(events)
        trees = {event.tree for event in events if isinstance(event, WorkspaceSnapshot)}
        moved: dict[str, str] = {}
        for digest in sorted(store, key=lambda digest: digest in trees):  # trees last: they name other blobs
            content = store.get(digest)
            new = self._body(content, codings[digest]) if digest in codings else self.content(content)
            for beginning, instead in spelled.get(digest, ()):
                new = new.replace(beginning.encode(), instead.encode())
            if digest in trees and (renamed := _renamed(new, moved)) != content:
                new = _sorted(renamed)
            if new != content:
                moved[digest] = store.put(new)
                store.path(digest).unlink()
        return moved

    def _unspelled(self, events: list[AnyEvent]) -> tuple[list[AnyEvent], dict[str, Pieces]]:
        """Without what was typed into pages of secrets."""
        texts = ((entry.secret.decode("utf-8", "replace"), entry.placeholder) for entry in self._entries)
        same = {
            secret: said for secret, stands in texts if len(secret) == len(said := stands.decode("latin-1"))
        }
        return unspelled(events, same)

    def draft(self, draft: Draft) -> Draft:
        """What is known of the session from its start."""
        return msgspec.json.decode(self.content(msgspec.json.encode(draft)), type=Draft)

    def placeholders(self, t: int) -> list[AnyEvent]:
        """The placeholders that were seen, stated at `t`."""
        return [
            SecretReplaced(t=t, source="session", placeholder=entry.placeholder, rule=entry.rule)
            for number, entry in enumerate(self._entries)
            if number in self._seen
        ]

    def _event(self, event: AnyEvent, moved: Mapping[str, str]) -> AnyEvent:
        line = encode_event(event)
        new = _renamed(self.content(line), moved)
        if new == line:
            return event
        decoded = decode_event(new, "event")
        assert not isinstance(decoded, Unknown)
        return decoded

    def _body(self, body: bytes, coding: str) -> bytes:
        try:
            return redact_coded(body, coding, self.content)
        except NotDecoded:
            return self.content(body)

    def _noted(self, tail: bytes, data: bytes) -> bytes:
        """Notes what stands in `data` behind `tail`; the next tail."""
        self._note(tail + data)
        return (tail + data)[-_LONGEST:]

    def _note(self, data: bytes) -> None:
        if len(self._seen) < len(self._entries):
            for index, _, _ in self._automaton.find_matches_as_indexes(unbroken(data), overlapping=True):
                self._seen.add(self._owners[index])


def _codings(events: Iterable[AnyEvent]) -> dict[str, str]:
    """Content codings of the network's bodies, by blob."""
    asked: dict[int, str] = {}
    codings: dict[str, str] = {}
    for event in events:
        if isinstance(event, FlowRequested):
            asked[event.flow] = _coding(event.headers)
        elif isinstance(event, FlowAnswered):
            for body, coding in (
                (event.request, asked.get(event.flow, "")),
                (event.response, _coding(event.headers)),
            ):
                if body.blob and coding:
                    codings[body.blob] = coding
    return codings


def _coding(headers: Iterable[tuple[str, str]]) -> str:
    return ",".join(value for name, value in headers if name.lower() == "content-encoding")


def _sorted(tree: bytes) -> bytes:
    """A tree's lines in the order of their paths, of which some may have changed."""
    return b"".join(
        sorted(
            tree.splitlines(keepends=True), key=lambda line: msgspec.json.decode(line, type=TreeEntry).path
        )
    )


def _renamed(text: bytes, moved: Mapping[str, str]) -> bytes:
    if not moved:
        return text
    return _DIGEST.sub(lambda m: moved.get(m[0].decode(), m[0].decode()).encode(), text)
