"""The fields of a form that was sent, as HAR lists them beside its text. Pure."""

from __future__ import annotations

import email.policy
from email.message import Message
from email.parser import BytesParser
from typing import Any

from replay.players.network.target import pairs

MOST = 1 << 20
"""Bytes of a form that are looked into."""
_MOST_PARTS = 1000


def params(content_type: str, body: bytes) -> list[dict[str, Any]]:
    """Its fields in order; none where it is no form, or too large. Bytes outside UTF-8 become U+FFFD."""
    kind = content_type.partition(";")[0].strip().lower()
    if len(body) > MOST:
        return []
    if kind == "application/x-www-form-urlencoded":
        return [{"name": _told(a), "value": _told(b)} for a, b in pairs(body.decode("utf-8", "replace"))]
    if kind == "multipart/form-data" and body.count(b"\n--") <= _MOST_PARTS:
        try:
            return _multipart(content_type, body)
        except RecursionError:  # parts within parts within parts
            return []
    return []


def _multipart(content_type: str, body: bytes) -> list[dict[str, Any]]:
    head = b"Content-Type: " + content_type.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")
    message = BytesParser(policy=email.policy.compat32).parsebytes(head + b"\r\n\r\n" + body)
    found = []
    parts = message.get_payload() if message.is_multipart() else []
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, Message) or part.is_multipart():
            continue
        disposition = part.get_params([], "content-disposition")
        told = {str(key).lower(): str(value) for key, value in disposition or []}
        field: dict[str, Any] = {"name": _told(told.get("name", ""))}
        if "filename" in told:
            field["fileName"] = _told(told["filename"])
            if part.get("content-type"):
                field["contentType"] = _told(str(part.get_content_type()))
        else:
            content = part.get_payload(decode=True)
            field["value"] = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        found.append(field)
    return found


def _told(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
