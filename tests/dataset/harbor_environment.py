"""An environment of Harbor's over our sandbox: Harbor itself runs an exported task, without Docker.

With `harbor` installed in an environment of its own, from the project's folder:
  LITELLM_LOCAL_MODEL_COST_MAP=True PYTHONPATH=tests/dataset REENACT_PYTHON=.venv/bin/python \
    harbor run -p tasks -a oracle -e harbor_environment:SandboxEnvironment
Run as a program, by a Python that has Reenact, it is one command inside: a request in JSON on standard input, the
answer on standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

_PARTS = ("/logs", "/tests", "/solution")

if __name__ != "__main__":
    from harbor.environments.base import BaseEnvironment, ExecResult
    from harbor.environments.capabilities import EnvironmentCapabilities

    class SandboxEnvironment(BaseEnvironment):
        """The working folder, /logs, /tests and /solution are the host's folders, which each sandbox shows."""

        @staticmethod
        def type() -> str:
            return "reenact-sandbox"

        @property
        def capabilities(self) -> EnvironmentCapabilities:
            return EnvironmentCapabilities(disable_internet=True)

        def _validate_definition(self) -> None:
            if not (self.environment_dir / "workspace.tar").is_file():
                raise FileNotFoundError("no workspace.tar")

        async def start(self, force_build: bool) -> None:
            self.base = Path(tempfile.mkdtemp(prefix="reenact-harbor-"))
            self.base.chmod(0o711)
            root = self.task_env_config.workdir
            assert root is not None
            self.places = {place: self.base / str(n) for n, place in enumerate((root, *_PARTS))}
            for host in self.places.values():
                host.mkdir(mode=0o755)
            with tarfile.open(self.environment_dir / "workspace.tar") as tar:
                tar.extractall(self.places[root], filter="tar")
            for part in ("agent", "verifier", "artifacts"):
                (self.places["/logs"] / part).mkdir()

        async def stop(self, delete: bool) -> None:
            shutil.rmtree(self.base)

        def _host(self, path: str) -> Path:
            for place, host in self.places.items():
                if PurePosixPath(path).is_relative_to(place):
                    return host / PurePosixPath(path).relative_to(place)
            raise FileNotFoundError(path)

        async def upload_file(self, source_path: Path | str, target_path: str) -> None:
            self._host(target_path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source_path, self._host(target_path))

        async def upload_dir(self, source_dir: Path | str, target_dir: str) -> None:
            shutil.copytree(source_dir, self._host(target_dir), dirs_exist_ok=True)

        async def download_file(self, source_path: str, target_path: Path | str) -> None:
            Path(target_path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._host(source_path), target_path)

        async def download_dir(self, source_dir: str, target_dir: Path | str) -> None:
            shutil.copytree(self._host(source_dir), target_dir, dirs_exist_ok=True)

        async def exec(
            self,
            command: str,
            cwd: str | None = None,
            env: dict[str, str] | None = None,
            timeout_sec: int | None = None,
            user: str | int | None = None,
        ) -> ExecResult:
            root = self.task_env_config.workdir
            request = {
                "command": command,
                "root": root,
                "cwd": cwd or root,
                "env": {**self.task_env_config.env, **(self._merge_env(env) or {})},
                "seconds": timeout_sec or 300,
                "places": {place: str(host) for place, host in self.places.items()},
            }
            python = os.environ.get("REENACT_PYTHON", sys.executable)
            process = await asyncio.create_subprocess_exec(
                python, __file__, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            said, _ = await process.communicate(json.dumps(request).encode())
            return ExecResult(**json.loads(said))


def run(request: dict[str, Any]) -> dict[str, Any]:
    """One command inside."""
    from replay.sandbox import ClockMode, SandboxSpec, start
    from replay.sandbox.scratch import Scratch
    from replay.sandbox.spec import Bind

    scratch = Scratch()
    try:
        session = scratch.folder("session", mode=0o755)
        home = request["env"].get("HOME", "/root")
        line = f"( {request['command']}\n) > /run-out/out 2> /run-out/err < /dev/null"
        spec = SandboxSpec(
            argv=["/bin/bash", "-c", line],
            env={"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", **request["env"]},
            workspace=Path(request["places"][request["root"]]),
            root=request["root"],
            cwd=request["cwd"],
            session_folder_host=session,
            session_folder="/run-out",
            home=home,
            uid=0,
            gid=0,
            user="root",
            hostname="task",
            clock=ClockMode.REAL,
            places=[Bind(Path(request["places"][part]), part, True) for part in _PARTS],
        )
        with start(spec) as sandbox:
            status = sandbox.wait(request["seconds"])
            os.close(sandbox.master)
            told = {
                name: sandbox.read_file(name, 1 << 20).decode("utf-8", "replace") for name in ("out", "err")
            }
        return {
            "stdout": told["out"],
            "stderr": told["err"],
            "return_code": 124 if status is None else status,
        }
    finally:
        scratch.close()


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
