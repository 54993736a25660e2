"""Writes the pages of the API reference from `graphql-schema.graphql`, before Sphinx reads them.

Invariant: they are made anew for each build and are not committed; the only text in them is the schema's own, and
examples that are known to work (`examples.graphql` and `examples.json`, which the tests run).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
)
from graphql.language import FieldNode, OperationDefinitionNode, parse, print_ast
from sphinx.application import Sphinx

HERE = Path(__file__).parent
SDL = HERE.parent / "graphql-schema.graphql"
FOLDER = HERE / "api"
# (kind of operation, root field) -> examples, as they are shown.
Examples = Mapping[tuple[str, str], Sequence[str]]
KINDS: tuple[tuple[str, str, type[GraphQLNamedType]], ...] = (
    ("objects", "Objects", GraphQLObjectType),
    ("interfaces", "Interfaces", GraphQLInterfaceType),
    ("unions", "Unions", GraphQLUnionType),
    ("enums", "Enums", GraphQLEnumType),
    ("inputs", "Inputs", GraphQLInputObjectType),
    ("scalars", "Scalars", GraphQLScalarType),
)
BEFORE = """The examples run in the tests, in an order in which they work. `<CreateTask.task.id>` in one is what the
answer to the example `CreateTask` has there.
"""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", lambda _: write(build_schema(SDL.read_text()), FOLDER))
    return {"parallel_read_safe": True}


def write(schema: GraphQLSchema, folder: Path) -> None:
    """Write one page for each kind of thing; those that have not changed keep their time."""
    folder.mkdir(exist_ok=True)
    pages = dict(_pages(schema))
    index = "# API reference\n\nEverything in [the schema](../../graphql-schema.graphql), element by element.\n\n"
    pages["index"] = index + "```{toctree}\n" + "\n".join(pages) + "\n```\n"
    for old in folder.glob("*.md"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text() != text:
            page.write_text(text)


def _pages(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    roots = {
        "queries": ("Queries", schema.query_type),
        "mutations": ("Mutations", schema.mutation_type),
        "subscriptions": ("Subscriptions", schema.subscription_type),
    }
    examples = _examples()
    for name, (title, root) in roots.items():
        assert root is not None
        fields = sorted(root.fields.items())
        yield name, f"# {title}\n\n{BEFORE}\n" + "\n".join(_root_field(root.name, *one, examples) for one in fields)
    root_types = {root for _, root in roots.values()}
    for name, title, kind in KINDS:
        found = sorted(
            (one for one in schema.type_map.values() if isinstance(one, kind) and one not in root_types),
            key=lambda one: one.name,
        )
        shown = (one for one in found if not one.name.startswith("__") and not is_specified_scalar_type(one))
        yield name, f"# {title}\n\n" + "\n".join(_type(schema, one) for one in shown)


def _root_field(root: str, name: str, field: GraphQLField, examples: Examples) -> str:
    lines = [f"({root}.{name})=", f"## {name}", "", _said(field), "", f"Gives {_link(field.type)}.", ""]
    return "\n".join([*lines, *_inputs("argument", field.args.items()), *examples[root.lower(), name]])


def _examples() -> Examples:
    """Raises KeyError where a document has nothing beside it."""
    told = json.loads((HERE / "examples.json").read_text())
    found: dict[tuple[str, str], list[str]] = {}
    for one in parse((HERE / "examples.graphql").read_text()).definitions:
        assert isinstance(one, OperationDefinitionNode)
        assert one.name is not None
        (field,) = one.selection_set.selections
        assert isinstance(field, FieldNode)
        example = told[one.name.value]
        lines = ["**Example**", "", *_block("graphql", print_ast(one))]
        if "authorization" in example:
            lines += _block("http", f"authorization: {example['authorization']}")
        if example["variables"]:
            lines += ["with the variables", "", *_block("json", _json(example["variables"]))]
        lines += ["answers", "", *_block("json", _json(example["answer"]))]
        found.setdefault((one.operation.value, field.name.value), []).append("\n".join(lines))
    return found


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _block(language: str, text: str) -> list[str]:
    return [f"```{language}", text, "```", ""]


def _type(schema: GraphQLSchema, one: GraphQLNamedType) -> str:
    lines = [f"(type-{one.name})=", f"## {one.name}", "", one.description or "", ""]
    if isinstance(one, GraphQLObjectType | GraphQLInterfaceType):
        if one.interfaces:
            lines += ["Implements " + ", ".join(map(_link, one.interfaces)) + ".", ""]
        lines += ["| field | type | |", "|---|---|---|"]
        for name, field in one.fields.items():
            given = ", ".join(f"`{key}:` {_link(of.type)}{_default(of)}" for key, of in field.args.items())
            lines.append(f"| `{name}`{f' ({given})' if given else ''} | {_link(field.type)} | {_cell(_said(field))} |")
    if isinstance(one, GraphQLInterfaceType | GraphQLUnionType):
        lines += ["", "Is one of " + ", ".join(map(_link, schema.get_possible_types(one))) + "."]
    if isinstance(one, GraphQLEnumType):
        lines += ["| value | |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(_said(value))} |" for name, value in one.values.items()]
    if isinstance(one, GraphQLInputObjectType):
        lines += _inputs("field", one.fields.items())
    return "\n".join([*lines, ""])


def _inputs(what: str, found: Iterable[tuple[str, GraphQLArgument | GraphQLInputField]]) -> list[str]:
    rows = [f"| `{name}` | {_link(one.type)}{_default(one)} | {_cell(_said(one))} |" for name, one in found]
    return [f"| {what} | type | |", "|---|---|---|", *rows, ""] if rows else []


def _link(of: object) -> str:
    """A type as it is written, with a link to where its name is described."""
    written = str(of)
    named = get_named_type(of)  # type: ignore[call-overload]
    if is_specified_scalar_type(named):
        return f"`{written}`"
    before, _, after = written.partition(named.name)
    return f"{_code(before)}[{named.name}](#type-{named.name}){_code(after)}"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _default(one: GraphQLArgument | GraphQLInputField) -> str:
    node = one.ast_node.default_value if one.ast_node else None
    return f" = `{print_ast(node)}`" if node else ""


def _said(one: object) -> str:
    said = getattr(one, "description", None) or ""
    reason = getattr(one, "deprecation_reason", None)
    return f"{said} **Deprecated:** {reason}" if reason else said


def _cell(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|")
