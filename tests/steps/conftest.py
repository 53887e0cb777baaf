"""Lets the tests of this folder share the module beside them (`browser_log`)."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("steady", deadline=None)  # a busy machine is no failure
settings.load_profile("steady")

sys.path.insert(0, str(Path(__file__).parent))
