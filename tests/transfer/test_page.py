"""What docs/import-export.md shows to be typed works as it stands there, on the demo workspace."""

from __future__ import annotations

import shlex
import shutil
import signal
from pathlib import Path

import pytest

from server.cli import main
from tests.site.test_site import blocks
from tests.stack_fixture import TestStack
from tests.transfer.test_other_programs import FILES, NAMES


def test_the_commands_that_the_page_shows(
    stack: TestStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for form, name in (("github", "issues.json"), ("trello", "board.json"), ("todoist", "Home.csv")):
        shutil.copy(FILES / NAMES[form], tmp_path / name)
    (people,) = [text for text in blocks("docs/import-export.md", "text") if text.startswith("octocat,")]
    (tmp_path / "people.csv").write_text(people)
    monkeypatch.setenv("REDIS_URL", stack.redis_url)
    monkeypatch.setenv("TUTTI_JWT_SECRET", "s" * 40)
    monkeypatch.setenv("TUTTI_STATE_DIR", str(tmp_path / "state"))
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with stack.new_database() as url:
            monkeypatch.setenv("DATABASE_URL", url)
            assert main(["seed"]) == 0
            shown = [line for text in blocks("docs/import-export.md", "shell") for line in text.splitlines()]
            assert len(shown) > 5
            for line in shown:
                program, *arguments = shlex.split(line)
                assert program == "tutti"
                assert main(arguments) == 0, (line, capsys.readouterr())
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    said = capsys.readouterr().out
    assert "Foxglove: what would be imported (nothing was written)" in said
    # Those whom the table names are members of the demo workspace.
    assert "hubot" not in said
    assert (tmp_path / "foxglove.csv").read_text().count("\n") > 30
