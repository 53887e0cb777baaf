#!/usr/bin/env bash
# The demonstration, after setting up all that it needs: records a real debugging session of a bundled bug by
# keystrokes, seals it, replays it in the sandbox, the service it talked to gone, and prints the verdict.
. "$(dirname "$0")/../.ci/setup.sh"
system_packages bash git vim less curl bubblewrap faketime libseccomp2 gcc libc6-dev util-linux
environment
cd "$root"
exec python samples/demo.py "$@"
