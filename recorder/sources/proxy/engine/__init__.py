"""The engine: mitmproxy, embedded. Only this package knows it; what it sees it tells to `capture` as plain values."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType


def _skip_unused_addons() -> None:
    """mitmproxy's package of addons imports them all, a web server among them; it takes longer than all the rest."""
    name = "mitmproxy.addons"
    if name not in sys.modules and (spec := find_spec(name)) is not None:
        package = ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations or ())
        package.__spec__ = spec
        sys.modules[name] = package


_skip_unused_addons()
