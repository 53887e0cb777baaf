"""What the network tests share: recordings made by hand, and servers that play them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
