"""Rules for names and numbers that a kernel, a file system or a random source gave out. Pure."""

from __future__ import annotations

import re

from replay.verify.masking import Numbers, alias, masked, numbered

_ID = r"(\d{1,7})"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ENDS = (
    "Running|Done|Stopped|Exit|Terminated|Killed|Segmentation fault|Aborted|Bus error|Hangup|Illegal|Floating"
)
_spoken = numbered(
    "pid",
    (
        rf"^\[\d+\] {_ID}\r?$",  # [1] 12345
        rf"^\[\d+\] +[+-] +{_ID} (?=\w)",  # zsh: [1]  + 12345 done
        rf"^\[\d+\][+-]? +{_ID} (?=(?:{_ENDS})\b)",  # jobs -l
        rf"(?<=: ) *{_ID} (?=(?:{_ENDS})\b)",  # bash: line 3: 12345 Killed
        rf"\b(?:pid|PID|Pid|ppid|PPID|PPid)(?:[ =:#]| = |: |=')? ?{_ID}(?!\w|\.\d)",
        rf"\b[Pp]rocess(?: id| ID)?(?:[ #=:]|: | #){_ID}(?!\w|\.\d)",
        rf"\bkill: \(?{_ID}\)?(?= ?[-:])",
        rf"(?<=/proc/){_ID}(?=/)",
        rf"\d\d:\d\d:\d\d,\d{{3}} {_ID}(?= )",  # logging with %(asctime)s %(process)d
        rf"^\d+\t{_ID}(?=\t\d+%\t)",  # jobs in fish
        rf"^{_MONTH} +\d{{1,2}} \d\d:\d\d:\d\d \S+ [\w./-]{{1,64}}\[{_ID}\]:",  # syslog
    ),
)
_PADDED = re.compile(
    "(?<! ) {2,}(?=⟨pid[0-9]+⟩)".encode()
)  # columns move with the width of what stands in them
_HEAD = re.compile(rb"^(?=[^\n]*\bPID\b)[A-Z%+: /]+\r?$", re.MULTILINE)
_COLUMN = re.compile(rb"\b(?:PID|PPID|PGID|SID|TGID|PGRP|SESS)\b")


def _tables(data: bytes) -> bytes:
    """Numbers under PID, PPID and such headings of `ps`, up to the next empty line."""
    if not _HEAD.search(data):
        return data
    numbers = Numbers("pid", data)
    lines = data.split(b"\n")
    ends: frozenset[int] = frozenset()
    for i, line in enumerate(lines):
        if _HEAD.fullmatch(line):
            ends = frozenset(m.end() for m in _COLUMN.finditer(line))
        elif not line.strip():
            ends = frozenset()
        elif ends:
            new, at = b"", 0
            for match in re.finditer(rb"(?<!\S)\d+(?!\S)", line):
                if match.end() in ends:
                    new += line[at : match.start()].rstrip(b" ") + b" " + numbers(match[0])
                    at = match.end()
            lines[i] = new + line[at:]
    return b"\n".join(lines)


def pids(data: bytes) -> bytes:
    """Process ids, where the surroundings say that they are."""
    return _PADDED.sub(b" ", _spoken(_tables(data)))


_EPHEMERAL = (
    r"(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
)
ports = numbered(
    "port",
    (
        rf"(?:localhost|\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}|\[[0-9a-fA-F:]{{2,39}}\]|(?<=\s)\*):({_EPHEMERAL})(?!\d)",
        rf"\b[Pp](?:ort|ORT)(?: |=|: ?|: ')({_EPHEMERAL})(?!\d)",
        rf"\('\d{{1,3}}(?:\.\d{{1,3}}){{3}}', ({_EPHEMERAL})\)",
    ),
)
"""Ephemeral ports (32768 and above) after a host or the word port."""

addresses = numbered(
    "address",
    (
        r"(?<![\w.])(0x[0-9a-fA-F]{9,16})(?!\w)",
        r"(?: at |@ ?|\b[Aa]ddr(?:ess)? |\b[Pp]ointer |\bptr |=)(0x[0-9a-fA-F]{6,8})(?!\w)",
        r"(?<=[\w$\]])@((?=[a-f]{0,7}\d)[0-9a-f]{5,8})(?![\w.-])",  # Java's Object@1b6d3586
    ),
)
"""Memory addresses: long hexadecimal numbers, shorter ones after a word that says so."""

inodes = numbered(
    "inode",
    (
        r"\bInode: ?(\d+)\b",
        r"\bDevice: ([0-9a-f]+h/\d+d|\d+,\d+)(?!\w)",
        r"^ *(\d{3,})(?= +(?:\d+ +)?[-dlcbps][-rwxsStT]{9})",
    ),
)
"""Inode and device numbers in `stat`, `ls -i` and `find -ls`."""

uuids = numbered(
    "uuid",
    (
        (
            r"(?<![0-9a-zA-Z-])([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
            r"(?![0-9a-zA-Z-])"
        ),
    ),
)

_MIXED = (
    r"(?=[A-Za-z]{0,11}[0-9])(?=[0-9]{0,11}[A-Za-z])"
    r"|(?=[A-Za-z]{0,11}[a-z][A-Z]|[A-Za-z]{0,11}[A-Z]{2}[a-z])"
)
temporary_names = numbered(
    "temporary",
    (
        r"(?<![\w/])/(?:var/)?tmp/(tmp[a-z0-9_]{8})(?![a-z0-9_])",
        r"(?<![\w/])/(?:var/)?tmp/(tmp\.[A-Za-z0-9]{6,12})(?!\w)",
        r"(?<![\w/])/(?:var/)?tmp/(cc[A-Za-z0-9]{6})(?=\.)",
        r"(?<![\w/])/(?:var/)?tmp/pytest-of-[\w-]{1,32}/(pytest-\d+)(?!\w)",
        rf"(?<![\w/])/(?:var/)?tmp/[\w-]{{1,40}}[._-]((?:{_MIXED})[A-Za-z0-9]{{6,12}})(?![A-Za-z0-9])",
    ),
)
"""Random parts of names below /tmp and /var/tmp, as mktemp, Python, gcc and pytest draw them."""

_FOLDER = re.compile(
    rb"^((?: *\S+ +)?d[-rwxsStT]{9}[.+@]? +\d+ +\S+ +\S+) +[\d.]+[KMG]?(?= \S)", re.MULTILINE
)
_TOTAL = re.compile(rb"^total [\d.]+[KMG]?(?=\r?\n(?: *\S+ +)?[-dlcbps][-rwxsStT]{9})", re.MULTILINE)
_STAT = re.compile(rb"^(  Size: \d+) *\t *Blocks: \d+ +IO Block: \d+ +", re.MULTILINE)


def disk(data: bytes) -> bytes:
    """What a file system alone decides: sizes of folders, the `total` of a listing, blocks in `stat`."""
    data = _FOLDER.sub(rb"\1 " + alias("size"), data)
    data = _TOTAL.sub(b"total " + alias("size"), data)
    return _STAT.sub(rb"\1 " + alias("size") + b" ", data)


_HEX = r"([0-9a-f]{7,40})"
_HEX_MIXED = r"((?=[0-9]{0,39}[a-f])(?=[a-f]{0,39}[0-9])[0-9a-f]{7,40})"
git_hashes = numbered(
    "object",
    (
        r"(?<![\w/.-])([0-9a-f]{40})(?![\w/-]|  \S)",
        rf"^\x00*(?:commit|tree|parent|object) {_HEX}(?!\w)",
        rf"\bHEAD (?:is now at|was at|position was) {_HEX}(?!\w)",
        rf"\b(?:commit|tree|blob|tag|from|onto|at|was) {_HEX_MIXED}(?!\w)",
        rf"\bindex {_HEX}\.\.(?=[0-9a-f]{{7,40}}\b)",
        rf"\b[0-9a-f]{{7,40}}\.\.\.?{_HEX}(?!\w)",
        rf"(?<![\w.]){_HEX}(?=\.\.\.?[0-9a-f]{{7,40}}\b)",
        rf"^\[[^\]\r\n]{{1,80}} {_HEX}\](?= )",
        rf"^Merge: {_HEX}(?= [0-9a-f]{{7,40}}\b)",
        rf"^Merge: [0-9a-f]{{7,40}} {_HEX}(?!\w)",
        rf"^[*|/\\_ \x00]{{0,80}}{_HEX_MIXED}\x00*(?= [^ ])",
        rf"\b[Oo]n [^\s:]{{1,80}}: {_HEX_MIXED}(?= )",
        rf"\({_HEX_MIXED}\)",
        rf"^\[{_HEX_MIXED}\](?= )",
    ),
    key=lambda value: value[:7],
)
"""Object names of git, whole or short. A short one has the alias of the whole one that it begins."""

_WRITING = re.compile(rb"Writing objects: +\d+% \(\d+/\d+\), $")
packs = masked(
    "size",
    (r"\b\d+(?:\.\d\d)? (?:bytes|[KMG]iB)(?= \| )",),
    plausible=lambda match: bool(_WRITING.search(match.string[max(0, match.start() - 80) : match.start()])),
)
"""How large the pack of a `git push` is: a commit's time is packed, too. How many objects it has stays."""

built_wheels = numbered(
    "wheel",
    (
        r"(?:^|[\x00\r])  Created wheel for \S{1,99}: filename=\S{1,200} size=\d+ sha256=([0-9a-f]{64})(?=\r?$)",
    ),
)
"""Hashes of wheels that pip built: they hold the times of their files. Name and size stay."""

terminals = numbered("terminal", (r"(?<![\w/])(?:/dev/)?(pts/\d+)(?![\w/])",))
"""Names of pseudo-terminals."""

gauges = masked(
    "gauge",
    (
        r"(?<=load average: )\d+\.\d\d, \d+\.\d\d, \d+\.\d\d",
        r"(?:(?<=\bup )|(?<=\bup  )|(?<=\bup   ))(?:\d+ days?, +)?(?:\d+:\d\d|\d+ min)(?=,)",
    ),
)
"""How busy the machine is, and since when it runs, in `uptime`, `w` and `top`."""

_MODES = re.compile(
    rb"\x1b\[\?(?!(?:47|1047|1048|1049)[hl])[0-9;]+[hl]"  # private modes, other screens excepted
    rb"|\x1b\[[>=?]?[0-9;]*(?:\$p|[cnqt])"  # queries, window operations
    rb"|\x1b\[[>=<?][0-9;]*[mu]|\x1b[=>]"  # keyboard protocols
    rb"|\x1b\](?:0|1|2|7|9|10|11|12|104|110|111|112|133|633|777|1337)(?:;[^\x07\x1b]*)?(?:\x07|\x1b\\)"
)


def modes(data: bytes) -> bytes:
    """Terminal modes, titles and queries: what shows no character and no colour.

    Repeated until nothing is left, as taking one out may join the halves of another.
    """
    for _ in range(8):
        shorter = _MODES.sub(b"", data)
        if shorter == data:
            break
        data = shorter
    return data
