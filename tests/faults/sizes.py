"""How much is tried: one seed and short scenes beside the other tests, all seeds and full sizes by `make faults`."""

from __future__ import annotations

import os

IS_FULL = os.environ.get("FAULTS") == "full"
SEEDS = range(1, 6) if IS_FULL else range(1, 2)
SCENE_SECONDS = 2.0 if IS_FULL else 0.8
"""Before a fault, and after it."""
SOAK_SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
"""`make soak` takes ten minutes."""
