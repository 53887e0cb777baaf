"""Lets the tests of this folder share the modules beside them, and the sessions' stage and expert (samples/)."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

settings.register_profile("steady", deadline=None)  # a busy machine is no failure
settings.load_profile("steady")

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "samples"))
