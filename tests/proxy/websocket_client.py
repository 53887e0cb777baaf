"""PROXY ORIGIN ACTION...: a WebSocket through the proxy; prints what comes back."""

from __future__ import annotations

import socket
import sys

import wsproto
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

proxy, origin = int(sys.argv[1]), int(sys.argv[2])
stream = socket.create_connection(("127.0.0.1", proxy))
stream.sendall(f"CONNECT 127.0.0.1:{origin} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
assert b" 200 " in stream.recv(4096)
ws = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
stream.sendall(ws.send(Request(host=f"127.0.0.1:{origin}", target="/ws")))


def receive() -> object:
    while True:
        for event in ws.events():
            return event
        ws.receive_data(stream.recv(65536) or None)


assert isinstance(receive(), AcceptConnection)
for action in sys.argv[3:]:
    kind, _, data = action.partition(":")
    if kind == "close":
        stream.sendall(ws.send(CloseConnection(code=int(data))))
    elif kind == "text":
        stream.sendall(ws.send(TextMessage(data=data)))
    else:
        stream.sendall(ws.send(BytesMessage(data=data.encode())))
    event = receive()
    if isinstance(event, CloseConnection):
        print(event.code)
    elif isinstance(event, TextMessage):
        print(event.data)
    elif isinstance(event, BytesMessage):
        print(bytes(event.data).decode())
stream.close()
