"""Every subscription that people are shown, or that is measured, is compiled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from execution.executor import EventExecutor
from execution.projector import compile_operation
from resolvers import schema

ROOT = Path(__file__).parents[2]
PLACES = ["README.md", "docs/*.md", "tests/clients/*.mjs", "bench/*.py"]


BEGINS = re.compile(r"\bsubscription\b\s*\w*\s*(?:\(\s*\$|\{)")
"""A document, and no prose or code that has the word."""
CONSTANT = re.compile(r"const (\w+) = (?:\"([^\"]*)\"|`([^`]*)`);")


def shown() -> list[tuple[str, str]]:
    """-> (where, the operation with its fragments), of all that stand there."""
    found = []
    for path in sorted(path for place in PLACES for path in ROOT.glob(place)):
        text = path.read_text()
        for start in (match.start() for match in BEGINS.finditer(text)):
            document = _in_javascript(text, start) if path.suffix == ".mjs" else _balanced(text[start:])
            found.append((f"{path.relative_to(ROOT)}:{text[:start].count(chr(10)) + 1}", document))
    return found


def _balanced(text: str) -> str:
    depth = 0
    for at, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "}" and depth == 0:
            return text[: at + 1]
    raise AssertionError(f"where does it end? {text[:200]}")


def _in_javascript(text: str, start: int) -> str:
    """The rest of a template, with the constants of the file filled in."""
    constants = {name: plain or template for name, plain, template in CONSTANT.findall(text)}
    return re.sub(r"\$\{(\w+)\}", lambda found: constants[found[1]], text[start : text.index("`", start)])


SHOWN = shown()


def test_they_are_found() -> None:
    assert {where.split(":")[0] for where, _ in SHOWN} >= {
        "README.md",
        "docs/realtime.md",
        "tests/clients/documents.mjs",
        "bench/feed.py",
    }


@pytest.mark.parametrize("document", [pytest.param(document, id=where) for where, document in SHOWN])
def test_it_is_compiled(document: str) -> None:
    parsed = parse(document)
    assert validate(schema._schema, parsed) == []
    operation = parsed.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.operation is OperationType.SUBSCRIPTION
    variables = {one.variable.name.value: "workspace_0" for one in operation.variable_definitions or ()
                 if one.type.kind == "non_null_type"}  # fmt: skip
    executor = EventExecutor.build(schema._schema, parsed, None, None, variables, None)
    assert not isinstance(executor, list), executor
    compile_operation(executor)
