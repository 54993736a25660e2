"""What the generated code is to bear: a server that is newer than this client.

New values of an enum and new types of an interface may come at any time (docs/integrations.md); neither makes an answer
unreadable.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from ariadne_codegen.plugins.base import Plugin

UNKNOWN_VALUE = '''
@classmethod
def _missing_(cls, value: object) -> object:
    """A value that came after this client was made: it is kept, under its own name."""
    if not isinstance(value, str):
        return None
    unknown = str.__new__(cls, value)
    unknown._name_ = unknown._value_ = value
    return unknown
'''


class Tolerance(Plugin):
    """Enums take values they do not know, and an actor may be of any type: which it is, is not asked."""

    def generate_enum(self, class_def: ast.ClassDef, enum_type: Any) -> ast.ClassDef:
        class_def.body.extend(ast.parse(UNKNOWN_VALUE).body)
        return class_def

    def generate_result_class(self, class_def: ast.ClassDef, *_: Any, **__: Any) -> ast.ClassDef:
        kept = [one for one in class_def.body if "Actor" not in types_named_by(one)]
        class_def.body = kept or [ast.Pass()]
        return class_def


def types_named_by(field: ast.stmt) -> list[str]:
    """What the `Literal[...]` of a field lists; nothing for any other."""
    if not isinstance(field, ast.AnnAssign):
        return []
    return re.findall(r"\w+", ast.unparse(field.annotation).removeprefix("Literal"))
