"""One real recording for all tests of replays, the means to change it, and the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

for folder in (HERE, ROOT / "samples"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from inside import Inside  # noqa: E402
from resealing import Mutant  # noqa: E402
from scenario import perform, set_stage  # noqa: E402
from small_session import SESSION, TASK, Done, Recording, Reenact  # noqa: E402

from replay.sandbox.support import probe  # noqa: E402


@pytest.fixture(scope="session")
def command() -> str:
    """The command of this environment, or else the one on PATH."""
    found = shutil.which("reenact", path=str(Path(sys.executable).parent)) or shutil.which("reenact")
    if found is None:
        pytest.skip("the command reenact is not installed here")
    return found


@pytest.fixture(scope="session")
def reenact(command: str) -> Reenact:
    """Runs the command line as a person would, in a process of its own. No traceback may ever show."""

    def run(*words: object, timeout: float = 90.0, env: dict[str, str] | None = None) -> Done:
        done = subprocess.run(
            [command, *map(str, words)],
            check=False,
            capture_output=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LANG": "C.UTF-8", **(env or {})},
        )
        err = done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in err, err
        return Done(done.returncode, done.stdout.decode("utf-8"), err)

    return run


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skips where nothing can be replayed."""
    found = probe()
    if not found.ok:
        pytest.skip("no sandbox here: " + "; ".join(f"{what}: {mend}" for what, mend in found.reasons))


@pytest.fixture(scope="session")
def recording(command: str) -> Iterator[Recording]:
    """The session above, recorded by keystrokes through a real terminal."""
    with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as folder:
        stage = set_stage(SESSION, Path(folder) / "s")
        trace = Path(folder) / "typo.reenact"
        words = [command, "record", "--task", TASK, "--env", "FLAVOUR", "--out", str(trace), "--"]
        done = perform(SESSION, stage, words, extra_env={"REENACT_TRACES": f"{folder}/traces"}, patience=20.0)
        assert done.exit == 0, done.screen
        assert trace.is_file(), done.screen
        yield Recording(trace, stage)


@pytest.fixture(scope="session")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's session of `page_session`, recorded; its trace."""
    from page_session import record  # it needs Playwright

    return record(tmp_path_factory.mktemp("browsed"))


@pytest.fixture
def mutant(recording: Recording, tmp_path: Path) -> Mutant:
    """The recording, to be changed and sealed again."""
    return Mutant(recording.trace, tmp_path)


@pytest.fixture
def inside(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Inside:
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "no-traces-here"))
    return Inside(capfd, monkeypatch)
