"""When a process looks for garbage. In a process of its own: what pytest holds is none of its business."""

from __future__ import annotations

import subprocess
import sys

from tests.processes import ROOT

SCRIPT = """
import asyncio, gc, weakref
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

class Looks:
    count = 0
    sockets = 0
    newcomers = 0

    def __call__(self):
        self.count += 1
        self.sockets += self.newcomers
        return self.sockets

    async def more(self):
        enough = self.count + 5
        async with asyncio.timeout(60):
            while self.count < enough:
                await asyncio.sleep(0.01)

def grow_old():
    for _ in range(garbage.RUNS):
        gc.collect(1)

async def main():
    garbage.begin()
    looks = Looks()
    watching = asyncio.create_task(garbage.watch(looks, look_seconds=0.01, long_seconds=60))

    ring, gone = old_one()
    del ring
    await looks.more()
    print("few wait:", gone() is not None)
    grow_old()
    await freed(gone)

    ring, gone = old_one()
    looks.newcomers = garbage.CROWD
    await looks.more()
    looks.newcomers = 0
    del ring
    grow_old()
    await looks.more()
    print("left out with a crowd:", gone() is not None)
    watching.cancel()

    watching = asyncio.create_task(garbage.watch(looks, look_seconds=0.01, long_seconds=0))
    ring, gone = old_one()
    grow_old()
    async with asyncio.timeout(60):
        while any(one is ring for one in gc.get_objects()):
            await asyncio.sleep(0.01)
    del ring
    gc.collect()
    print("left out:", gone() is not None)
    watching.cancel()
    watching = asyncio.create_task(garbage.watch(looks, look_seconds=0.01, whole_seconds=0))
    await freed(gone)
    watching.cancel()

asyncio.run(main())
"""


def test_what_grew_old_is_freed_soon_and_what_stays_is_left_out_until_all_is_looked_at() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.splitlines() == ["few wait: True", "left out with a crowd: True", "left out: True"], done.stderr
    assert done.stderr == ""
