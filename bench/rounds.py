"""Measuring in rounds: how long, how often, and again while others used the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bench.machine import Noise, Watch

BRIEF_SECONDS = 2.0


@dataclass(slots=True)
class Plan:
    """How long and how often; a `quick` one only shows that all works, a `brief` one measures everything once."""

    is_quick: bool
    is_brief: bool = False
    repeats_left: int = 12
    noises: list[Noise] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        return 1 if self.is_quick or self.is_brief else 3

    def seconds(self, full: float) -> float:
        if self.is_quick:
            return min(full, 1.0)
        return min(full, BRIEF_SECONDS) if self.is_brief else full

    @property
    def may_repeat(self) -> bool:
        """Whether a round during which others used the machine is measured again."""
        return not self.is_quick and not self.is_brief and self.repeats_left > 0


async def quietly(plan: Plan, measure: Callable[[], Awaitable[Any]]) -> Any:
    """Measure; again, twice at most and a dozen times in all, while others used the machine. -> the quietest result."""
    best: tuple[float, Any, Noise] | None = None
    for _ in range(3):
        watch = Watch()
        result = await measure()
        noise = watch.noise()
        if best is None or noise.share < best[0]:
            best = (noise.share, result, noise)
        if noise.is_quiet or not plan.may_repeat:
            break
        plan.repeats_left -= 1
    assert best is not None
    plan.noises.append(best[2])
    return best[1]
