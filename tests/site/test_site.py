"""The documentation: every page is built, every link leads somewhere, and every code is told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from resolvers import schema
from tests.processes import ROOT


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", "-d", str(tmp_path / "trees")]
    done = subprocess.run(
        [*build, ".", str(tmp_path / "site")], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = {str(one.relative_to(tmp_path / "site")) for one in (tmp_path / "site").rglob("*.html")}
    assert pages >= {"docs/index.html", "README.html", "docs/api/mutations.html", "docs/concepts.html"}
    mutations = (tmp_path / "site/docs/api/mutations.html").read_text()
    graphql = schema._schema
    assert graphql.mutation_type is not None
    for name in graphql.mutation_type.fields:
        assert f'id="mutation-{name.lower()}"' in mutations
    assert mutations.count("<strong>Example</strong>") >= len(graphql.mutation_type.fields)
    assert 'href="inputs.html#type-createtaskinput"' in mutations


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
