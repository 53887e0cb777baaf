"""The proxy source: every request that the session's programs make through it, and which command caused it."""

from __future__ import annotations

from recorder.sources.proxy.launch import Proxy, start_proxy, wrappers
from recorder.sources.proxy.orders import BodyFilter, Redactor

__all__ = ["BodyFilter", "Proxy", "Redactor", "start_proxy", "wrappers"]
