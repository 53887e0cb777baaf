"""Why a sandbox does not start here, and how to mend it, in words for people."""

from __future__ import annotations

import contextlib
from pathlib import Path

INSTALL = "install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
APPARMOR = (
    "Ubuntu's AppArmor restricts them: allow bubblewrap with a profile "
    "(apt install apparmor-profiles; ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict "
    "/etc/apparmor.d/; systemctl reload apparmor), or all programs with "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
)


def explain(said: str) -> str:
    """What bubblewrap's complaint means and how to mend it."""
    last = said.strip().splitlines()[-1] if said.strip() else "it ended without a word"
    if "uid map" in said or "new namespace" in said or "user namespace" in said.lower() or "loopback" in said:
        return f"user namespaces are shut here ({last}). {namespace_advice()}"
    if "ld.so: object" in said:
        return f"the clock's library does not load in the sandbox ({last}); delete ~/.cache/reenact to build it anew"
    if "chdir" in said:
        return f"the recorded working folder is not in the sandbox ({last})"
    return f"bubblewrap did not start the sandbox: {last}"


def namespace_advice() -> str:
    """Why this system may refuse unprivileged user namespaces, and what its administrator can do."""
    settings = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
            "1",
            APPARMOR,
        ),
        "/proc/sys/kernel/unprivileged_userns_clone": (
            "0",
            "the system restricts them to root: `sysctl kernel.unprivileged_userns_clone=1`",
        ),
        "/proc/sys/user/max_user_namespaces": (
            "0",
            "their number is limited to none: `sysctl user.max_user_namespaces=15000`",
        ),
    }
    for path, (shut, advice) in settings.items():
        with contextlib.suppress(OSError):
            if Path(path).read_text().strip() == shut:
                return advice
    return "In a container, allow them (docker run --security-opt seccomp=unconfined, or --privileged)."
