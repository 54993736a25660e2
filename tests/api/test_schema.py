"""What must hold of the schema whatever is added to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_specified_scalar_type

from tests.api.asking import SDL

ABOUT_SECRETS = {
    "signUp",
    "signIn",
    "refreshSession",
    "signOut",
    "changePassword",
    "requestPasswordReset",
    "resetPassword",
    "requestEmailChange",
    "verifyEmail",
    "deleteAccount",
}


def elements() -> Iterator[tuple[str, Any]]:
    """Every type, field, argument, input field and value, by its name."""
    for name, kind in SDL.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        yield name, kind
        for below, one in [*getattr(kind, "fields", {}).items(), *getattr(kind, "values", {}).items()]:
            yield f"{name}.{below}", one
            yield from ((f"{name}.{below}({argument})", it) for argument, it in getattr(one, "args", {}).items())


def test_every_element_has_a_description_that_says_more_than_its_name() -> None:
    poor = []
    for name, element in elements():
        said = "".join(filter(str.isalpha, (element.description or "").lower()))
        if said in {"", "".join(filter(str.isalpha, name.rpartition(".")[2].lower()))}:
            poor.append(name)
    assert poor == []


def test_every_mutation_takes_one_input_and_answers_in_one_form() -> None:
    assert SDL.mutation_type is not None
    common = SDL.get_type("MutationPayload")
    for name, field in SDL.mutation_type.fields.items():
        assert list(field.args) == ["input"], name
        assert field.args["input"].type.__class__.__name__ == "GraphQLNonNull", name
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert "userErrors" in payload.fields, name
        if name not in ABOUT_SECRETS and "clientMutationId" in get_named_type(field.args["input"].type).fields:
            assert common in payload.interfaces, name


def test_whatever_has_a_version_can_be_changed_from_the_version_one_saw() -> None:
    assert SDL.mutation_type is not None
    for name, field in SDL.mutation_type.fields.items():
        fields = get_named_type(field.args["input"].type).fields
        if "onConflict" in fields:
            assert "baseVersion" in fields, name
