"""What doctor says of single things; tests/server/test_cli.py runs it whole."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs.carriers import Server
from server.doctor import database, examine, findings, mail, port, redis, web_pages
from server.settings import Settings
from server.stack import EmbeddedStack
from tests.stack_fixture import temporary_state_dir


def test_pages_that_were_not_built_are_a_problem(tmp_path: Path) -> None:
    assert web_pages(tmp_path).remedy == "make web"
    (tmp_path / "index.html").write_text("")
    assert web_pages(tmp_path).remedy == ""


def test_a_tutti_that_is_not_ready_is_a_problem(tmp_path: Path) -> None:
    answer = b'HTTP/1.1 503 \r\n\r\n{"ready": false, "problems": ["draining"], "redis": "ok"}'
    with answering(answer) as taken:
        finding = port(Settings(port=taken, state_dir=tmp_path))
    assert finding.state == f"127.0.0.1:{taken} is served by Tutti, which is not ready"
    assert finding.remedy == f"see what http://127.0.0.1:{taken}/readyz says"


def test_a_port_that_a_tutti_with_servers_elsewhere_holds_is_no_problem(server_url: str, tmp_path: Path) -> None:
    settings = Settings(port=int(server_url.rsplit(":", 1)[1]), state_dir=tmp_path)
    finding = port(settings)
    assert finding.state.endswith("is served by Tutti, which is ready")
    assert finding.remedy == ""


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\nok", b'HTTP/1.1 200 OK\r\n\r\n["ready"]', b"SSH-2.0"])
def test_a_port_that_somebody_else_answers_on_is_a_problem(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as taken:
        finding = port(Settings(port=taken, state_dir=tmp_path))
    assert finding.state == f"127.0.0.1:{taken} is in use, and nothing there answers as Tutti does"
    assert f"TUTTI_PORT={taken + 1}" in finding.remedy


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A port on which the first one who asks gets `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as squatter:

        def reply() -> None:
            link, _ = squatter.accept()
            with link:
                link.recv(1000)
                link.sendall(answer)

        replying = threading.Thread(target=reply)
        replying.start()
        yield squatter.getsockname()[1]
        replying.join(10)


def test_servers_that_cannot_be_reached_are_problems() -> None:
    (found,) = database("postgresql+asyncpg://127.0.0.1:1/tutti")
    assert found.remedy.startswith("PostgreSQL cannot be reached at 127.0.0.1:1")
    assert redis("redis://127.0.0.1:1/0").remedy.startswith("Redis cannot be reached at 127.0.0.1:1")


def test_secrets_of_a_running_stack_that_cannot_be_read_are_a_problem() -> None:
    with temporary_state_dir() as state_dir, EmbeddedStack(state_dir, has_postgres=False):
        (state_dir / "valkey.password").unlink()
        last = list(findings(Settings(port=0, state_dir=state_dir)))[-1]
    assert last.what == "state"
    assert "valkey.password cannot be read" in last.remedy


def test_it_says_where_mail_goes_and_that_files_are_no_mail_for_production(tmp_path: Path) -> None:
    here = mail(Settings(state_dir=tmp_path))
    assert str(tmp_path / "mail") in here.state
    assert "files" in here.state
    assert here.remedy == ""
    assert "TUTTI_SMTP_URL" in mail(Settings(state_dir=tmp_path, env="production")).remedy
    nobody = Server("127.0.0.1", 1, is_tls=False, start_tls=False)
    assert "TUTTI_SMTP_URL" in mail(Settings(state_dir=tmp_path, smtp=nobody)).remedy


def test_problems_are_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    settings = Settings(
        port=0, state_dir=tmp_path, database_url="postgresql+asyncpg://127.0.0.1:1/x", redis_url="redis://127.0.0.1:1"
    )
    assert examine(settings, lines.append) == 1
    assert lines[-1] in {"2 problems found.", "3 problems found."}  # the third: no pages where they were not built
