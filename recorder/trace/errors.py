"""Errors, split by whose fault it is. Each message carries the place and the next action."""

from __future__ import annotations

from enum import StrEnum


class ReenactError(Exception):
    """Base of every error that Reenact raises on purpose. `exit_code` is the process exit code it maps to."""

    exit_code = 1


class UsageError(ReenactError):
    """The caller asked for something that makes no sense; nothing was done."""

    exit_code = 2


class Code(StrEnum):
    """Why a trace was rejected. A released code keeps its meaning for ever."""

    NOT_A_TRACE = "not-a-trace"
    VERSION = "version"
    TRUNCATED = "truncated"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    RATIO = "ratio"
    NAME = "name"
    DUPLICATE = "duplicate"
    MISSING = "missing"
    ENCODING = "encoding"
    SYNTAX = "syntax"
    SCHEMA = "schema"
    HASH = "hash"
    CHAIN = "chain"
    SIGNATURE = "signature"
    ORDER = "order"


class TraceRejected(ReenactError):
    """The trace breaks the format; the only exception that reading one may raise.

    `code` is machine-readable, `place` names the member, line or byte offset, `reason` is for people.
    """

    exit_code = 3

    def __init__(self, code: Code, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason} [{code}]")
        self.code = code
        self.place = place
        self.reason = reason


class Unsupported(ReenactError):
    """This machine lacks something that the request needs. The message names it and how to get it."""

    exit_code = 4


class RecordingFailed(ReenactError):
    """The recording could not be started, or lost something; the message says what and what is left."""

    exit_code = 5
