"""What programs in a sandbox trust, held against those who read it: openssl and keytool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from recorder.sources.proxy.authority import Authority
from replay.sandbox import trust


@pytest.mark.parametrize("name", ["Reenact session", "  Zwei   Wörter  ÄÖ ", "x"])
def test_the_hash_of_a_subject_is_openssls(tmp_path: Path, name: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    authority = Authority.create(name=name)
    (tmp_path / "a.pem").write_bytes(authority.pem())
    said = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(tmp_path / "a.pem")],
        capture_output=True,
        check=True,
    )
    [der] = trust._der(authority.pem())
    assert trust.subject_hash(der) == said.stdout.decode().strip()


@pytest.mark.slow
def test_java_reads_the_store(tmp_path: Path) -> None:
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("keytool is not installed")
    pems = [Authority.create(name=name).pem() for name in ("one", "two")]
    (tmp_path / "store").write_bytes(trust.java_store(trust._der(b"".join(pems))))
    said = subprocess.run(
        [keytool, "-list", "-v", "-keystore", str(tmp_path / "store"), "-storepass", "changeit"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert [f"Owner: CN={name}" in said.stdout for name in ("one", "two")] == [True, True]


def test_the_systems_own_authorities_stay(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    certifi = tool / "lib/python3.12/site-packages/certifi/cacert.pem"
    certifi.parent.mkdir(parents=True)
    certifi.write_bytes(b"old\n")
    authority = Authority.create().pem()
    shown = trust.trusting(authority, [tool])
    assert shown.files[str(certifi)] == b"old\n" + authority
    for path in trust.BUNDLES:
        if Path(path).is_file():
            content = shown.files[str(Path(path).resolve())]
            assert content.startswith(Path(path).read_bytes().rstrip())
            assert content.endswith(authority)
    for folder in shown.folders:
        there = {path.name for path in Path(folder).iterdir()}
        paths = (*shown.files, *shown.links, *shown.folders)
        made = {Path(path).name for path in paths if str(Path(path).parent) == folder}
        assert there <= made
    assert trust.trusting(b"") == trust.NOTHING
