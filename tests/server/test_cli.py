"""The `tutti` command as people meet it: another process, real servers, and what it prints."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.stack_fixture import TestStack, temporary_state_dir

SECRET = "a-secret-that-is-long-enough-for-tests"
# A start takes two seconds here; a machine that runs other tests beside it may need a little longer.
START_SECONDS = 180


def environment(state_dir: Path, **settings: str) -> dict[str, str]:
    """The environment of a person who has set nothing but a state folder and these."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    kept = {name: value for name, value in kept.items() if not name.startswith("TUTTI_")}
    return {**kept, "TUTTI_STATE_DIR": str(state_dir), "TUTTI_PORT": "0", **settings}


def tutti(state_dir: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env=environment(state_dir, **settings),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class Serving:
    """A `tutti serve` (or another command) in a process group of its own, as a terminal would start it."""

    def __init__(self, state_dir: Path, command: str, settings: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", command],
            env=environment(state_dir, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell lets what it runs in the background ignore Ctrl-C, and so the tests in it; a terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads run yet)
        )
        self.lines: list[str] = []

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read what it prints up to a line that matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError("it ended:\n" + "".join(self.lines))

    def wait_until_ready(self) -> str:
        """Return the address once it is announced, which is when it is ready."""
        url = self.wait_for(r"Web client +(http://\S+)/")[1]
        self.wait_for("Ctrl-C stops everything")
        return url

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the whole group, as Ctrl-C does; return the exit code."""
        os.killpg(self.process.pid, number)
        return self.wait()

    def wait(self) -> int:
        assert self.process.stdout is not None
        self.lines += self.process.stdout.readlines()
        return self.process.wait(timeout=START_SECONDS)

    @property
    def output(self) -> str:
        return "".join(self.lines)


@contextmanager
def serving(state_dir: Path, command: str = "serve", **settings: str) -> Iterator[Serving]:
    server = Serving(state_dir, command, settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(scope="module")
def begun() -> Iterator[Path]:
    """A state folder that has been served from once."""
    with temporary_state_dir() as state_dir:
        with serving(state_dir) as server:
            server.wait_until_ready()
            assert server.end() == 0
        yield state_dir


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return int(response.status)


def processes_of(state_dir: Path) -> list[str]:
    """Every process that has the state folder in its command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(state_dir) in line:
            found.append(line)
    return found


def test_the_first_start_makes_everything_and_shows_the_demo_account() -> None:
    with temporary_state_dir() as state_dir, serving(state_dir) as server:
        url = server.wait_until_ready()
        assert status(f"{url}/readyz") == 200
        for phase in (
            "Valkey started",
            "database created",
            "PostgreSQL started",
            "Migrations applied",
            "Demo workspace made",
        ):
            assert re.search(rf"{phase} \(\d+\.\d s\)", server.output)
        assert re.search(r"E-mail +\S+@\S+", server.output)
        assert re.search(r"Password +\S{8,}", server.output)
        assert server.end() == 0
        assert "Traceback" not in server.output
        assert "ERROR" not in server.output
        assert processes_of(state_dir) == []


@pytest.mark.parametrize(
    ("number", "workers"), list(itertools.product((signal.SIGINT, signal.SIGTERM), ("1", "2"))), ids=str
)
def test_both_signals_end_it_cleanly(begun: Path, workers: str, number: signal.Signals) -> None:
    with serving(begun, TUTTI_WORKERS=workers) as server:
        url = server.wait_until_ready()
        assert status(f"{url}/readyz") == 200
        assert "Password" not in server.output
        assert server.end(number) == 0
        assert "Traceback" not in server.output
        assert processes_of(begun) == []


def test_a_jobs_process_that_dies_is_replaced(begun: Path) -> None:
    with serving(begun) as server:
        server.wait_until_ready()
        jobs = next(
            child
            for child in psutil.Process(server.process.pid).children()
            if "spawn_main" in " ".join(child.cmdline())
        )
        jobs.kill()
        server.wait_for(rf"The jobs process {jobs.pid} ended \(-9\); another one takes its place")
        assert server.end() == 0
        assert processes_of(begun) == []


def test_without_pages_none_is_announced(begun: Path) -> None:
    with serving(begun, TUTTI_WEB="off") as server:
        url = server.wait_for(r"API +(http://\S+)/graphql")[1]
        server.wait_for(rf"TUTTI_WEB=off; mails and invites lead to pages of yours at {url}$")
        assert "GraphiQL" not in server.output
        assert server.end() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_a_kill_the_next_start_has_the_same_port_and_data(begun: Path, workers: str) -> None:
    with serving(begun, TUTTI_WORKERS=workers) as server:
        url = server.wait_until_ready()
        server.process.kill()
        server.wait()
    with serving(begun, TUTTI_PORT=url.rsplit(":", 1)[1]) as server:
        assert server.wait_until_ready() == url
        assert "Demo workspace made" not in server.output
        assert server.end() == 0


@pytest.mark.parametrize("moment", ["Valkey started", "PostgreSQL started", "Migrations applied"])
def test_ctrl_c_during_the_start_leaves_nothing_behind(begun: Path, moment: str) -> None:
    with serving(begun) as server:
        server.wait_for(moment)
        server.end()
        assert "Traceback" not in server.output
        assert processes_of(begun) == []


def test_a_taken_port_is_told_before_anything_starts(begun: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = str(squatter.getsockname()[1])
        done = tutti(begun, "serve", TUTTI_PORT=port)
    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr
    assert f"TUTTI_PORT={int(port) + 1}" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("host", ["192.0.2.1", "not-a-host.invalid"])
def test_an_address_of_another_machine_is_told(begun: Path, host: str) -> None:
    done = tutti(begun, "serve", TUTTI_HOST=host)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tutti: {host} is no address of this machine; set TUTTI_HOST to one")


def test_bad_settings_are_listed_each_with_its_remedy(begun: Path) -> None:
    done = tutti(begun, "serve", TUTTI_WORKERS="many", TUTTI_ENV="live", TUTTI_JWT_SECRET="canary")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "tutti: the settings need a change:",
        "  TUTTI_WORKERS is 'many'; set it to a whole number from 1 to 64",
        "  TUTTI_JWT_SECRET holds a secret shorter than 32 characters; "
        "set it to the output of: openssl rand -base64 48",
        "  TUTTI_ENV is 'live'; set it to development or production",
    ]


def test_a_second_serve_is_refused_while_other_commands_join_in(begun: Path) -> None:
    with serving(begun) as server:
        url = server.wait_until_ready()
        port = url.rsplit(":", 1)[1]
        second = tutti(begun, "serve")
        assert (second.returncode, "already running" in second.stderr) == (1, True)

        migrated = tutti(begun, "migrate")
        assert (migrated.returncode, migrated.stdout) == (0, "The database has the newest shape.\n")
        seeded = tutti(begun, "seed")
        assert (seeded.returncode, "nothing was added" in seeded.stdout) == (0, True)

        doctor = tutti(begun, "doctor", TUTTI_PORT=port)
        for line in (
            r"ok +Python",
            r"ok +disk",
            rf"ok +port +127.0.0.1:{port} is served by Tutti, which is ready",
            r"ok +database +PostgreSQL 18\.",
            r"ok +clock +[+-]0\.\d\d s",
            r"ok +migrations +at (\S+) of \1",
            r"ok +redis +Valkey 9\.",
        ):
            assert re.search(line, doctor.stdout), doctor.stdout
        assert server.end() == 0


def test_doctor_says_what_it_can_while_nothing_runs(begun: Path) -> None:
    done = tutti(begun, "doctor")
    assert re.search(r"ok +embedded +can start", done.stdout)
    assert re.search(r"ok +port +127.0.0.1:0 is free", done.stdout)
    assert done.returncode == ("problem" in done.stdout)


def test_doctor_names_each_problem_and_its_remedy(begun: Path, stack: TestStack) -> None:
    with stack.new_database("template0") as empty, socket.create_server(("127.0.0.1", 0)) as squatter:
        port = str(squatter.getsockname()[1])
        unreachable = "redis://:canary@127.0.0.1:1/0"
        done = tutti(
            begun, "doctor", TUTTI_PORT=port, DATABASE_URL=empty, REDIS_URL=unreachable, TUTTI_JWT_SECRET=SECRET
        )
    assert done.returncode == 1
    assert re.search(
        rf"problem +port +127.0.0.1:{port} is in use, and nothing there answers as Tutti does\n +mend it: ", done.stdout
    )
    assert re.search(r"problem +migrations +at none of \S+\n +mend it: tutti migrate", done.stdout)
    assert re.search(r"problem +redis +cannot be used\n +mend it: Redis cannot be reached at 127.0.0.1:1", done.stdout)
    assert "canary" not in done.stdout
    assert urllib.parse.urlsplit(empty).password not in done.stdout  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("://", "://nobody-"), "refuses the user or password in DATABASE_URL"),
        (lambda url: url + "_missing", "has no database"),
        (
            lambda url: re.sub(r":\d+/", ":1/", url),
            "cannot be reached at 127.0.0.1:1 .*; start it, or change DATABASE_URL",
        ),
    ],
)
def test_an_external_database_that_cannot_be_used_is_explained(
    begun: Path, stack: TestStack, change: object, said: str
) -> None:
    assert callable(change)
    bad = change(stack.database_url)
    done = tutti(begun, "serve", DATABASE_URL=bad, REDIS_URL=stack.redis_url, TUTTI_JWT_SECRET=SECRET)
    assert done.returncode == 1
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr


def test_external_servers_are_used_and_left_alone(begun: Path, stack: TestStack) -> None:
    with stack.new_database("template0") as empty:
        settings = {"DATABASE_URL": empty, "REDIS_URL": stack.redis_url, "TUTTI_JWT_SECRET": SECRET}
        with serving(begun, **settings) as server:
            assert status(f"{server.wait_until_ready()}/readyz") == 200
            assert "Migrations applied" in server.output
            assert "started" not in server.output
            assert "Demo workspace" not in server.output
            assert server.end() == 0

        refused = tutti(begun, "seed", **settings, TUTTI_ENV="production")
        assert (refused.returncode, "never seeded" in refused.stderr) == (1, True)
        seeded = tutti(begun, "seed", **settings)
        assert (seeded.returncode, "Sign in with" in seeded.stdout) == (0, True)
        assert asyncio.run(people(empty)) > 0


async def people(database_url: str) -> int:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        return int(await connection.fetchval("SELECT count(*) FROM users"))
    finally:
        await connection.close()


def test_one_external_server_goes_with_one_embedded(stack: TestStack) -> None:
    with (
        temporary_state_dir() as state_dir,
        stack.new_database() as database_url,
        serving(state_dir, DATABASE_URL=database_url) as server,
    ):
        assert status(f"{server.wait_until_ready()}/readyz") == 200
        assert "Valkey started" in server.output
        assert "PostgreSQL started" not in server.output
        assert server.end() == 0


def test_migrate_starts_the_embedded_servers_when_nothing_runs() -> None:
    with temporary_state_dir() as state_dir:
        done = tutti(state_dir, "migrate")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "The database has the newest shape.")
        assert processes_of(state_dir) == []


def test_the_committed_schema_is_the_schema_of_the_code(begun: Path) -> None:
    done = tutti(begun, "export-schema", "--check")
    assert (done.returncode, done.stdout) == (0, "graphql-schema.graphql is up to date.\n"), done.stderr


def test_a_schema_file_is_written_and_a_stale_one_is_told(begun: Path, tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    assert tutti(begun, "export-schema", "--check", str(file)).returncode == 1
    written = tutti(begun, "export-schema", str(file))
    assert re.fullmatch(r"schema.graphql written \(\d+ lines\)\.\n", written.stdout)
    assert "type Subscription" in file.read_text()
    assert tutti(begun, "export-schema", "--check", str(file)).returncode == 0
    file.write_text("type Query")
    assert json.loads((tmp_path / "possibleTypes.json").read_text())["Actor"] == ["Integration", "System", "User"]
    stale = tutti(begun, "export-schema", "--check", str(file))
    assert (stale.returncode, "run: make schema" in stale.stderr) == (1, True)


@pytest.mark.serial
def test_a_migration_can_be_interrupted_as_well(begun: Path) -> None:
    with serving(begun, "migrate") as process:
        process.wait_for("Valkey started")
        is_interrupted(process)
    assert processes_of(begun) == []


@pytest.mark.serial
def test_a_doctor_who_waits_for_an_answer_can_be_interrupted_as_well(begun: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(START_SECONDS)
        redis_url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with serving(begun, "doctor", REDIS_URL=redis_url) as process:
            asking, _ = silent.accept()
            with asking:
                assert asking.recv(1)
                is_interrupted(process)


def is_interrupted(process: Serving) -> None:
    assert process.end() == 130, process.output
    assert process.lines[-1] == "tutti: interrupted\n"
    assert "Traceback" not in process.output


def test_a_wrong_command_line_shows_the_commands(begun: Path) -> None:
    done = tutti(begun, "sevre")
    assert done.returncode == 2
    for command in ("serve", "migrate", "seed", "export-schema", "doctor"):
        assert command in done.stderr


def test_no_secret_is_in_what_is_printed_or_logged(begun: Path) -> None:
    secrets = [(begun / name).read_text() for name in ("postgres.password", "valkey.password", "jwt.secret")]
    with serving(begun) as server:
        url = server.wait_until_ready()
        with pytest.raises(urllib.error.HTTPError):
            status(f"{url}/no-such-page?token=canary-in-the-address")
        assert server.end() == 0
    said = server.output + (begun / "postgres.log").read_text() + (begun / "valkey.log").read_text()
    for secret in (*secrets, "canary-in-the-address"):
        assert secret not in said
