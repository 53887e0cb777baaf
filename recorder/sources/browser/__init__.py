"""The browser: its launch, the extension's channel, what its pages state."""

from __future__ import annotations

from recorder.sources.browser.launch import Browser, start_browser

__all__ = ["Browser", "start_browser"]
