"""Who keeps the jobs process going."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.processes import ROOT, SECRET
from tests.stack_fixture import TestStack

EXHAUSTED = """
import logging, os, resource, signal, time
import psutil
from server.background import jobs_process

logging.basicConfig(format="%(message)s", level=logging.WARNING)

def jobs():
    children = psutil.Process().children()
    # Not this text itself, which a child has for its command until it has become another program.
    return [one for one in children if one.is_running() and "spawn" "_main" in " ".join(one.cmdline())]

def until(is_so):
    deadline = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)

class Refusals(logging.Handler):
    count = 0
    def emit(self, record):
        self.count += "cannot start" in record.getMessage()

if __name__ == "__main__":
    refusals = Refusals()
    logging.getLogger("tutti.server").addHandler(refusals)
    with jobs_process():
        until(jobs)
        (first,) = jobs()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: refusals.count >= 2)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        until(jobs)
    until(lambda: not jobs())
    print("replaced")
"""


def test_a_jobs_process_that_cannot_be_started_is_started_later(stack: TestStack) -> None:
    settings = {"DATABASE_URL": stack.database_url, "REDIS_URL": stack.redis_url, "TUTTI_JWT_SECRET": SECRET}
    done = subprocess.run(
        [sys.executable, "-c", EXHAUSTED],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "replaced\n", done.stderr
    assert "Too many open files" in done.stderr
    assert "Traceback" not in done.stderr
