"""The documentation: every page is built, every link leads somewhere, and what it shows works as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from graphql import parse, validate

from resolvers import schema
from tests.people import PASSWORD, Api
from tests.processes import ROOT

PAGES = ["README.md", *(str(one.relative_to(ROOT)) for one in sorted(ROOT.glob("docs/*.md")))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    found = BLOCK.findall((ROOT / page).read_text())
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, of, text in found if of == language]


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*build, ".", str(tmp_path / "site")], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = {str(one.relative_to(tmp_path / "site")) for one in (tmp_path / "site").rglob("*.html")}
    assert pages >= {"docs/index.html", "README.html", "docs/api/mutations.html", "docs/concepts.html"}
    mutations = (tmp_path / "site/docs/api/mutations.html").read_text()
    graphql = schema._schema
    assert graphql.mutation_type is not None
    for name in graphql.mutation_type.fields:
        assert f'id="mutation-{name.lower()}"' in mutations
    assert 'href="inputs.html#type-createtaskinput"' in mutations


@pytest.mark.parametrize("page", PAGES)
def test_operations_that_are_shown_are_of_the_schema(page: str) -> None:
    for document in blocks(page, "graphql"):
        parsed = parse(document)
        used = re.findall(r"\$(\w+)", document)
        assert all(used.count(name) > 1 for name in used), "a variable without its declaration"
        assert validate(schema._schema, parsed) == [], document


def test_most_pages_have_been_found() -> None:
    assert len(PAGES) > 12
    assert sum(len(blocks(page, "graphql")) for page in PAGES) > 5


def test_every_code_stands_in_the_table() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE))
    sources = [one.read_text() for room in ("server", "execution", "resolvers") for one in (ROOT / room).rglob("*.py")]
    given = {
        code
        for text in sources
        for code in re.findall(r"(?:\"code\": |TopLevel\(|^    )\"([A-Z_]+)\"(?:[,}]|: \d)", text, re.MULTILINE)
    }
    assert {"UNAUTHENTICATED", "INTERNAL", "ACCESS_REVOKED"} <= given
    assert told == given


# ---- what is typed into a shell


def shell(text: str, url: str, **variables: str) -> subprocess.Popen[str]:
    """Run what a page shows, at another server."""
    address = url.partition(":")[2]
    tools = {"PATH": f"{Path(__file__).parent / 'bin'}:{os.environ['PATH']}", "PYTHON": sys.executable}
    return subprocess.Popen(
        ["bash", "-c", text.replace("//127.0.0.1:8000", address)],
        env={**os.environ, **tools, **variables},
        stdin=subprocess.PIPE,  # open, as a terminal is
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """What it writes, up to a line that has it; then it is ended."""
    timer = threading.Timer(20, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    said = ""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said += line
            if wanted in line:
                return said
        raise AssertionError(f"{wanted} was not said, but: {said}")
    finally:
        timer.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


async def test_the_first_steps_by_curl(api: Api) -> None:
    ann = await api.sign_up("Ann")
    await ann.create_task(await ann.create_workspace("Garden"), "Water the roses")
    (steps,) = [one for one in blocks("README.md", "sh") if "curl" in one]
    mine = steps.replace("demo@example.com", ann.email).replace("the one that was printed", PASSWORD)
    await asyncio.to_thread(read_until, shell(mine, api.url), '"title":"Water the roses"')


async def test_a_stream_by_websocat_and_one_by_curl(api: Api) -> None:
    ann = await api.sign_up("Ann")
    workspace = await ann.create_workspace("Garden")
    followed = [one for one in blocks("docs/recipes.md", "sh") if "workspaceEvents" in one]
    assert len(followed) == 2
    for text in followed:
        process = shell(text, api.url, TOKEN=ann.token, WORKSPACE=workspace)
        await asyncio.to_thread(read_until, process, '"workspaceEvents":{"cursor":')
