"""Root fields of what was changed."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from domain import ids, reverting
from domain.errors import Conflict, Refusal, Refusals
from domain.ids import typed
from domain.undoing import Target
from resolvers.mutate import Work, mutate
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given


def _target(asked: inputs.RevertTarget) -> Target:
    change_id, change_set_id = given(asked.change_id), given(asked.change_set_id)
    if change_id is not None:
        return Target(change_id, ids.parse("change", change_id, "target", "changeId"), is_set=False)
    assert change_set_id is not None
    return Target(change_set_id, ids.parse("changeset", change_set_id, "target", "changeSetId"), is_set=True)


def _clashing(refused: Refusal | Refusals) -> dict[str, Any]:
    """What has moved on, in the order of the refusals."""
    refusals = refused.refusals if isinstance(refused, Refusals) else (refused,)
    clashes = [one for one in refusals if isinstance(one, Conflict) and one.kind is not None]
    return {"entities": [typed(one.kind.value.lower(), one.entity_id) for one in clashes if one.kind is not None]}


@strawberry.type
class HistoryMutation:
    @strawberry.mutation(
        description=(
            "Undo a change, or all that one mutation changed, as new changes. Texts keep what others wrote since, sets"
            " who came since; any other field that moved on is a ConflictError, and then nothing is written. The"
            " undo of an undo does it again."
        )
    )
    async def revert_changes(
        self,
        info: Info,
        input: Annotated[inputs.RevertChangesInput, strawberry.argument(description="What to undo.")],
    ) -> payloads.RevertChangesPayload:
        def work() -> Work:
            target = _target(input.target)
            return lambda uow: reverting.revert_changes(uow, target)

        return await mutate(info, payloads.RevertChangesPayload, input, work, shows_refused=_clashing)
