"""Who may see which rows: one frozen value and one predicate for all of SQL.

Every read of a tenant's rows on behalf of somebody goes through the predicates
here. A row that no grant covers does not exist for that reader.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Table, Uuid, and_, any_, bindparam, false, or_
from sqlalchemy.sql.selectable import NamedFromClause

from db.models import Permission, Role, TokenRights

_READ = frozenset({Permission.TASK_READ})
_WRITE = _READ | {Permission.TASK_WRITE, Permission.COMMENT_WRITE}
_MEMBER = _WRITE | {Permission.TASK_DELETE, Permission.PROJECT_ADMIN, Permission.MEMBER_INVITE}
_ADMIN = _MEMBER | {
    Permission.MEMBER_ADMIN,
    Permission.TOKEN_ADMIN,
    Permission.WEBHOOK_ADMIN,
    Permission.EXPORT,
}

# Two rights depend on more than the role, so they are asked where they matter: a GUEST may delete the tasks
# they created, and an ADMIN may rename the workspace without the rest of WORKSPACE_ADMIN.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _ADMIN | {Permission.WORKSPACE_ADMIN},
    Role.ADMIN: _ADMIN,
    Role.MEMBER: _MEMBER,
    Role.GUEST: _WRITE,
    Role.VIEWER: _READ,
}

MEMBERS_TAG = "members"
"""Audience tag of all who see a whole workspace."""


_PROJECT, _PERSON, _PERMISSION, _TOKEN = "project:", "person:", "permission:", "token:"
_NOBODY = UUID(int=0)


def project_tag(project_id: UUID) -> str:
    """Audience tag of the guests of a project."""
    return f"{_PROJECT}{project_id}"


def person_tag(user_id: UUID) -> str:
    """Audience tag of one person."""
    return f"{_PERSON}{user_id}"


def permission_tag(permission: Permission) -> str:
    """Audience tag of all whose role has a permission."""
    return _PERMISSION_TAGS[permission]


_PERMISSION_TAGS = {permission: f"{_PERMISSION}{permission.value}" for permission in Permission}


EVERYBODY_TAG = "everybody"
"""Audience tag of everybody in a workspace, guests too."""


def sight(tags: frozenset[str]) -> frozenset[str]:
    """The tags without the person's own where it opens nothing: the same for all with a role that sees everything."""
    return frozenset(tag for tag in tags if not tag.startswith(_PERSON)) if MEMBERS_TAG in tags else tags


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person may see and do in one workspace. `project_ids` None: all of it.

    `scopes`: an API token acts for them, and may do at most this; None: it is they themselves.
    """

    workspace_id: UUID
    membership_id: UUID
    user_id: UUID
    role: Role
    project_ids: frozenset[UUID] | None
    scopes: frozenset[Permission] | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        held = PERMISSIONS[self.role]
        return held if self.scopes is None else held & self.scopes

    def may_use(self, permission: Permission) -> bool:
        """Whether a right that comes from more than the role is among those of the token, if it is one."""
        return self.scopes is None or permission in self.scopes

    def sees_project(self, project_id: UUID | None) -> bool:
        return self.project_ids is None or project_id in self.project_ids

    @property
    def tags(self) -> frozenset[str]:
        """The audience tags this person holds in the workspace's log."""
        tags = {EVERYBODY_TAG, person_tag(self.user_id)}
        tags.update(permission_tag(permission) for permission in self.permissions)
        if self.scopes is not None:
            tags.add(_TOKEN + self.role.value)
        if self.project_ids is None:
            tags.add(MEMBERS_TAG)
        else:
            tags.update(project_tag(project_id) for project_id in self.project_ids)
        return frozenset(tags)


@lru_cache(1_000)
def shared_grant(workspace_id: UUID, tags: frozenset[str]) -> Grant:
    """The rights that go with audience tags, but nobody's in particular: equal for all who may see and do the same."""
    held = frozenset(permission for permission in Permission if permission_tag(permission) in tags)
    token_of = next((Role(tag.removeprefix(_TOKEN)) for tag in tags if tag.startswith(_TOKEN)), None)
    role = token_of or next(role for role, permissions in PERMISSIONS.items() if permissions == held)
    guest_of = frozenset(UUID(tag.removeprefix(_PROJECT)) for tag in tags if tag.startswith(_PROJECT))
    scopes = None if token_of is None else held
    return Grant(workspace_id, _NOBODY, _NOBODY, role, None if MEMBERS_TAG in tags else guest_of, scopes)


def within(grant: Grant, token: TokenRights | None) -> Grant | None:
    """What is left of somebody's rights for their API token; None: nothing, as for whoever may not even read."""
    if token is None:
        return grant
    if grant.workspace_id != token.workspace_id or grant.user_id != token.user_id:
        return None
    narrowed = replace(grant, scopes=token.scopes)
    return narrowed if Permission.TASK_READ in narrowed.permissions else None


def tags_within(tags: frozenset[str], workspace_id: UUID, token: TokenRights) -> frozenset[str] | None:
    """The same of somebody's audience tags in a workspace."""
    narrowed = within(replace(shared_grant(workspace_id, tags), user_id=token.user_id), token)
    return None if narrowed is None else narrowed.tags


@dataclass(frozen=True, slots=True)
class Scope:
    """All that somebody may see: one grant per workspace they belong to."""

    grants: tuple[Grant, ...]

    def grant(self, workspace_id: UUID) -> Grant | None:
        for grant in self.grants:
            if grant.workspace_id == workspace_id:
                return grant
        return None

    def narrowed(self, workspace_ids: Collection[UUID], project_ids: Collection[UUID]) -> Scope:
        """What of it lies in these workspaces, for a guest of these projects, and nobody's in particular: equal for all
        who may see the same there."""
        return Scope(
            tuple(
                replace(
                    grant,
                    membership_id=_NOBODY,
                    user_id=_NOBODY,
                    project_ids=None if grant.project_ids is None else grant.project_ids.intersection(project_ids),
                )
                for grant in sorted(self.grants, key=lambda one: one.workspace_id)
                if grant.workspace_id in workspace_ids
            )
        )

    @property
    def workspace_ids(self) -> list[UUID]:
        return [grant.workspace_id for grant in self.grants]

    @property
    def whole_ids(self) -> list[UUID]:
        """Workspaces that are seen whole."""
        return [grant.workspace_id for grant in self.grants if grant.project_ids is None]

    @property
    def guest_project_ids(self) -> list[UUID]:
        """Projects seen as a guest, of the other workspaces."""
        return [project_id for grant in self.grants for project_id in grant.project_ids or ()]


def in_workspaces(table: Table, scope: Scope) -> ColumnElement[bool]:
    """Rows that everybody in a workspace sees: statuses, labels, the workspace itself."""
    column = table.c.id if table.name == "workspaces" else table.c.workspace_id
    return column.in_(scope.workspace_ids)


def visible(table: NamedFromClause, scope: Scope) -> ColumnElement[bool]:
    """Rows that hang on a project: `projects` by their id, `tasks` by `project_id`."""
    column = table.c.id if table.name == "projects" else table.c.project_id
    ways: list[ColumnElement[bool]] = []
    if scope.whole_ids:
        ways.append(table.c.workspace_id.in_(scope.whole_ids))
    if scope.guest_project_ids:
        # The workspace again, so that a project id alone opens nothing, and the index is used.
        guest_in = [grant.workspace_id for grant in scope.grants if grant.project_ids]
        ways.append(and_(table.c.workspace_id.in_(guest_in), column.in_(scope.guest_project_ids)))
    return or_(*ways) if ways else false()


def visible_by_parameters(table: NamedFromClause) -> ColumnElement[bool]:
    """The same for a statement whose text never changes, whose parameters are those of `sight_of`."""
    column = table.c.id if table.name == "projects" else table.c.project_id
    return or_(
        table.c.workspace_id == _any_of("seen_whole"),
        and_(table.c.workspace_id == _any_of("seen_as_guest"), column == _any_of("seen_projects")),
    )


def _any_of(name: str) -> Any:
    return any_(bindparam(name, type_=ARRAY(Uuid)))


def sight_of(scope: Scope) -> dict[str, Any]:
    """What somebody may see, as the parameters of `visible_by_parameters`."""
    return {
        "seen_whole": scope.whole_ids,
        "seen_as_guest": [grant.workspace_id for grant in scope.grants if grant.project_ids],
        "seen_projects": scope.guest_project_ids,
    }
