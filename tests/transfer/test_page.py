"""What docs/import-export.md shows to be typed works as it stands there, on the demo workspace."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.cli import main
from tests.processes import ROOT
from tests.site.pages import block, blocks
from tests.stack_fixture import TestStack
from tests.transfer.test_other_programs import FILES, NAMES

PAGE = "docs/import-export.md"


def test_the_commands_that_the_page_shows(
    stack: TestStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for form, name in (("trello", "board.json"), ("todoist", "Home.csv")):
        shutil.copy(FILES / NAMES[form], tmp_path / name)
    (tmp_path / "people.csv").write_text(block(PAGE, "text", 0))
    path = f"{ROOT}/tests/site/bin:{os.environ['PATH']}"  # GitHub's command is played there
    gh = {**os.environ, "PATH": path, "PYTHON": sys.executable, "ISSUES": str(FILES / NAMES["github"])}
    subprocess.run(["bash", "-e", "-c", block(PAGE, "text", 1)], env=gh, check=True, timeout=180)
    monkeypatch.setenv("REDIS_URL", stack.redis_url)
    monkeypatch.setenv("TUTTI_JWT_SECRET", "s" * 40)
    monkeypatch.setenv("TUTTI_STATE_DIR", str(tmp_path / "state"))
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with stack.new_database() as url:
            monkeypatch.setenv("DATABASE_URL", url)
            assert main(["seed"]) == 0
            shown = [line for one in blocks(PAGE) if one.language == "shell" for line in one.text.splitlines()]
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
