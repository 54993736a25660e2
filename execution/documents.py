"""Documents by their text: parsed, held to the limits and validated once, for HTTP and WebSocket alike.

Only documents that passed are kept, so whoever finds one here may execute it as it is. Every refusal happens before
execution and before an operation has a context.
"""

from __future__ import annotations

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from execution.kept import Kept, size_of_document
from execution.limits import Limits, complexity_errors, too_complex

MAX_KEPT_BYTES = 25_000_000
# Errors are dear (each unknown field looks for similar names) and nobody reads more.
MAX_VALIDATION_ERRORS = 10


class Refused(Exception):
    """The request must not be executed; `errors` say why."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)


class Documents:
    """The documents of one schema: at most `max_bytes` of them are kept, the least recently used go first.

    `trusted`: no other texts are taken.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        *,
        rules: tuple[type[ASTValidationRule], ...] = (),
        is_introspection_allowed: bool = True,
        max_bytes: int = MAX_KEPT_BYTES,
        trusted: frozenset[str] | None = None,
    ) -> None:
        hidden = () if is_introspection_allowed else (NoSchemaIntrospectionCustomRule,)
        # Built once: a rule class made per request would be compiled per request.
        self._rules = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule, *hidden, *rules)
        self._are_names_hidden = not is_introspection_allowed
        self._schema = schema
        self._limits = limits
        self._kept: Kept[str, DocumentNode] = Kept(max_bytes)
        self._trusted = trusted

    def load(self, text: str) -> DocumentNode:
        """The valid document of this text. Raises Refused with syntax errors, exceeded limits or validation errors."""
        document = self._kept.get(text)
        if document is None:
            document = self._check(text)
            self._kept.keep(text, document, size_of_document(text, document))
        return document

    def _check(self, text: str) -> DocumentNode:
        limits = self._limits
        if self._trusted is not None and text not in self._trusted:
            raise Refused(GraphQLError("This server takes trusted documents only."))
        if len(text) > limits.max_document_characters:
            raise Refused(too_complex("The document has too many characters", limits.max_document_characters))
        try:
            document = parse(text, max_lexical_tokens=limits.max_tokens)
            errors = complexity_errors(document, limits) or validate(
                self._schema,
                document,
                self._rules,
                max_errors=MAX_VALIDATION_ERRORS,
                hide_suggestions=self._are_names_hidden,
            )
        except GraphQLError as error:
            raise Refused(_as_limit(error, limits)) from None
        except RecursionError:
            raise Refused(too_complex("The document is too deep", limits.max_depth)) from None
        if errors:
            raise Refused(*errors)
        return document


def _as_limit(error: GraphQLError, limits: Limits) -> GraphQLError:
    """graphql-core reports its parser's limits as syntax errors; only their words tell them apart."""
    if not error.message.endswith("Parsing aborted."):
        return error
    if "nested too deeply" in error.message:
        return too_complex("The document is too deep", limits.max_depth)
    return too_complex("The document has too many tokens", limits.max_tokens)
