"""Bodies out of a HAR, brought back into the form in which they were sent. Pure.

A HAR holds what a page would see: content codings undone, text as characters. A trace keeps what was sent, so text gets
its charset and its coding again. A body that the HAR does not hold is told as not kept, never as an empty one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from recorder.imports.exchange import Content, Findings, Headers
from recorder.imports.har_values import first, listed, mapped, number, told
from recorder.redact.coded import NotDecoded, encode
from recorder.trace.limits import MAX_BLOB

Attachments = Callable[[str], bytes | None]
"""The content of a file beside the HAR, by its name in it; null where there is none that may be read."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
_ENCODES = re.compile(
    r"(iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|shift[_-]jis|sjis|euc-(jp|kr)|gbk|gb2312|gb18030|big5"
    r"|koi8-[ru]|us-ascii|ascii)\Z",
    re.IGNORECASE,
)
_MISSING = "the HAR does not hold it"


def unbased(data: bytes) -> bytes | None:
    """What base64 stands for, in either alphabet, white space allowed; null where it is none."""
    try:
        return base64.b64decode(data, validate=True)  # mostly it is as it should be, and may be long
    except ValueError:
        pass
    plain = data.translate(None, b" \t\r\n").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(plain.rstrip(b"=") + b"=" * (-len(plain.rstrip(b"=")) % 4), validate=True)
    except ValueError:
        return None


def response_content(
    method: str,
    response: dict[str, Any],
    headers: Headers,
    status: int,
    attachments: Attachments,
    findings: Findings,
) -> Content:
    """The body of an answer; `headers` lose a coding that cannot be put on again."""
    content = mapped(response.get("content"))
    sizes = [
        number(content.get("size")),
        number(response.get("bodySize")),
        number(first(headers, b"content-length")),
    ]
    size = _size(sizes)
    if method == "HEAD" or status < 200 or status in (204, 304):
        if content.get("text"):
            findings.mended["bodies of answers that have none on the wire (304, HEAD …), left out"] += 1
        return Content()
    held = _held(content, first(headers, b"content-type"), attachments)
    if isinstance(held, str):
        findings.mended["bodies that cannot be read, not kept"] += 1
        return Content(data=None, size=size, skipped=held)
    said = number(content.get("size"))
    if (held is None and (size > 0 or _unknown(sizes))) or (held == b"" and size > 0 and said != 0):
        if 300 <= status < 400 and first(headers, b"location"):
            findings.mended["bodies of redirects that the HAR does not hold, taken as empty"] += 1
            return Content()
        findings.mended["bodies that the HAR does not hold, told as not kept"] += 1
        return Content(data=None, size=size, skipped=_MISSING)
    if held is None:
        return Content()
    data = _coded(held, content, number(response.get("bodySize")), headers, findings)
    if len(data) > MAX_BLOB:
        return Content(data=None, size=len(data), skipped=f"more than {MAX_BLOB} bytes")
    return Content(data=data, size=len(data))


def request_content(
    request: dict[str, Any], headers: Headers, attachments: Attachments, findings: Findings
) -> Content:
    """The body of a request. Browsers don't decode it, so it is as it was sent."""
    post = mapped(request.get("postData"))
    size = _size([number(request.get("bodySize"))])
    mime = first(headers, b"content-type") or told(post.get("mimeType"))
    held = _held(post, mime, attachments)
    if isinstance(held, str):
        findings.mended["bodies that cannot be read, not kept"] += 1
        return Content(data=None, size=size, skipped=held)
    params = [p for p in listed(post.get("params")) if isinstance(p, dict)]
    if not held and params:
        if mime.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            findings.mended["bodies that the HAR does not hold, told as not kept"] += 1
            return Content(data=None, size=size, skipped="the HAR holds only the fields of a form")
        findings.mended["forms put together from their fields"] += 1
        pairs = ((told(p.get("name")), told(p.get("value"))) for p in params)
        held = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    if not held:
        if size == 0:
            return Content()
        findings.mended["bodies that the HAR does not hold, told as not kept"] += 1
        return Content(data=None, size=size, skipped=_MISSING)
    return Content(data=held, size=len(held))


def _held(content: dict[str, Any], mime: str, attachments: Attachments) -> bytes | str | None:
    """What is there of it; null: nothing; text: why it cannot be read."""
    name = content.get("_file") or content.get("_sha1")
    if isinstance(name, str):
        found = attachments(name)
        why = f"the file {name[:80]} was not read: not there, too large, or not named by the SHA-1 of its content"
        return why if found is None else found
    text = content.get("text")
    if not isinstance(text, str):
        return None
    if told(content.get("encoding")).lower() == "base64":
        found = unbased(text.encode("ascii", "replace"))
        return "its base64 is damaged" if found is None else found
    named = _CHARSET.search(mime)
    if named and _ENCODES.match(named.group(1)):
        try:
            return text.encode(named.group(1))
        except (ValueError, LookupError):
            pass
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()


def _coded(
    data: bytes, content: dict[str, Any], sent: float | None, headers: Headers, findings: Findings
) -> bytes:
    """With the codings that the headers name, unless it has them still."""
    named = ",".join(v.decode("latin-1") for n, v in headers if n.lower() == b"content-encoding").lower()
    codings = [name.strip() for name in named.split(",") if name.strip() not in ("", "identity")]
    if not codings or content.get("_codingKept") is True:
        return data
    base64ed = told(content.get("encoding")).lower() == "base64"
    if base64ed and sent == len(data) and data[:2] == b"\x1f\x8b" and codings[-1] in ("gzip", "x-gzip"):
        return data  # some tools leave a coding on that they could not undo
    try:
        coded = data
        for name in codings[:4]:
            coded = encode(coded, name)
    except NotDecoded:
        findings.mended["content-encoding headers taken out: their coding is not known here"] += 1
        headers[:] = [(n, v) for n, v in headers if n.lower() != b"content-encoding"]
        return data
    findings.mended["bodies coded again as their headers say (the bytes may be others than those sent)"] += 1
    return coded


def _size(candidates: list[float | None]) -> int:
    """The largest that is said."""
    return int(max([0.0, *(n for n in candidates if n is not None and n < 2**53)]))


def _unknown(sizes: list[float | None]) -> bool:
    """Whether nothing says how long the body was."""
    return all(size is None or size < 0 for size in sizes)
