"""Chromium is sent through the proxy by flags that a program of its name puts before the expert's own."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from recorder.sources.proxy.authority import Authority
from recorder.sources.proxy.chromium import chromium_flags, wrapper
from recorder.sources.proxy.launch import wrappers


def test_they_name_the_proxy_and_the_key() -> None:
    authority = Authority.create()
    flags = chromium_flags({}, port=4711, spki=authority.spki()).split(" ")
    assert flags[:2] == ["--proxy-server=http://127.0.0.1:4711", "--proxy-bypass-list=<-loopback>"]
    public = authority.certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    assert flags[2] == f"--ignore-certificate-errors-spki-list={digest}"


def test_what_no_proxy_excludes_stays_excluded() -> None:
    env = {"no_proxy": "localhost, .corp.example,10.0.0.0/8,192.168.1.5,[::1],*,a b"}
    bypassed = chromium_flags(env, port=1, spki="x").split(" ")[1]
    assert bypassed == (
        "--proxy-bypass-list=<-loopback>;localhost;*.localhost;corp.example;*.corp.example;10.0.0.0/8;192.168.1.5;[::1];*"
    )


def _called(tmp_path: Path, *words: str, session: str = "/s") -> list[str]:
    real = tmp_path / "it's real"
    real.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    real.chmod(0o700)
    ours = tmp_path / "chromium"
    ours.write_bytes(wrapper(str(real)))
    ours.chmod(0o700)
    env = {"REENACT_SESSION": session, "REENACT_CHROMIUM_FLAGS": "--a=* --b=<x>;y", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([ours, *words], capture_output=True, text=True, check=True, env=env, cwd=tmp_path)
    return done.stdout.splitlines()


def test_the_program_before_it_passes_everything_on(tmp_path: Path) -> None:
    assert _called(tmp_path, "--headless=new", "a b", "*") == [
        "--a=*",
        "--b=<x>;y",
        "--headless=new",
        "a b",
        "*",
    ]
    assert _called(tmp_path, "--user-data-dir=/mine", "u") == [
        "--a=*",
        "--b=<x>;y",
        "--user-data-dir=/mine",
        "u",
    ]


def test_a_window_gets_a_profile_of_its_own(tmp_path: Path) -> None:
    """A browser that is open already would open the page itself, without the flags."""
    assert _called(tmp_path, "u") == ["--a=*", "--b=<x>;y", "--user-data-dir=/s/chromium", "u"]


def test_without_the_sessions_variables_it_is_the_browser_itself(tmp_path: Path) -> None:
    """As under `env -i` or `sudo`."""
    assert _called(tmp_path, "u", session="") == ["--a=*", "--b=<x>;y", "u"]


def test_only_browsers_that_are_there_have_one(tmp_path: Path) -> None:
    (tmp_path / "google-chrome").write_text("#!/bin/sh\n")
    (tmp_path / "google-chrome").chmod(0o700)
    made = wrappers({"PATH": str(tmp_path)})
    assert made == {"google-chrome": wrapper(str(tmp_path / "google-chrome"))}
