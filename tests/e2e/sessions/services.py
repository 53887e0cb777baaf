"""Programs that talk to each other on this machine."""

from __future__ import annotations

import re

from expert import Expert
from scenario import session

SITE = {"site/index.html": "<h1>hello</h1>\n", "site/data.json": '{"ok": true}\n'}
SERVER = {
    "serve.py": (
        "import http.server, sys\n"
        "class Quiet(http.server.SimpleHTTPRequestHandler):\n"
        "    def __init__(self, *a):\n"
        "        super().__init__(*a, directory='site')\n"
        "    def log_message(self, form, *args):\n"
        "        print('served', args[0].split()[1], file=sys.stderr)\n"
        "server = http.server.HTTPServer(('127.0.0.1', 47813), Quiet)\n"
        "open('up', 'w').close()\n"
        "server.serve_forever()\n"
    )
}


@session(files=SITE | SERVER, tools=("curl",), uses_network=True, after={"got.json": '{"ok": true}\n'})
def web_server_on_loopback(e: Expert) -> None:
    """A web server in the background, asked by curl, killed."""
    e.run("python3 serve.py 2> server.log & while [ ! -e up ]; do sleep 0.02; done")
    e.run("curl -s http://127.0.0.1:47813/")
    e.run("curl -s -o got.json -w '%{http_code}\\n' http://127.0.0.1:47813/data.json")
    e.run("curl -sf http://127.0.0.1:47813/missing; echo $?")
    e.run("kill %1; wait %1 2>/dev/null; cat server.log")


@session(uses_network=True, tools=("curl",), exit=7)
def refused_connection(e: Expert) -> None:
    """Nobody listens there."""
    e.run("python3 -c \"import socket; socket.create_connection(('127.0.0.1', 1), 1)\" 2>&1 | tail -1")
    e.run("curl -sS http://127.0.0.1:1/")


@session(
    deterministic=False,
    files={
        "bug.py": (
            "from http.server import *\n"
            "class H(BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        self.send_response(200); self.end_headers()\n"
            "        self.wfile.write(b'sum %d\\n' % sum(map(int, self.path[1:].split('+'))))\n"
            "    def log_message(self, *a): pass\n"
            "s = HTTPServer(('127.0.0.1', 0), H)\n"
            "open('port', 'w').write(str(s.server_port))\n"
            "s.serve_forever()\n"
        )
    },
    tools=("curl",),
    uses_network=True,
)
def debugging_a_service(e: Expert) -> None:
    """A request breaks the handler of a service on whatever port is free; its traceback in the background."""
    e.run("python3 bug.py 2> err.log & while [ ! -s port ]; do sleep 0.02; done")
    e.run("curl -s http://127.0.0.1:$(cat port)/1+2+3")
    e.run("curl -s http://127.0.0.1:$(cat port)/1+x; echo $?")
    e.run("tail -1 err.log")
    e.run("kill $!; wait $! 2>/dev/null; true")


@session(after={"reply.txt": "HELLO\n"})
def named_pipe_conversation(e: Expert) -> None:
    """Two processes talk through a named pipe and a coprocess."""
    e.run("mkfifo ask; (tr a-z A-Z < ask > reply.txt) & echo hello > ask; wait")
    e.run("cat reply.txt; rm ask")
    e.run("coproc UP { sed -u 's/.*/<&>/'; }")
    e.run("echo one >&${UP[1]}; read -r line <&${UP[0]}; echo $line")
    e.run("kill $UP_PID; wait 2>/dev/null; true")


@session(
    files={
        "unix.py": (
            "import socket, sys\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "s.bind('sock')\n"
            "s.listen()\n"
            "open('up', 'w').close()\n"
            "c, _ = s.accept()\n"
            "c.sendall(c.recv(99).upper())\n"
        )
    },
    after={"answer.txt": "PING\n"},
)
def unix_socket(e: Expert) -> None:
    """A server on a Unix socket in the workspace."""
    e.run("python3 unix.py & while [ ! -e up ]; do sleep 0.02; done")
    e.run(
        "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('sock'); "
        "s.sendall(b'ping\\n'); print(s.recv(99).decode(), end='')\" > answer.txt"
    )
    e.run("wait; cat answer.txt; rm sock up")


@session(deterministic=False, uses_network=True, tools=("curl",), after={"code.txt": re.compile(r"^\d+$")})
def the_network_is_away(e: Expert) -> None:
    """A name that no resolver knows; what is said of it depends on the machine."""
    e.run("curl -s -m 2 http://name.invalid/; echo $? > code.txt")
    e.run("getent hosts localhost | wc -l")
