"""When a process looks for garbage. In a process of its own: what pytest holds is none of its business."""

from __future__ import annotations

import subprocess
import sys

from tests.processes import ROOT

SCRIPT = """
import asyncio, gc, weakref
from types import SimpleNamespace
from server import garbage

class Ring:
    def __init__(self):
        self.itself = self

def old_one():
    ring = Ring()
    for _ in range(3):
        gc.collect(1)
    return ring, weakref.ref(ring)

async def freed(gone):
    async with asyncio.timeout(60):
        while gone() is not None:
            await asyncio.sleep(0.01)

async def main():
    garbage.begin()
    garbage.LOOK_SECONDS = 0.01
    watching = asyncio.create_task(garbage.watch())

    ring, gone = old_one()
    del ring
    await asyncio.sleep(0.3)
    print("few wait:", gone() is not None)
    for _ in range(garbage.RUNS):
        gc.collect(1)
    await freed(gone)

    garbage.line = SimpleNamespace(is_crowded=True)
    ring, gone = old_one()
    del ring
    for _ in range(garbage.RUNS):
        gc.collect(1)
    await asyncio.sleep(0.3)
    print("not in a crowd:", gone() is not None)
    garbage.line.is_crowded = False
    await freed(gone)

    garbage.LONG_SECONDS = 0.0
    ring, gone = old_one()
    for _ in range(garbage.RUNS):
        gc.collect(1)
    frozen = gc.get_freeze_count()
    async with asyncio.timeout(60):
        while gc.get_freeze_count() == frozen:
            await asyncio.sleep(0.01)
    del ring
    gc.collect()
    print("left out:", gone() is not None)
    garbage.WHOLE_SECONDS = 0.0
    await freed(gone)
    watching.cancel()

asyncio.run(main())
"""


def test_what_grew_old_is_freed_soon_but_in_no_crowd_and_what_stays_is_left_out_until_all_is_looked_at() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.splitlines() == ["few wait: True", "not in a crowd: True", "left out: True"], done.stderr
    assert done.stderr == ""
