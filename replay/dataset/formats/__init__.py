"""The formats, one module each; each has a `FORMAT`."""

from __future__ import annotations

from importlib import import_module

from replay.dataset.format import Format

_MODULES = {
    "openai": "openai",
    "trl": "trl",
    "trl-preference": "trl_preference",
    "anthropic": "anthropic",
    "sharegpt": "sharegpt",
    "swe-bench": "swe_bench",
    "swe-agent": "swe_agent",
    "openinference": "openinference",
    "inspect": "inspect_log",
    "parquet": "parquet",
    "native": "native",
    "atif": "atif",
}
"""By name on the command line; imported when asked for, so that a start costs nothing."""


def names() -> tuple[str, ...]:
    return tuple(_MODULES)


def format_of(name: str) -> Format:
    """The format of that name. Raises KeyError where there is none."""
    made = import_module(f"{__name__}.{_MODULES[name]}").FORMAT
    assert isinstance(made, Format)
    return made
