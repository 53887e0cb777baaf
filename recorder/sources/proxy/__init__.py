"""The proxy source: every request that the session's programs make through it, and which command caused it."""

from __future__ import annotations

from recorder.network.redactor import BodyFilter, Redactor
from recorder.sources.proxy.launch import Proxy, start_proxy, wrappers

__all__ = ["BodyFilter", "Proxy", "Redactor", "start_proxy", "wrappers"]
