"""The machine under the measurement: its cores, what a process used of them, and what others took away meanwhile.

Invariant: a figure comes with its `Noise`; whoever reads it can tell a quiet machine from a busy one.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

TICKS = os.sysconf("SC_CLK_TCK")
MAX_STEAL = 0.01
MAX_FOREIGN = 0.05


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core serves and which loads; the same one where there is only one."""

    server: int
    client: int


def cores() -> Cores:
    available = sorted(os.sched_getaffinity(0))
    return Cores(available[0], available[-1])


def pin(pid: int, *core: int) -> None:
    """Keep a process, its threads and those it will start on these cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), core)


def cpu_seconds(pid: int) -> float:
    """CPU time of one process, its live threads together, to the nanosecond (not its children's)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:  # the thread has just ended
            continue
    return total / 1e9


def resident_bytes(pid: int) -> int:
    """Physical memory that a process holds, without what the kernel keeps for its sockets."""
    return int(psutil.Process(pid).memory_info().rss)


@dataclass(frozen=True, slots=True)
class Noise:
    """What a stretch of time had besides us, as shares of all cores: other programs here, and other guests of the host."""

    foreign: float
    steal: float

    @property
    def is_quiet(self) -> bool:
        return self.foreign <= MAX_FOREIGN and self.steal <= MAX_STEAL

    @property
    def share(self) -> float:
        return self.foreign + self.steal


def _machine_seconds() -> tuple[float, float]:
    """-> (busy, stolen) seconds of all cores since boot."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, soft, steal = (int(one) / TICKS for one in stat.readline().split()[1:9])
    return user + nice + system + irq + soft, steal


def _own_seconds() -> dict[int, float]:
    """CPU time of this process and of all it started, by pid."""
    me = psutil.Process()
    used = {}
    for process in [me, *me.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        used[process.pid] = times.user + times.system
    return used


class Watch:
    """Measures the noise from its making on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy, self._stolen = _machine_seconds()
        self._own = _own_seconds()

    def noise(self) -> Noise:
        capacity = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        busy, stolen = _machine_seconds()
        own = sum(used - self._own.get(pid, 0.0) for pid, used in _own_seconds().items())
        # Times come in ticks of 10 ms, so a short stretch may show a little less than nothing.
        foreign = max(0.0, busy - self._busy - own)
        return Noise(foreign / capacity, (stolen - self._stolen) / capacity)


@dataclass(slots=True)
class Usage:
    """What a block used: filled in at its end."""

    seconds: float = 0.0
    server_cpu: float = 0.0
    client_cpu: float = 0.0


@contextmanager
def usage(server_pid: int) -> Iterator[Usage]:
    """Measure time and CPU of the server and of this process over a block."""
    result = Usage()
    began, server, client = time.perf_counter(), cpu_seconds(server_pid), time.process_time()
    yield result
    result.seconds = time.perf_counter() - began
    result.server_cpu = cpu_seconds(server_pid) - server
    result.client_cpu = time.process_time() - client


def facts(versions: Callable[[], dict[str, str]]) -> dict[str, object]:
    """What stands above the figures."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "versions": versions(),
    }
