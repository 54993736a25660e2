"""`tutti doctor`: looks at this machine and the servers, and says of each thing that it is well or how to mend it.

Invariant: it only looks. It starts nothing, and asks a running server the way any client would.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import platform
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from db.migrations import head
from db.probe import DatabaseProblem, ask_database
from jobs.carriers import Unreachable, greet
from realtime.probe import RedisProblem, ask_redis
from server.background import mail_folder
from server.pages import BUNDLE
from server.serve import PortTaken, listening_socket
from server.settings import Settings, in_url, reachable
from server.stack import StackError, is_running, recorded_addresses
from server.stack.postgres import programs
from server.stack.processes import Account
from server.stack.valkey import program

MINIMUM_PYTHON = (3, 11)
FREE_DISK_BYTES = 1024**3
# Access tokens live for minutes, and a few seconds between two machines are forgiven; more than that is not.
CLOCK_SKEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str
    remedy: str = ""
    """What to do about it; empty if it is well."""


def examine(settings: Settings, say: Callable[[str], None]) -> int:
    """Say one line for each finding; return 1 if anything needs mending, else 0."""
    problems = 0
    for finding in findings(settings):
        problems += bool(finding.remedy)
        say(f"{'problem' if finding.remedy else 'ok':8} {finding.what:11} {finding.state}")
        if finding.remedy:
            say(f"{'':20} mend it: {finding.remedy}")
    say("")
    say(f"{problems} problem{'s' if problems != 1 else ''} found." if problems else "Everything looked at is well.")
    return 1 if problems else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield python()
    yield disk(settings.state_dir)
    yield web_pages()
    yield port(settings)
    yield mail(settings)
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None or redis_url is None:
        if is_running(settings.state_dir):
            try:
                embedded_database, embedded_redis = recorded_addresses(settings.state_dir)
            except StackError as error:
                yield Finding("state", str(settings.state_dir), str(error))
                return
            database_url, redis_url = database_url or embedded_database, redis_url or embedded_redis
        else:
            yield embedded(settings)
    if database_url is not None:
        yield from database(database_url)
    if redis_url is not None:
        yield redis(redis_url)


def python() -> Finding:
    """Look at the version of Python."""
    remedy = "" if sys.version_info >= MINIMUM_PYTHON else "install Python 3.11 or later, then: make clean serve"
    return Finding("Python", platform.python_version(), remedy)


def disk(state_dir: Path) -> Finding:
    """Look at the room for data, where the state folder is or will be."""
    place = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    remedy = (
        "" if free >= FREE_DISK_BYTES else f"free at least 1 GiB at {place}, or set TUTTI_STATE_DIR to a larger disk"
    )
    return Finding("disk", f"{free / 1024**3:.1f} GiB free at {place}", remedy)


def web_pages(bundle: Path = BUNDLE) -> Finding:
    """Look whether the pages were built."""
    if (bundle / "index.html").exists():
        return Finding("web pages", "built")
    return Finding("web pages", "not built", "make web")


def port(settings: Settings) -> Finding:
    """Look whether the port is free, or held by a Tutti that is well."""
    where = f"{settings.host}:{settings.port}"
    try:
        listening_socket(settings).close()
    except PortTaken as error:
        is_ready = readiness(f"http://{in_url(reachable(settings.host))}:{settings.port}")
        if is_ready:
            return Finding("port", f"{where} is served by Tutti, which is ready")
        if is_ready is None:
            return Finding("port", f"{where} is in use, and nothing there answers as Tutti does", str(error))
        remedy = f"see what http://{where}/readyz says"
        return Finding("port", f"{where} is served by Tutti, which is not ready", remedy)
    return Finding("port", f"{where} is free")


def readiness(base_url: str) -> bool | None:
    """What a Tutti there says of itself, whatever servers it uses; None where nothing answers as Tutti does."""
    try:
        try:
            with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as response:  # noqa: S310 (an http:// of ours)
                text = response.read()
        except urllib.error.HTTPError as not_ready:
            text = not_ready.read()
        answer = json.loads(text)
        return bool(answer["ready"]) if {"problems", "redis"} <= answer.keys() else None
    except (OSError, http.client.HTTPException, ValueError, KeyError, AttributeError):
        return None


def mail(settings: Settings) -> Finding:
    """Tell how mail leaves, and ask the mail server whether it lets us in; nothing is sent."""
    if settings.smtp is None:
        remedy = "set TUTTI_SMTP_URL to smtp://user:password@host:587" if settings.env == "production" else ""
        return Finding("mail", f"is not sent: it is written into files, in {mail_folder(settings)}", remedy)
    where = f"{settings.smtp.host}:{settings.smtp.port}"
    try:
        asyncio.run(greet(settings.smtp))
    except Unreachable as error:
        return Finding("mail", f"{where} takes none", f"look at TUTTI_SMTP_URL and at that server: {error}")
    return Finding("mail", f"{where} lets us in; mail is sent from {settings.mail_from}")


def embedded(settings: Settings) -> Finding:
    """Look whether the embedded servers could start; they are not running."""
    try:
        if settings.database_url is None:
            programs(Account.unprivileged(settings.state_dir / "postgres"))
        if settings.redis_url is None:
            program()
    except StackError as error:
        return Finding("embedded", "cannot start", str(error))
    return Finding("embedded", "can start; while `tutti serve` runs, doctor also asks the database and Redis")


def database(url: str) -> Iterator[Finding]:
    """Ask the database for its version, its clock and its migrations."""
    try:
        facts = asyncio.run(ask_database(url))
    except DatabaseProblem as error:
        yield Finding("database", "cannot be used", str(error))
        return
    yield Finding("database", f"PostgreSQL {facts.version}")
    seconds = facts.clock_skew.total_seconds()
    mend = "set the clocks of both machines by NTP (timedatectl set-ntp true)"
    yield Finding(
        "clock", f"{seconds:+.2f} s from ours to the database's", mend if abs(facts.clock_skew) > CLOCK_SKEW else ""
    )
    newest = head()
    yield Finding(
        "migrations", f"at {facts.revision or 'none'} of {newest}", "" if facts.revision == newest else "tutti migrate"
    )


def redis(url: str) -> Finding:
    """Ask Redis for its version."""
    try:
        facts = ask_redis(url)
    except RedisProblem as error:
        return Finding("redis", "cannot be used", str(error))
    return Finding("redis", f"{facts.name} {facts.version}")
