"""The environment that sends a session's programs through the proxy and has them trust it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from recorder.trace.errors import Unsupported

BUNDLES = (
    "SSL_CERT_FILE",  # OpenSSL: Python's urllib, httpx and aiohttp, Go, Perl, Ruby, uv
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "npm_config_cafile",
    "NODE_EXTRA_CA_CERTS",
)
"""Each names a file of trusted certificates to some program."""

CACHES = {
    "PIP_CACHE_DIR": "pip",
    "UV_CACHE_DIR": "uv",
    "npm_config_cache": "npm",
    "YARN_CACHE_FOLDER": "yarn",
}
"""Each names a folder to some package manager in which it keeps what it was answered once."""

_PROXIES = {"http": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
_PROXIES["https"] = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Upstream(NamedTuple):
    """A proxy that the user has already. `user` and `password` are never stored."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def upstreams(env: Mapping[str, str]) -> dict[str, Upstream]:
    """The proxies that `env` names, by the scheme ("http", "https") of the addresses that go through them.

    Raises Unsupported for one of a kind that cannot be chained: then programs would lose their way out.
    """
    found = {}
    for scheme, names in _PROXIES.items():
        name = next((name for name in names if env.get(name)), None)
        if name is not None:
            found[scheme] = _upstream(env[name], name)
    return found


def _upstream(value: str, name: str) -> Upstream:
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        # The value may hold a password: it is not repeated.
        raise Unsupported(
            f"{name} names a proxy of a kind that recording cannot go through (only http:// and https:// are); "
            f"record without --proxy, or unset {name}"
        )
    return Upstream(
        parts.scheme,
        parts.hostname,
        port or (443 if parts.scheme == "https" else 80),
        unquote(parts.username) if parts.username is not None else None,
        unquote(parts.password) if parts.password is not None else None,
    )


def user_bundles(env: Mapping[str, str]) -> list[Path]:
    """The files of certificates that the user's variables name: what they make programs trust stays trusted."""
    return [Path(path) for path in dict.fromkeys(env.get(name) for name in BUNDLES) if path]


def user_wgetrc(env: Mapping[str, str]) -> Path | None:
    """The file that wget would read; ours takes its place and includes it."""
    if env.get("WGETRC"):
        return Path(env["WGETRC"])
    return Path(env["HOME"], ".wgetrc") if env.get("HOME") else None


def wgetrc(users: bytes, trust: Path) -> bytes:
    """Our wgetrc: wget reads one file, and the last setting wins."""
    end = b"" if not users or users.endswith(b"\n") else b"\n"
    return users + end + b"ca_certificate = " + str(trust).encode() + b"\n"


def session_environment(*, trust: Path, caches: Path) -> dict[str, str]:
    """The variables that have programs trust what is in the file `trust`.

    Package managers get caches of the session's own, which are empty at first: what was answered before the session
    would be missing from its record, and a replay has to ask for it.
    """
    own = {name: str(caches / folder) for name, folder in CACHES.items()}
    return {**dict.fromkeys(BUNDLES, str(trust)), **own}


def proxy_environment(env: Mapping[str, str], *, port: int, wgetrc: Path) -> dict[str, str]:
    """The variables to set over `env` besides, where programs have to be sent to the proxy. What `no_proxy` excludes
    stays excluded.

    HTTP_PROXY only where it was set: a CGI program would take a request's `Proxy:` header for it. all_proxy is
    left alone: it serves schemes that this proxy does not speak.
    """
    address = f"http://127.0.0.1:{port}"
    out = {"http_proxy": address, "https_proxy": address, "HTTPS_PROXY": address}
    if env.get("HTTP_PROXY"):
        out["HTTP_PROXY"] = address
    out["WGETRC"] = str(wgetrc)
    out["NODE_USE_ENV_PROXY"] = "1"  # Node from 22.21 on; older ones ignore proxies
    return out
