"""A real sandbox with a tape for its network: `python boxed.py FOLDER` runs FOLDER/script.sh in it, as whoever calls.

What the script printed and the replay's report go to standard output, as JSON. A program, so that a test can start it
as another user.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from stage import TapeBodies
from tape import Tape

from replay.players.network.server import NetworkPlayer
from replay.sandbox import ClockMode, SandboxSpec, start
from replay.sandbox.ports import open_everywhere, open_ports


def tape() -> Tape:
    made = Tape()
    made.command(1)
    for name in ("curl", "wget", "urllib", "node", "raw", "python"):
        made.get(f"http://example.org/{name}", f"page for {name}\n".encode())
        made.get(f"https://example.org/{name}", f"secure page for {name}\n".encode())
    made.get("http://203.0.113.7:8080/", b"by address\n")
    made.get("http://[2001:db8::7]/", b"by IPv6\n")
    flow = made.request("GET", "https://two.example/", version="2")
    made.answer(flow, body=b"by HTTP/2\n", version="2", headers=[])
    return made


def run(folder: Path, script: str) -> dict[str, object]:
    """Runs the script to its end, offline but for the tape."""
    recorded = tape()
    player = NetworkPlayer(recorded.recording(), TapeBodies(recorded), lambda: (1,))
    for name in ("workspace", "session"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "workspace" / "script.sh").write_text(script)
    spec = SandboxSpec(
        argv=["bash", "-c", "bash script.sh >out 2>&1"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/home/user"},
        workspace=folder / "workspace",
        root="/home/user/project",
        cwd="/home/user/project",
        session_folder_host=folder / "session",
        session_folder="/session",
        home="/home/user",
        uid=1000,
        gid=1000,
        user="user",
        hostname="recorded",
        clock=ClockMode.REAL,
        nameserver="127.0.0.1",
        trust=player.trust,
    )

    def prepare(pid: int) -> None:
        if (folder / "everywhere").exists():
            ports = open_everywhere(pid)
        else:
            ports = open_ports(pid, [("", 80), ("", 443), ("203.0.113.7", 8080)])
        player.start(ports.listeners, ports.names, ports.name_listeners)

    with start(spec, None, prepare) as sandbox:
        try:
            sandbox.wait(50)
        finally:
            os.close(sandbox.master)
        said = (folder / "workspace" / "out").read_text(errors="replace")
    report = player.stop()
    return {
        "said": said,
        "refused": [[one.where, one.asked] for one in report.refused],
        "counts": report.counts,
        "faults": report.faults,
        "uid": os.getuid(),
    }


if __name__ == "__main__":
    place = Path(sys.argv[1])
    json.dump(run(place, (place / "script.sh").read_text()), sys.stdout)
