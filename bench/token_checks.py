"""How long it takes to know whose an API token is."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from bench.fleet import percentile
from bench.measure import Figure, Ground
from bench.people import do
from bench.programs import ROOT, product_root
from bench.wire import Http

NAME = "API tokens"
TIMES = 200_000
HOW = """In one process, for one token: the first time it is looked up in PostgreSQL, with the note that it was used; then it is
remembered for a second. 200,000 checks one after another, of which all but one in each second find it remembered; and 20 that
come when that second has passed, on a clock that is moved, which ask PostgreSQL again."""


async def measure(ground: Ground) -> list[Figure]:
    """-> milliseconds of a check."""
    http = Http(ground.server.url)
    try:
        asked = {"workspaceId": ground.team.workspace_id, "name": "Bench", "scopes": ["TASK_READ"]}
        secret = (await do(http, ground.team.people[0].token, "createApiToken", asked, "secret"))["secret"]
    finally:
        http.close()
    took = await asyncio.to_thread(_checks, ground, secret, 1_000 if ground.plan.is_quick else TIMES)
    (first,), again, rest = took["first"], took["again"], took["rest"]
    ground.say(f"first {first:.2f} ms, then p50 {percentile(rest, 0.5):.4f} ms, p99 {percentile(rest, 0.99):.4f} ms")
    return [
        Figure("a check within the second, mean", sum(rest) / len(rest) * 1e3, "us", "< 200 us"),
        Figure("a check within the second, p99", percentile(rest, 0.99) * 1e3, "us", "< 200 us"),
        Figure("a check when the second has passed, by PostgreSQL: p50", percentile(again, 0.5), "ms"),
        Figure("the first check of a token, by PostgreSQL", first, "ms"),
    ]


def _checks(ground: Ground, secret: str, times: int) -> dict[str, list[float]]:
    environment = {"DATABASE_URL": ground.stack.database_url, "TOKEN": secret, "PYTHONPATH": str(product_root())}
    program = [sys.executable, str(ROOT / "bench/token_check_process.py"), str(times)]
    said = subprocess.run(
        program, env={**os.environ, **environment}, cwd=product_root(), capture_output=True, check=True
    )
    found: dict[str, list[float]] = json.loads(said.stdout)
    return found
