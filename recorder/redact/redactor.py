"""The door: text, URLs, headers and bodies of one session go in, and come out with placeholders for secrets."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from recorder.redact import names, places
from recorder.redact.coded import TooDense, redact_coded
from recorder.redact.detector import detect, places_to_judge, too_dense
from recorder.redact.encodings import decoded, reencoded
from recorder.redact.finds import Find
from recorder.redact.markup import without_code
from recorder.redact.plausible import SHORTEST, bits, strong
from recorder.redact.registry import Registry
from recorder.redact.vault import Entry, Vault
from recorder.redact.views import View, seen, unbroken, unbroken_view

if TYPE_CHECKING:
    from recorder.redact.stream import StreamRedactor

MOST_SECRETS = 20_000
"""So many are looked for everywhere; what is found beyond that is replaced only where it was found."""
_SHORTEST_TOLD = 4
_SHORT = 8192
_BINARY_TYPES = ("image/", "audio/", "video/", "font/", "application/zip", "application/gzip", "application/x-tar",
                 "application/wasm", "application/pdf", "application/vnd.pypi.simple.v1+whl")  # fmt: skip


_CODE_TYPES = frozenset(("text/javascript", "application/javascript", "application/x-javascript",
                        "application/ecmascript", "text/ecmascript", "text/css"))  # fmt: skip
"""Programs: what stands behind a name in them is code. `token==null` is no secret, and without it nothing runs."""

_MARKUP_TYPES = frozenset(("text/html", "application/xhtml+xml"))


def holds_secret(text: bytes) -> bool:
    """Whether any rule finds something in `text`, or it may hold a private key, however mangled."""
    return b"-----BEGIN" in text or bool(detect(seen(text).text).finds)


class Finding(NamedTuple):
    """How often a rule replaced something in a kind of place (url, header, body, text, terminal). Never the value."""

    rule: str
    place: str
    times: int


class Edit(NamedTuple):
    """`new` is to stand from `start` to `end`; as long as what stood there.

    What a line end or an escape sequence splits is several edits: `first` to `last` is all of it, and only one of them
    has the `rule`.
    """

    start: int
    end: int
    new: bytes
    rule: str
    first: int
    last: int


class Redactor:
    """Redacts for one session. What is found once is from then on replaced everywhere, in every encoding.

    All methods may be called from several threads. Output is as long as input (but for coded bodies, whose coding
    may need more or fewer bytes), and text without secrets comes back as it is.
    """

    def __init__(
        self,
        vault: Vault,
        secrets: Iterable[bytes] = (),
        *,
        on_new: Callable[[Entry], object] | None = None,
    ) -> None:
        """`vault` has the key and what is known already; `secrets` are known besides (see `learn`).

        `on_new` is called with each entry that the vault gets, before what holds the secret is returned.
        """
        self.vault = vault
        self._registry = Registry()
        self._rules: list[str] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._on_new = on_new
        self._lock = threading.RLock()
        for entry in vault.entries():
            self._register(entry)
        for secret in secrets:
            self.learn(secret)

    @property
    def findings(self) -> list[Finding]:
        """What was replaced so far, by rule and place."""
        with self._lock:
            return [Finding(rule, place, count) for (rule, place), count in sorted(self._counts.items())]

    def learn(self, secret: bytes, rule: str = "told") -> bool:
        """From now on `secret` is replaced wherever it occurs. False where it is too short: it occurs by chance."""
        with self._lock:
            secret = secret.strip(b"\r\n")
            if len(secret) < _SHORTEST_TOLD or self.vault.is_placeholder(secret):
                return False
            self._admit(secret, rule)
            return True

    def merge(self, entries: Iterable[Entry]) -> None:
        """Takes in what other processes of the session found (see `VaultFile.poll`)."""
        with self._lock:
            for entry in entries:
                if entry.secret not in self.vault:
                    self._register(self.vault.add(entry.secret, entry.rule, entry.placeholder))

    # -- places -------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Any text: a command line, a note, a line of output."""
        return self._string(text, "text")

    def url(self, url: str) -> str:
        """A URL: credentials, parameters named or shaped like secrets."""
        return self._string(url, "url")

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The fields of a message's head, in order. Names stay as they are."""
        with self._lock:
            fields = [(name, _bytes(value)) for name, value in headers]
            found = []
            for name, value in fields:  # all secrets first: one may stand in a field before its own
                finds = list(places.header(name.encode("latin-1", "replace"), value))
                self._keep(value, finds)
                found.append(finds)
            return [
                (name, _str(self.redact(value, "header", extra=finds)))
                for (name, value), finds in zip(fields, found, strict=True)
            ]

    def body(
        self, body: bytes, content_type: str = "", content_encoding: str = "", *, patient: bool = True
    ) -> bytes:
        """A whole message body. Where nothing is found the very same bytes come back.

        Raises coded.NotDecoded where its coding is unknown or damaged, or it decodes to too much: nobody can say
        what such a body holds. Also, unless `patient`, where it is text made to be costly: it would take seconds a
        megabyte.
        """
        return redact_coded(
            body, content_encoding, lambda plain: self._plain_body(plain, content_type, patient=patient)
        )

    def stream(self, place: str = "terminal", *, rules: bool = True) -> StreamRedactor:
        """For output or a body that comes in pieces. Without `rules` only known secrets are replaced."""
        from recorder.redact.stream import StreamRedactor

        return StreamRedactor(self, place, rules=rules, shown=True)

    def body_stream(self, beginning: bytes, content_type: str = "") -> StreamRedactor:
        """For a body that comes in pieces and is in no coding; `beginning` tells whether it is text."""
        from recorder.redact.stream import StreamRedactor

        kind = _kind(content_type)
        rules = not _binary(beginning, content_type)
        return StreamRedactor(
            self, "body", rules=rules, code=kind in _CODE_TYPES, markup=kind in _MARKUP_TYPES
        )

    # -- the work -----------------------------------------------------------------------------------------

    def redact(
        self,
        data: bytes,
        place: str,
        *,
        extra: list[Find] | None = None,
        code: bool = False,
        markup: bool = False,
    ) -> bytes:
        """Whole `data` with its secrets replaced; `extra` are finds by rules that only hold here. `code`: of the
        unknown ones those alone that their shape gives away; `markup`: so in the programs within it."""
        with self._lock:
            view = seen(data)
            finds = detect(view.text, code=code).finds
            if markup:
                finds = without_code(view.text, finds)
            if extra:
                finds = sorted([*extra, *finds], key=lambda find: (find.start, -find.end))
            return self.apply(data, self.edits(view, finds), place)

    def known_only(self, data: bytes, place: str) -> bytes:
        """Binary `data` with known secrets replaced; no rule is tried, it would find things by chance."""
        with self._lock:
            return self.apply(data, self.edits(View(data), []), place)

    def edits(self, view: View, finds: list[Find]) -> list[Edit]:
        """What to replace in the view's text, in order, none overlapping. Keeps what was found."""
        self._keep(view.text, finds)
        made: dict[tuple[bytes, str, bool], bytes | None] = {}
        edits: list[Edit] = []
        for find in finds:
            asked = view.text[find.start : find.end], find.encoding, find.certain
            if asked not in made:
                made[asked] = self._replacement(*asked)
            new = made[asked]
            if new is not None:
                edits.append(Edit(find.start, find.end, new, find.rule, find.start, find.end))
        edits += self._known(view.text)
        edits.sort(key=lambda edit: (edit.start, -edit.end))
        out: list[Edit] = []
        for edit in edits:
            if not out or edit.start >= out[-1].end:
                out.append(edit)
        pieces = []
        for edit in out:  # an escape sequence may stand within a secret: it stays where it is
            rule = edit.rule
            for start, end in view.pieces(edit.start, edit.end):
                new = edit.new[start - edit.start : end - edit.start]
                at = view.back(start)
                last = view.back(edit.last - 1) + 1
                pieces.append(Edit(at, at + end - start, new, rule, view.back(edit.first), last))
                rule = ""
        return pieces

    def apply(self, data: bytes, edits: list[Edit], place: str) -> bytes:
        """`data` with its edits made and counted."""
        if not edits:
            return data
        out = bytearray(data)
        for edit in edits:
            out[edit.start : edit.end] = edit.new
            if edit.rule:
                self._counts[edit.rule, place] += 1
        return bytes(out)

    def pending(self, text: bytes) -> int:
        """Where at the end of `text` a known secret may begin that is not whole yet (see Registry)."""
        flat = unbroken(text[-8192:])
        at = self._registry.pending(flat)
        if at == len(flat):
            return len(text)
        return max(0, len(text) - 8192) + unbroken_view(text[-8192:]).back(at)

    def _string(self, text: str, place: str) -> str:
        return _str(self.redact(_bytes(text), place))

    def _plain_body(self, body: bytes, content_type: str, *, patient: bool) -> bytes:
        if _binary(body, content_type):
            return self.known_only(body, "body")
        if not patient and len(body) > _SHORT and too_dense(places_to_judge(body), len(body)):
            raise TooDense
        kind = _kind(content_type)
        extra: list[Find] = []
        if kind == "application/x-www-form-urlencoded":
            extra = list(names.form(body))
        elif kind == "multipart/form-data":
            extra = list(names.multipart(body))
        return self.redact(body, "body", extra=extra, code=kind in _CODE_TYPES, markup=kind in _MARKUP_TYPES)

    def _known(self, text: bytes) -> list[Edit]:
        if not len(self._registry):
            return []
        matches = self._registry.find(unbroken(text))
        if not matches:
            return []
        lines = unbroken_view(text)
        edits = []
        for match in matches:
            rule = self._rules[match.secret]
            first, last = lines.back(match.start), lines.back(match.end - 1) + 1
            for start, end in lines.pieces(match.start, match.end):
                new = match.new[start - match.start : end - match.start]
                at = lines.back(start)
                edits.append(Edit(at, at + end - start, new, rule, first, last))
                rule = ""
        return edits

    def _keep(self, text: bytes, finds: list[Find]) -> None:
        """Keeps the secrets among the finds, so that they are looked for everywhere."""
        seen_already: set[tuple[bytes, str]] = set()
        for find in finds:
            span = text[find.start : find.end]
            if (span, find.encoding) in seen_already:
                continue
            seen_already.add((span, find.encoding))
            if find.encoding == "basic":
                pair = places.basic(span)
                if pair is not None:
                    self._candidate(pair[1] or pair[0], find.rule)
            else:
                self._candidate(decoded(span, find.encoding), find.rule)

    def _candidate(self, value: bytes, rule: str) -> None:
        inner = _printable_base64(value)
        if inner is not None and strong(inner):
            value = inner
        if (
            strong(value)
            and not self.vault.is_placeholder(value)
            and len(self.vault) < MOST_SECRETS
            and not self._registry.full
        ):
            self._admit(value, rule)

    def _admit(self, secret: bytes, rule: str) -> None:
        if secret not in self.vault:
            entry = self.vault.add(secret, rule)
            if self._on_new is not None:
                self._on_new(entry)
            self._register(entry)

    def _register(self, entry: Entry) -> None:
        self._registry.add(entry.secret, entry.placeholder)
        self._rules.append(entry.rule)

    def _replacement(self, span: bytes, encoding: str, certain: bool) -> bytes | None:
        """What stands for a find; None where it is too little, or a placeholder already."""
        if encoding == "basic":
            pair = places.basic(span)
            if pair is None or self.vault.is_placeholder(pair[1] or pair[0]):
                return None
            user, password = pair
            said = (
                user + b":" + self.vault.placeholder(password)
                if password
                else self.vault.placeholder(user) + b":"
            )
            new = base64.b64encode(said)[: len(span)]
        else:
            value = decoded(span, encoding)
            if self.vault.is_placeholder(value) or not (certain or strong(value)):
                return None
            inner = _printable_base64(value)
            if inner is not None and strong(inner):
                if self.vault.is_placeholder(inner):
                    return None
                replacement = base64.b64encode(self.vault.placeholder(inner))
            else:
                replacement = self.vault.placeholder(value)
            new = reencoded(span, encoding, replacement)
        return new if new != span else None


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _binary(body: bytes, content_type: str) -> bool:
    kind = _kind(content_type)
    if kind.startswith(_BINARY_TYPES) and not kind.endswith("xml"):
        return True
    return b"\0" in body[:8192] and not kind.startswith("multipart/")


def _printable_base64(value: bytes) -> bytes | None:
    """What `value` says if it is readable text in base64; None otherwise."""
    if len(value) < 12 or len(value) % 4 or bits(value) < SHORTEST:
        return None
    try:
        inner = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    readable = all(0x20 <= c < 0x7F for c in inner)
    return inner if readable and base64.b64encode(inner) == value else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _str(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
