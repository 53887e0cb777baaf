"""Tasks of Harbor: what a trace becomes, which become none, and that they hold when they are run."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_rows
import pytest
from click.testing import CliRunner
from dataset_files import Load
from made_sessions import ROOT, Did, Session, link
from msgspec import structs

from recorder.trace.events import Cause, CommandStarted, FileState, FlowRequested
from replay.commands.exporting import export
from replay.commands.exporting_tasks import secrets
from replay.dataset.format import Unfit
from replay.dataset.harbor import WORKSPACE, Task, task
from replay.dataset.row import Row
from replay.export.losses import Losses
from replay.proof import Proof, prove
from replay.sandbox.support import probe

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "samples"


def made(session: Session, row: Row | None = None) -> Task:
    return task(row or made_rows.row(), session.material(), Losses())


def unfit(session: Session, row: Row | None = None) -> str:
    with pytest.raises(Unfit) as error:
        made(session, row)
    return str(error.value)


def test_a_session_becomes_a_task() -> None:
    session = Session(
        [
            Did("reenact note 'no part of it'"),
            Did("cd sub", after=f"{ROOT}/sub"),
            Did("vim a.txt", cwd=f"{ROOT}/sub", typed=b":wq\r", files={"sub/a.txt": b"new\n", "gone": None}),
            Did("less b", cwd=f"{ROOT}/sub", typed=b"q"),
        Did("vim it's", cwd=f"{ROOT}/sub", typed=b"x", files={"it's": b"1", "1": b"2", "2.content": b"3"}),
            Did("exit", cwd=f"{ROOT}/sub"),
        ],
        "reenact check -- grep -q new sub/a.txt",
        {b"sub": FileState(type="folder", mode=0o2755), b"sub/a.txt": b"old\n", b"gone": b"", b"l": link(b"sub/a.txt")},
    )  # fmt: skip
    done = made(session)
    script = done.files["solution/solve.sh"].decode()
    assert "no part of it" not in script
    assert "\nexit\n" not in script
    assert "\ngrep" not in script
    assert "\ncd sub\n" in script
    assert f"rm -rf -- {ROOT}/gone\n" in script
    left = {name: data for name, data in done.files.items() if name.startswith("solution/files")}
    assert left == {
        "solution/files/3/sub/a.txt": b"new\n",
        "solution/files/5/1": b"2",
        "solution/files/5/2.content": b"3",
        "solution/files/5.odd/3": b"1",
    }
    assert "reenact check -- grep -q new sub/a.txt" in done.files["tests/test.sh"].decode()
    assert done.env == {
        "GIT_AUTHOR_EMAIL": "expert@example.org",
        "GIT_AUTHOR_NAME": "Expert",
        "GIT_COMMITTER_EMAIL": "expert@example.org",
        "GIT_COMMITTER_NAME": "Expert",
        "HOME": "/home/expert",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    with tarfile.open(fileobj=io.BytesIO(done.files[WORKSPACE])) as tar:
        assert {entry.name: (entry.mode, entry.uid, entry.linkname) for entry in tar} == {
            "gone": (0o644, 0, ""),
            "l": (0o777, 0, "sub/a.txt"),
            "sub": (0o755, 0, ""),
            "sub/a.txt": (0o644, 0, ""),
        }
    assert done == made(session)
    told = tomllib.loads(done.toml({"proved": True, "oracle": 1.0, "noop": 0.0}).decode())
    assert told["environment"]["workdir"] == ROOT
    assert told["metadata"]["proof"]["oracle"] == 1.0


def test_what_a_trace_says_stays_text_in_toml() -> None:
    row = made_rows.row(instruction='Say "hi"\n[agent]\nuser = "x" \\ \x7f\x1b \u2028')
    told = tomllib.loads(made(Session([Did("true")]), row).toml(None).decode())
    assert told["metadata"]["instruction"] == row.instruction.strip()
    assert "user" not in told["agent"]
    assert told["metadata"]["proof"] == {"proved": False}


def test_of_the_environment_stays_what_a_result_may_depend_on() -> None:
    session = "/home/expert/work/.sessions/1"
    env = {
        "PYTHONPATH": "src", "API": "http://127.0.0.1:1", "CFLAGS": '-DX="a b"', "https_proxy": "http://127.0.0.1:2",
        "STOLEN": "${OPENAI_API_KEY}", "LINES2": "a\nENV x=y", "bad name": "x", "REENACT_SESSION": session,
        "SSL_CERT_FILE": f"{session}/trust.pem", "USER": "robin",
        "PATH": f"{session}/bin:{ROOT}/bin:{ROOT}/../x:/opt/odd:/usr/bin",
    }  # fmt: skip
    done = made(Session([Did("true")], env=env))
    kept = {name: value for name, value in done.env.items() if not name.startswith("GIT_")}
    assert kept == {
        "API": "http://127.0.0.1:1", "CFLAGS": '-DX="a b"', "HOME": "/home/expert", "LANG": "C.UTF-8",
        "PYTHONPATH": "src", "PATH": f"{ROOT}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }  # fmt: skip
    dockerfile = done.files["environment/Dockerfile"].decode()
    assert 'ENV CFLAGS="-DX=\\"a b\\""\n' in dockerfile
    assert "$" not in dockerfile


@pytest.mark.parametrize(
    "target", [b"/etc/passwd", b"..", b"../../x", b"sub/../../x", b"sub/../x", b"./../x", b""]
)
def test_links_that_may_lead_out_make_no_task(target: bytes) -> None:
    session = Session([Did("true")], tree={b"sub": FileState(type="folder", mode=0o755), b"l": link(target)})
    assert "out of the working folder" in unfit(session)


def test_links_within_are_kept() -> None:
    session = Session(
        [Did("true")],
        tree={b"d": FileState(type="folder", mode=0o755), b"d/l": link(b"../a/b"), b"m": link(b"d/x")},
    )
    assert made(session).files[WORKSPACE]


@pytest.mark.parametrize(
    "root", ["/", "/etc/x", "/usr/lib", "/tests", "/w/../etc", '/w"\nRUN x', "/w $HOME", "w"]
)
def test_a_working_folder_that_no_container_should_have(root: str) -> None:
    assert "working folder" in unfit(Session([Did("true")], root=root))


def test_traces_that_make_no_task_say_why() -> None:
    asked = FlowRequested(
        t=5, source="proxy", flow=1, connection=1, method="GET", url="http://shop.example/x", version="1.1", headers=[],
        cause=Cause(command=1, how="unknown", process=""),
    )  # fmt: skip
    session = Session([Did("true")])
    assert "what the task was" in unfit(session, made_rows.row(instruction=" "))
    assert "no outcome check" in unfit(session, made_rows.row(reward=None))
    assert "no outcome check" in unfit(session, made_rows.row(reward=0.0))
    assert "needs the network: GET shop.example" in unfit(Session([Did("curl x")], more=[asked]))
    assert "done in fish" in unfit(Session([Did("true")], shell="fish"))
    assert "was not kept (too large)" in unfit(
        Session([Did("true")], tree={b"big": FileState(type="file", mode=0o644, size=9, skipped="too large")})
    )
    empty = Session([Did("true")])
    empty.events = [event for event in empty.events if event.source != "workspace"]
    assert "not recorded" in unfit(empty)
    nothing = Session([Did("reenact note x"), Did("exit")])
    assert "no command and no edit" in unfit(nothing)
    loose = Session([Did("true")])
    loose.outcome = type(loose.outcome)(reward=1.0, command=None)
    assert "no command's" in unfit(loose)


@pytest.fixture(scope="module")
def proved() -> Any:
    found = probe()
    if not found.ok:
        pytest.skip("no sandbox here: " + "; ".join(what for what, _ in found.reasons))

    def run(session: Session, seconds: float = 60) -> Proof:
        return prove(made(session), seconds)

    return run


@pytest.mark.sandbox
def test_commands_run_as_they_were_typed(proved: Any) -> None:
    tricky = [
        Did("mkdir sub; cd sub; x=1", after=f"{ROOT}/sub"),
        Did("echo 'never closed", cwd=f"{ROOT}/sub", exit=1),
        Did("declare y=2; set -- a b", cwd=f"{ROOT}/sub"),
        Did('echo "STEP_4\nSTEP_4_ $x$y$2 $(cat)" > "it\'s"', cwd=f"{ROOT}/sub"),
        Did("reenact mark here && reenact note there && cat *s > all", cwd=f"{ROOT}/sub"),
        Did("vim é", cwd=f"{ROOT}/sub", typed=b"i", files={"sub/\u00e9 '$x": b"by hand\n"}),
    ]
    expected = "STEP_4\nSTEP_4_ 12b "
    check = f"reenact check -- test \"$(cat all)\" = '{expected}' -a \"$(cat *x)\" = 'by hand'"
    session = Session(tricky, check)
    session.events = [
        structs.replace(event, cwd=f"{ROOT}/sub")
        if isinstance(event, CommandStarted) and event.text == check
        else event
        for event in session.events
    ]
    proof = proved(session)
    assert proof.problem == ""
    assert (proof.oracle.reward, proof.noop.reward) == (1.0, 0.0)


@pytest.mark.sandbox
def test_tasks_that_prove_nothing_are_told(proved: Any) -> None:
    already = proved(Session([Did("touch done")], "reenact check -- true"))
    assert already.problem == "doing nothing earns the reward already"
    fails = proved(Session([Did("echo no luck")], "reenact check -- cat done"))
    assert fails.problem.startswith("the solution earns 0: ")
    assert "done: No such file" in fails.problem
    killer = proved(Session([Did("touch done; kill -9 $PPID")]))
    assert killer.problem
    assert killer.oracle.reward == 0


@pytest.mark.sandbox
def test_a_run_ends_in_time(proved: Any) -> None:
    slow = proved(Session([Did("touch done; sleep 1000")]), seconds=1)
    assert slow.problem == "the solution: not done after 1 seconds"


@pytest.mark.sandbox
def test_what_a_task_does_stays_inside(proved: Any, tmp_path: Path) -> None:
    there = tmp_path / "there"
    outside = f"echo x > {there}; mkdir -p {tmp_path}; echo x > {there}; ln -sf {tmp_path} /logs/verifier/x"
    session = Session([Did(f"{outside}; touch done")])
    assert proved(session).problem == ""
    assert not there.exists()


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, proved: Any) -> Path:
    """Those of the samples, as the command makes them."""
    folder = tmp_path_factory.mktemp("tasks")
    paths = [str(path) for path in sorted(SAMPLES.glob("*.reenact"))]
    done = CliRunner().invoke(export, ["harbor", *paths, "-o", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [(one["oracle"], one["noop"]) for one in told["tasks"]] == [(1.0, 0.0)] * 3
    assert told["rejected"] == []
    return folder


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_samples_make_tasks_that_harbor_takes(tasks: Path, load: Load) -> None:
    folders = sorted(tasks.iterdir())
    found = load("harbor", folders)
    assert [one["name"] for one in found] == [f"reenact/{folder.name}" for folder in folders]
    assert all(one["proof"]["oracle"] == 1.0 and one["proof"]["noop"] == 0.0 for one in found)


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif("REENACT_HARBOR" not in os.environ, reason="REENACT_HARBOR names no `harbor` program")
@pytest.mark.parametrize(("agent", "reward"), [("oracle", 1.0), ("nop", 0.0)])
def test_harbor_itself_runs_them_without_docker(
    tasks: Path, tmp_path: Path, agent: str, reward: float
) -> None:
    command = [
        os.environ["REENACT_HARBOR"],
        "run",
        "-p",
        str(tasks),
        "-a",
        agent,
        "-o",
        str(tmp_path),
        "-q",
        "-y",
    ]
    env = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "REENACT_PYTHON": sys.executable,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    command += ["-e", "harbor_environment:SandboxEnvironment"]
    subprocess.run(command, check=True, env=env, timeout=300, capture_output=True)
    results = [json.loads(path.read_text()) for path in tmp_path.glob("*/*/result.json")]
    assert [one["verifier_result"]["rewards"]["reward"] for one in results] == [reward] * 3


def test_what_is_rejected_is_told(tmp_path: Path) -> None:
    damaged = SAMPLES / "damaged" / "lost-tail.reenact"
    done = CliRunner().invoke(
        export, ["harbor", str(damaged), "-o", str(tmp_path / "t"), "--json", "--unproved"]
    )
    assert done.exit_code == 1
    (rejected,) = json.loads(done.stdout)["rejected"]
    assert "ends early" in rejected["reason"]
    assert not (tmp_path / "t").exists()


def test_an_unproved_task_says_so_and_is_not_replaced_unasked(tmp_path: Path) -> None:
    command = ["harbor", str(SAMPLES / "log-investigation.reenact"), "-o", str(tmp_path), "--unproved"]
    assert CliRunner().invoke(export, command).exit_code == 0
    (folder,) = tmp_path.iterdir()
    told = tomllib.loads((folder / "task.toml").read_text())
    assert told["metadata"]["proof"] == {"proved": False}
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))
    again = CliRunner().invoke(export, command)
    assert again.exit_code == 1
    assert "--overwrite" in again.output
    assert CliRunner().invoke(export, [*command, "--overwrite"]).exit_code == 0


def test_a_secret_in_the_working_folder_is_found() -> None:
    key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    files = made(Session([Did("true")], tree={b"config": f"token = {key}\n".encode()})).files
    assert {found.rpartition(" in ")[2] for found in secrets(files, [])} == {"config"}
    assert list(secrets(files, [key.encode()])) == []


@pytest.mark.slow
@pytest.mark.sandbox
def test_where_there_is_no_sandbox_nothing_is_proved(proved: Any, tmp_path: Path) -> None:
    within = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--disable-userns", "reenact"]
    sample, out = str(SAMPLES / "log-investigation.reenact"), tmp_path / "tasks"
    command = [*within, "export", "harbor", sample, "-o", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 4
    assert "--unproved" in done.stderr
    assert not out.exists()


_PROVES = """
import sys
sys.path.insert(0, sys.argv[1])
import made_rows
from made_sessions import Did, Session
from replay.dataset.harbor import task
from replay.export.losses import Losses
from replay.proof import prove
session = Session([Did("touch done; sleep 1000")])
try:
    prove(task(made_rows.row(), session.material(), Losses()), 500)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the payload's uid gets through to, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="reenact-test-", dir="/tmp") as folder:
        os.chmod(folder, 0o711)
        yield Path(folder)


@pytest.mark.sandbox
def test_an_interrupted_proof_leaves_nothing(proved: Any, reachable: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(reachable)}
    running = subprocess.Popen([sys.executable, "-c", _PROVES, str(HERE)], env=environment)
    until = time.monotonic() + 60
    while not list(reachable.glob("*/task-workspace/done")):
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    assert list(reachable.iterdir()) == []
