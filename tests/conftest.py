"""What holds for every test, wherever the run was started."""

from __future__ import annotations

import signal

# A run in the background of a script inherits that these are ignored, and would hand it on to the programs under test.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
