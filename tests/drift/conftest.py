"""Lets the tests of this folder share modules: the invoices' site, and the recorded browser of `source_browser`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "source_browser")]
