"""How a terminal's program is started: which shell it is, and how our integration gets into it.

Pure: nothing is started or written here. The user's own files are never touched; a shell that is not
interactive, and any other program, is left exactly as asked for.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

Shell = Literal["bash", "zsh", "fish"]


class Launch(NamedTuple):
    """What to start and what to write first. `files` are relative to the session folder: mode and content."""

    argv: list[str]
    env: dict[str, str]
    files: dict[str, tuple[int, bytes]]
    shell: Shell | None


def launch(
    argv: list[str] | None,
    *,
    env: Mapping[str, str],
    folder: Path,
    nonce: str,
    real_reenact: str,
    restore: bytes | None = None,
    browsers: bool = True,
) -> Launch:
    """Prepare `argv` (None: the user's $SHELL) for a session in `folder`.

    Takes the session's nonce (32 hex characters), the path of the `reenact` program for the commands that the
    in-session one hands on, and `restore`, the state that `marks.shell_state` found in a recording: given, it
    is sourced in place of the user's files. (The same happens where a file `shell/restore` is put beside the
    files of an earlier launch.) `browsers`: the session can open some. Returns what to execute, its environment and
    the files that must stand in `folder` before. `shell` is None where no integration applies.
    """
    if argv is None:
        argv = [env.get("SHELL") or "/bin/sh"]
    if not argv:
        raise ValueError("launch needs a program to start, or None for the user's shell")
    out_env = dict(env)
    out_env["REENACT_SESSION"] = str(folder)
    out_env["PATH"] = f"{folder}/shell/bin:{env.get('PATH') or '/usr/local/bin:/usr/bin:/bin'}"
    shim = f"#!/bin/sh\nreal={shlex.quote(real_reenact)}\nbrowsers={int(browsers)}\n".encode() + _text(
        "reenact.sh"
    )
    out_files = {"shell/bin/reenact": (0o700, shim)}
    name = argv[0].rsplit("/", 1)[-1]
    prepare = {"bash": _bash, "zsh": _zsh, "fish": _fish}.get(name)
    found = prepare(list(argv), out_env, folder, nonce) if prepare else None
    if found is None or name not in ("bash", "zsh", "fish"):
        return Launch(list(argv), out_env, out_files, None)
    new_argv, shell_files = found
    out_files.update({path: (0o600, content) for path, content in shell_files.items()})
    if restore is not None:
        out_files["shell/restore"] = (0o600, restore)
    return Launch(new_argv, out_env, out_files, name)  # type: ignore[arg-type]


_Prepared = tuple[list[str], dict[str, bytes]] | None


def _text(name: str) -> bytes:
    return files(__package__).joinpath("shells", name).read_bytes()


def _header(values: Mapping[str, str]) -> bytes:
    """Assignments that bash and zsh read alike, none exported even under `set -a`."""
    lines = [f"__reenact_{name}={shlex.quote(value)}\n" for name, value in values.items()]
    return "".join(lines).encode(errors="surrogateescape")


# -- bash -------------------------------------------------------------------------------------------------

_BASH_ALONE = {"--help", "--version", "--dump-strings", "--dump-po-strings", "--rpm-requires",
               "--pretty-print", "--posix", "--restricted", "--wordexp"}  # fmt: skip


def _bash(argv: list[str], env: dict[str, str], folder: Path, nonce: str) -> _Prepared:
    kept: list[str] = []
    user_rc: str | None = None
    login = norc = noprofile = False
    words = iter(argv[1:])
    for word in words:
        long = "-" + word if len(word) > 2 and word[0] == "-" and word[1] != "-" else word
        if long in ("--rcfile", "--init-file"):
            user_rc = next(words, None)
            if user_rc is None:
                return None
        elif long == "--norc":
            norc = True
        elif long == "--noprofile":
            noprofile = True
            kept.append("--noprofile")
        elif long == "--login":
            login = True
            kept.append("--login")
        elif long in _BASH_ALONE:
            return None
        elif long in ("--debug", "--debugger", "--noediting", "--verbose"):
            kept.append(long)
        elif word in ("-", "--") or word[:1] not in ("-", "+"):
            # The rest names a script and its arguments (only with -s would it not).
            if word in ("-", "--") and next(words, None) is None:
                break
            return None
        else:
            letters = word[1:]
            if word[0] == "-" and set(letters) & set("crDs"):
                return None
            login = login or (word[0] == "-" and "l" in letters)
            kept.append(word)
            for _ in range(sum(letters.count(letter) for letter in "oO")):
                option = next(words, None)
                if option is None:
                    return None
                if option == "posix":
                    return None
                kept.append(option)
    path = f"{folder}/shell/bash.rc"
    values = {"nonce": nonce, "folder": str(folder)}
    head = b""
    if login or norc:
        # Neither reads an --rcfile. In posix mode bash reads ENV, and only that; the script leaves the mode.
        values["startup"] = "login" if login and not noprofile else "none"
        if "ENV" in env:
            values["env"] = env["ENV"]
        env["ENV"] = path
        kept.insert(0, "--posix")
    else:
        values["startup"] = "rc"
        if user_rc is None:
            head = b"__reenact_user_rc=~/.bashrc\n"
        else:
            values["user_rc"] = user_rc
        kept[:0] = ["--rcfile", path]
    # bash wants its long options before the short ones.
    longs = [i for i, word in enumerate(kept) if word.startswith("--")]
    order = longs + [i + 1 for i in longs if kept[i] == "--rcfile"]
    new_argv = [
        argv[0],
        *(kept[i] for i in sorted(order)),
        *(w for i, w in enumerate(kept) if i not in order),
    ]
    return new_argv, {"shell/bash.rc": _header(values) + head + _text("bash.sh")}


# -- zsh --------------------------------------------------------------------------------------------------


def _zsh(argv: list[str], env: dict[str, str], folder: Path, nonce: str) -> _Prepared:
    kept: list[str] = []
    norcs = False
    words = iter(argv[1:])
    for word in words:
        if word.startswith("--") and len(word) > 2:
            option = word[2:].replace("-", "").replace("_", "").lower()
            if option in ("help", "version", "emulate"):
                return None
            if option in ("norcs", "rcs"):
                norcs = option == "norcs"
            else:
                kept.append(word)
        elif word in ("-", "--") or word[:1] not in ("-", "+"):
            if word in ("-", "--") and next(words, None) is None:
                break
            return None
        else:
            letters = word[1:]
            if word[0] == "-" and set(letters) & set("csb"):
                return None
            if "f" in letters:
                norcs = word[0] == "-"
                letters = letters.replace("f", "")
            if "o" in letters:
                option = next(words, "")
                plain = option.replace("-", "").replace("_", "").lower()
                if plain in ("norcs", "rcs"):
                    norcs = (plain == "norcs") == (word[0] == "-")
                    letters = letters.replace("o", "")
                    option = ""
                if letters:
                    kept += [word[0] + letters, option] if option else [word[0] + letters]
            elif letters:
                kept.append(word[0] + letters)
    values = {"nonce": nonce, "folder": str(folder), "norcs": "1" if norcs else "0"}
    if "ZDOTDIR" in env:
        values["zdotdir"] = env["ZDOTDIR"]
    env["ZDOTDIR"] = f"{folder}/shell/zsh"
    return [argv[0], *kept], {"shell/zsh/.zshenv": _header(values) + _text("zsh.zsh")}


# -- fish -------------------------------------------------------------------------------------------------

_FISH_VALUE = {"-C", "--init-command", "-d", "--debug", "-D", "--debug-stack-frames", "-o", "--debug-output",
               "-f", "--features", "-p", "--profile", "--profile-startup"}  # fmt: skip
_FISH_ALONE = {"-c", "--command", "-n", "--no-execute", "-h", "--help", "-v", "--version",
               "--print-debug-categories", "--print-rusage-self"}  # fmt: skip


def _fish(argv: list[str], env: dict[str, str], folder: Path, nonce: str) -> _Prepared:
    kept: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word in _FISH_ALONE or word.startswith(("--command=", "-c")):
            return None
        if word in _FISH_VALUE:
            value = next(words, None)
            if value is None:
                return None
            kept += [word, value]
        elif word == "--":
            if next(words, None) is not None:
                return None
        elif not word.startswith("-") or (not word.startswith("--") and set(word[1:]) & set("cnhv")):
            return None
        else:
            kept.append(word)
    path = f"{folder}/shell/fish.fish"
    values = {"nonce": nonce, "folder": str(folder)}
    head = "".join(f"set -g __reenact_{name} {_fish_quote(value)}\n" for name, value in values.items())
    # Last, so that what the user gives with -C is there to be wrapped.
    return [argv[0], *kept, "--init-command", f"source {_fish_quote(path)}"], {
        "shell/fish.fish": head.encode(errors="surrogateescape") + _text("fish.fish"),
        "shell/fish_prompt.fish": _text("fish_prompt.fish"),
    }


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
