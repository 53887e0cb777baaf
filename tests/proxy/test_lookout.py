"""What is said of connections past the proxy, by the kernel's list as it changes."""

from __future__ import annotations

from recorder.sources.proxy.bypass import IDLE_NS, OFTEN_NS, SELDOM_NS, Lookout
from recorder.sources.proxy.sockets import Peer, Talk
from recorder.trace.events import Cause

PROXY = ("127.0.0.1", 40000)
ELSEWHERE = ("192.0.2.7", 443)
DATABASE = ("127.0.0.1", 5432)
OURS = Cause(command=3, how="process", process="node")
SESSION = 1000
"""The user of the session's sockets here."""
CLOSED = 1001
"""Of sockets whose holder is not there any more."""


def talk(port: int, remote: tuple[str, int], *, uid: int = SESSION, sent: int = 1, received: int = 0) -> Talk:
    return Talk(("127.0.0.1", port), remote, Peer(port, uid, None), sent, received)


def back(to: Talk, *, uid: int) -> Talk:
    """The other end."""
    inode = 10_000 + to.peer.inode if uid else 0
    return Talk(to.remote, to.local, Peer(inode, uid, None), 0, 0)


class Kernel:
    """A list of sockets and a clock, set by the test."""

    def __init__(self) -> None:
        self.now = 10**9
        self.list: list[Talk] = []
        self.listening: dict[int, Peer] = {}
        self.asked = 0
        self.lookout = Lookout(self, self.owner, self.foreign, PROXY, lambda: self.now)

    def talks(self) -> tuple[list[Talk], dict[int, Peer]]:
        return self.list, self.listening

    def owner(self, peer: Peer) -> Cause | None:
        self.asked += 1
        return OURS if peer.uid == SESSION else None

    def foreign(self, peer: Peer) -> bool:
        return peer.uid not in (SESSION, CLOSED)

    def seen(self, *talks: Talk) -> list[tuple[str, int, int, int]]:
        self.now += 1000
        self.list = list(talks)
        return [(b.target, b.duration, b.sent, b.received) for b in self.lookout.look()]


def test_a_connection_is_told_when_it_is_over() -> None:
    kernel = Kernel()
    assert kernel.seen(talk(1, ELSEWHERE)) == []
    assert kernel.seen(talk(1, ELSEWHERE, sent=101, received=5)) == []
    assert kernel.seen() == [("192.0.2.7:443", 1000, 100, 5)]
    assert kernel.seen() == []


def test_one_that_stays_is_told_at_the_end() -> None:
    kernel = Kernel()
    kernel.seen(talk(1, ("2001:db8::1", 80)))
    kernel.now += 5
    [told] = kernel.lookout.end()
    assert (told.target, told.duration, told.cause) == ("[2001:db8::1]:80", 5, OURS)


def test_what_goes_through_the_proxy_is_no_bypass() -> None:
    kernel = Kernel()
    through = talk(1, PROXY)
    assert kernel.seen(through, back(through, uid=SESSION)) == []
    assert kernel.lookout.end() == []


def test_others_are_asked_about_once() -> None:
    kernel = Kernel()
    for _ in range(3):
        kernel.seen(talk(1, ELSEWHERE, uid=7))
    assert kernel.asked == 1
    assert kernel.lookout.end() == []


def test_a_port_that_is_used_again_is_another_connection() -> None:
    kernel = Kernel()
    kernel.seen(talk(1, ELSEWHERE, uid=7))
    again = talk(1, ELSEWHERE)._replace(peer=Peer(99, SESSION, None))
    kernel.seen(again)
    assert len(kernel.lookout.end()) == 1


def test_the_ends_of_one_may_be_those_of_the_next() -> None:
    kernel = Kernel()
    kernel.seen(talk(1, ELSEWHERE))
    again = talk(1, ELSEWHERE)._replace(peer=Peer(99, SESSION, None))
    assert len(kernel.seen(again)) == 1
    assert len(kernel.seen()) == 1


def test_the_sessions_own_servers_are_within() -> None:
    kernel = Kernel()
    kernel.listening = {DATABASE[1]: Peer(5, 0, None)}
    asks = talk(1, DATABASE)
    kernel.seen(asks, back(asks, uid=SESSION))
    assert kernel.lookout.end() == []


def test_a_server_beside_the_session_is_not() -> None:
    kernel = Kernel()
    kernel.listening = {DATABASE[1]: Peer(5, 0, None)}
    asks = talk(1, DATABASE)
    kernel.seen(asks, back(asks, uid=0))  # in the server's queue: nobody's yet
    assert kernel.lookout.look() == []
    kernel.seen(asks, back(asks, uid=7))
    assert kernel.seen() == [("127.0.0.1:5432", 0, 0, 0)]


def test_of_a_server_that_hung_up_nothing_is_known() -> None:
    kernel = Kernel()
    asks = talk(1, DATABASE)
    kernel.seen(asks, back(asks, uid=CLOSED))
    assert kernel.lookout.end() == []


def test_who_is_asked_does_not_ask() -> None:
    kernel = Kernel()
    kernel.listening = {8000: Peer(5, SESSION, None)}
    kernel.seen(talk(8000, ELSEWHERE))
    assert kernel.lookout.end() == []


def test_where_the_session_listens_is_told_once() -> None:
    kernel = Kernel()
    kernel.listening = {8000: Peer(5, SESSION, None), 5432: Peer(6, 0, None)}
    for _ in range(2):
        kernel.lookout.look()
    assert [(one.port, one.cause) for one in kernel.lookout.serving()] == [(8000, OURS)]
    kernel.listening = {8000: Peer(9, SESSION, None)}
    kernel.lookout.look()
    assert [one.port for one in kernel.lookout.serving()] == [8000]


def test_looks_are_frequent_while_a_command_is_young() -> None:
    kernel = Kernel()
    kernel.lookout.look()
    assert kernel.lookout.due(None) == IDLE_NS
    assert kernel.lookout.due(kernel.now) == OFTEN_NS
    kernel.now += OFTEN_NS
    assert kernel.lookout.due(None) == 0
    kernel.lookout.look()
    assert kernel.lookout.due(kernel.now - 10**10) == SELDOM_NS
