"""Whose TLS is opened, and with which certificate; which way connections go out. Told to programs as it is.

A certificate of the origin that does not verify is mirrored: the program gets one from an authority that nobody
trusts, and refuses or accepts it (`curl -k`) as it would have without us.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mitmproxy import certs
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.net import tls as net_tls
from mitmproxy.proxy import layers, mode_specs
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.layers.http import HTTPMode
from OpenSSL import SSL

from recorder.sources.proxy.authority import Authority
from recorder.sources.proxy.capture import Connection
from recorder.sources.proxy.engine.everywhere import Everywhere
from recorder.sources.proxy.variables import Upstream

_REFUSALS = ("unknown ca", "bad certificate", "certificate unknown", "unsupported certificate", "alert")
_H2_PREFACE = b"PRI * HTTP/2.0"


class Certificates(TlsConfig):
    """TLS to both sides. `untrusted` is set per connection where the origin's certificate does not verify."""

    def __init__(self, authority: Authority, chain: Path) -> None:
        self.certstore: Any = SimpleNamespace(dhparams=None)  # mitmproxy's own store would write keys to disk
        self._authority = authority
        self._distrusted = Authority.create(name="Reenact: the origin's certificate does not verify")
        self._chain = chain
        self._entries: dict[tuple[str, bool], certs.CertStoreEntry] = {}

    def configure(self, updated: Any) -> None:
        pass  # nothing that it looks after is ever changed

    def get_cert(self, conn_context: Any) -> certs.CertStoreEntry:
        client, server = conn_context.client, conn_context.server
        known = server.address and not isinstance(conn_context.layers[0], Everywhere)
        name = client.sni or (server.address[0] if known else client.sockname[0])
        trusted = not getattr(server, "reenact_distrust", None)
        entry = self._entries.get((name, trusted))
        if entry is None:
            if len(self._entries) > 1000:
                self._entries.clear()
            authority = self._authority if trusted else self._distrusted
            leaf = authority.leaf([name])
            entry = self._entries[name, trusted] = certs.CertStoreEntry(
                certs.Cert(leaf.certificate),
                leaf.key,  # type: ignore[arg-type]
                self._chain if trusted else None,
                [certs.Cert(authority.certificate)],
            )
        return entry

    def tls_start_server(self, tls_start: Any) -> None:
        super().tls_start_server(tls_start)
        # Only a program with TLS of its own can be shown what is wrong with the origin's.
        if tls_start.context.client.tls and tls_start.ssl_conn is not None:
            tls_start.ssl_conn.set_verify(SSL.VERIFY_NONE)

    @staticmethod
    def verified(tls_data: Any) -> str | None:
        """What is wrong with the certificate of the server that shook hands; None: nothing."""
        library: Any = SSL._lib  # type: ignore[attr-defined]
        result = library.SSL_get_verify_result(tls_data.ssl_conn._ssl)
        if result == 0:
            return None
        text: bytes = SSL._ffi.string(library.X509_verify_cert_error_string(result))  # type: ignore[attr-defined]
        tls_data.conn.reenact_distrust = True
        return text.decode()


class Pins:
    """Which programs refused our certificate for which hosts: their next connection there is left alone."""

    def __init__(self) -> None:
        self._refused: Counter[tuple[str, str]] = Counter()

    def refused(self, program: str, host: str, error: str) -> bool:
        """Notes a failed handshake; whether the next one is left alone. Who only hangs up must do so twice."""
        key = (program, host)
        self._refused[key] += 2 if any(word in error for word in _REFUSALS) else 1
        return self._refused[key] >= 2

    def __contains__(self, key: tuple[str, str]) -> bool:
        return self._refused[key] >= 2


class Routes:
    """Decides what a connection speaks and which proxy of the user's it goes on to."""

    def __init__(self, upstreams: dict[str, Upstream]) -> None:
        self._upstreams = upstreams
        self._guess = NextLayer()
        self._modes: dict[str, mode_specs.ProxyMode] = {
            scheme: mode_specs.ProxyMode.parse(f"upstream:{up.scheme}://{up.address}")
            for scheme, up in upstreams.items()
        }

    def next_layer(self, record: Connection, nextlayer: Any) -> None:
        context, data = nextlayer.context, nextlayer.data_client()
        if len(context.layers) == 1 and isinstance(context.layers[0], modes.HttpProxy):
            if net_tls.starts_like_tls_record(data):
                self._guess.next_layer(nextlayer)
                return
            mode = self._modes.get("https" if data[:8].upper() == b"CONNECT " else "http")
            if mode is not None:
                context.client.proxy_mode = mode
            nextlayer.layer = layers.HttpLayer(context, HTTPMode.upstream if mode else HTTPMode.regular)
            return
        if data.startswith(_H2_PREFACE) and not context.client.tls:
            # HTTP/2 that nobody negotiated: both sides speak it from the first byte.
            context.client.alpn = context.server.alpn = b"h2"
            nextlayer.layer = layers.HttpLayer(context, HTTPMode.transparent)
            return
        if data[:8].upper() == b"CONNECT ":
            nextlayer.layer = layers.TCPLayer(context, ignore=True)
            record.passed("a tunnel through another proxy")
            return
        server = nextlayer.data_server()
        if not data and server[3:4] == b"\x04" and server[5:9] == bytes(4):
            return  # settings of HTTP/2: the server speaks first, and the client's preface is on its way
        self._guess.next_layer(nextlayer)
        if isinstance(nextlayer.layer, layers.TCPLayer):
            # Not one that collects what goes through it.
            context.layers.remove(nextlayer.layer)
            nextlayer.layer = layers.TCPLayer(context, ignore=True)
            what = "what TLS carries here is not HTTP" if context.client.tls else "neither HTTP nor TLS"
            record.passed(what)
        elif isinstance(nextlayer.layer, layers.DNSLayer):
            context.layers.remove(nextlayer.layer)
            nextlayer.layer = layers.TCPLayer(context, ignore=True)
            record.passed("DNS")

    def authorize_connect(self, flow: Any) -> None:
        self._authorize(flow, "https")

    def authorize_request(self, flow: Any) -> None:
        if isinstance(flow.client_conn.proxy_mode, mode_specs.UpstreamMode) and not flow.client_conn.tls:
            self._authorize(flow, "http")

    def _authorize(self, flow: Any, scheme: str) -> None:
        upstream = self._upstreams.get(scheme)
        if upstream is not None and upstream.user is not None:
            secret = f"{upstream.user}:{upstream.password or ''}".encode()
            flow.request.headers["Proxy-Authorization"] = b"Basic " + base64.b64encode(secret)


class RefusedPorts:
    """Our own control ports on this machine: nothing is relayed to them, by whatever name they are called."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = frozenset(ports)

    def refuses(self, host: str, port: int) -> bool:
        if port not in self._ports:
            return False
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return False
        return any(_local(str(address[4][0])) for address in found)


def _local(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified
