"""What a measurement of our own figures is: where it runs, and what it hands to the report.

A module of this package that has `NAME`, `HOW` and `measure(ground)` is one; `bench.__main__` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.machine import Cores
from bench.people import Team
from bench.programs import Program, Stack
from bench.rounds import Plan


@dataclass(frozen=True, slots=True)
class Ground:
    """One running server with its stack, and a workspace whose members have fresh tokens."""

    server: Program
    stack: Stack
    team: Team
    cores: Cores
    plan: Plan
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the report. `bound`: what is promised, or nothing."""

    what: str
    value: float
    unit: str
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What one measurement found, and of what: `facts` are those of `machine.facts`, the revision and the noise."""

    name: str
    how: str
    figures: list[Figure]
    facts: dict[str, Any]
