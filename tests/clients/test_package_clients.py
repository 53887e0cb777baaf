"""pip against a package index, npm against a registry."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from recorded_clients import Case, Plan, Run, check_contained, check_replayed
from served_origins import REGISTRY, Origin, registry, serving

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]


@contextmanager
def index(private: Path) -> Iterator[Origin]:
    """Two wheels, one of which needs the other and is large enough for a progress bar, and a source distribution."""
    served = private / "served"
    served.mkdir()
    for name, needs in (("alpha", ["beta>=1"]), ("beta", [])):
        source = private / name
        source.mkdir()
        (source / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "{name}"\nversion = "1.2"\ndependencies = {needs}\n'
            f'[tool.hatch.build]\ninclude = ["{name}.*"]\n'
        )
        (source / f"{name}.py").write_text(f'NAME = "{name}"\n')
        (source / f"{name}.bin").write_bytes(random.Random(name).randbytes(300_000 if needs else 10))
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", served],
            cwd=source, check=True, capture_output=True,
        )  # fmt: skip
    with tarfile.open(served / "gamma-0.1.tar.gz", "w:gz") as archive:
        for name, text in (
            (
                "setup.py",
                'from setuptools import setup\nsetup(name="gamma", version="0.1", py_modules=["gamma"])\n',
            ),
            ("PKG-INFO", "Metadata-Version: 2.1\nName: gamma\nVersion: 0.1\n"),
            ("gamma.py", 'NAME = "gamma"\n'),
        ):
            member = tarfile.TarInfo(f"gamma-0.1/{name}")
            member.size, member.mtime = len(text), 1_700_000_000
            archive.addfile(member, io.BytesIO(text.encode()))
    with serving("index", served, private) as origin:
        yield origin


PIP = "pip install --disable-pip-version-check --root-user-action ignore -i {url}/simple/"
PIP_CASES = [
    Case("pip", f"{PIP} --target lib alpha", "^Successfully installed alpha-1.2 beta-1.2", flows=4),
    Case("pip-tls", f"{PIP} --target lib2 alpha", "^Successfully installed", tls=True, flows=2),
    Case("pip-download", "pip download -i {url}/simple/ --no-deps alpha==1.2", "^Successfully downloaded alpha"),
    Case("pip-sdist", f"{PIP} --target lib3 --no-build-isolation gamma", "^Successfully installed", flows=2),
    Case("pip-missing", f"{PIP} --target lib4 nothing-like-it", "^ERROR: No matching", exit=1),
    Case("venv", "python3 -m venv --without-pip env", "e2e", flows=0),
    Case("pip-venv", f"pip --python env/bin/python {PIP[4:]} beta", "^Successfully installed beta-1.2"),
    Case("python", "env/bin/python -c 'import beta; print(beta.NAME)'", "^beta", flows=0),
]  # fmt: skip
PIP_PLAN = Plan(
    "pip",
    index,
    PIP_CASES,
    files={".gitignore": "env\n"},
    programs=("python3", "pip"),
)


@contextmanager
def npm_registry(private: Path) -> Iterator[Origin]:
    """Two packages, one of which needs the other, published by npm."""
    if not REGISTRY.exists():
        pytest.skip(f"verdaccio is not there: run `npm ci` in {REGISTRY.parents[3]}")
    with registry(private) as origin:
        env = {**os.environ, "HOME": str(private), "npm_config_cache": str(private / "cache")}
        (private / ".npmrc").write_text(f"//localhost:{origin.plain}/:_authToken=anybody\n")
        for name, needs in (("left-half", {}), ("whole", {"left-half": "^1.0.0"})):
            source = private / name
            source.mkdir()
            package = {"name": name, "version": "1.0.1", "main": "main.js", "dependencies": needs}
            (source / "package.json").write_text(json.dumps(package))
            (source / "main.js").write_text(f'module.exports = "{name}";\n')
            subprocess.run(
                ["npm", "publish", f"--registry=http://localhost:{origin.plain}/"],
                cwd=source, env=env, check=True, capture_output=True,
            )  # fmt: skip
        yield origin


NPM = "npm install --registry {url}/"
NPM_CASES = [
    Case("npm", f"{NPM} whole", "^added 2 packages", flows=4),
    Case("npm-ci", "rm -rf node_modules && npm ci --registry {url}/", "^added 2 packages"),
    Case("npm-view", "npm view whole dependencies --registry {url}/", "left-half"),
    Case("npm-tls", f"rm -rf node_modules package-lock.json; {NPM}", "^added 2 packages", tls=True, flows=2),
    Case("npm-missing", f"{NPM} nothing-like-it", "code E404", exit=1),
]
NPM_PLAN = Plan(
    "npm",
    npm_registry,
    NPM_CASES,
    files={"package.json": '{"name": "mine", "version": "1.0.0"}', ".gitignore": "node_modules\n"},
    programs=("node", "npm"),
)
BOTH = [(PIP_PLAN, case) for case in PIP_CASES] + [(NPM_PLAN, case) for case in NPM_CASES]


@pytest.mark.parametrize(("plan", "case"), BOTH, ids=[case.id for _, case in BOTH])
def test_it_replays(plan: Plan, case: Case, replayed: Callable[[Plan], Run]) -> None:
    check_replayed(case, replayed(plan).outcomes[case.id])


@pytest.mark.parametrize("plan", [PIP_PLAN, NPM_PLAN], ids=["pip", "npm"])
def test_nothing_leaves_the_sandbox(plan: Plan, replayed: Callable[[Plan], Run]) -> None:
    check_contained(replayed(plan))
