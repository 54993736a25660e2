"""History as part of the API: what kind of object changed, the audit log, and texts kept as differences."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What a change touched tells its kind where the object is gone for good.
_KIND = """
UPDATE changes SET kind = CASE
  WHEN EXISTS (SELECT FROM tasks WHERE tasks.id = entity_id) THEN 'TASK'
  WHEN entity_id = workspace_id THEN 'WORKSPACE'
  WHEN fields @> '[{"field": "ROLE"}]' OR fields @> '[{"field": "PROJECTS"}]' THEN 'MEMBERSHIP'
  WHEN EXISTS (SELECT FROM statuses WHERE statuses.id = entity_id)
    OR fields @> '[{"field": "CATEGORY"}]' OR fields @> '[{"field": "RANK"}]' THEN 'STATUS'
  WHEN EXISTS (SELECT FROM projects WHERE projects.id = entity_id)
    OR fields @> '[{"field": "KEY"}]' OR fields @> '[{"field": "DESCRIPTION"}]'
    OR fields @> '[{"field": "ARCHIVED"}]' THEN 'PROJECT'
  ELSE 'LABEL' END
"""
_TEXTS = """
UPDATE changes SET text_base = version, text_weight = 0 WHERE fields @> '[{"field": "DESCRIPTION"}]'
"""


def upgrade() -> None:
    op.add_column("changes", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("changes", sa.Column("is_audit", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column(
        "changes",
        sa.Column(
            "text_base",
            sa.Integer(),
            nullable=True,
            comment="With a text: the version whose change has it whole, on which this builds.",
        ),
    )
    op.add_column(
        "changes",
        sa.Column(
            "text_weight",
            sa.Integer(),
            nullable=True,
            comment="With a text: what has to be read and joined to know it, from there on.",
        ),
    )
    op.execute(_KIND)
    op.execute("UPDATE changes SET is_audit = true WHERE kind = 'MEMBERSHIP'")
    op.execute(_TEXTS)
    op.alter_column("changes", "kind", nullable=False)
    op.create_index(
        "ix_changes_text",
        "changes",
        ["entity_id", "version"],
        unique=False,
        postgresql_where=sa.text("text_base IS NOT NULL"),
    )
    op.create_index(
        "ix_changes_audit", "changes", ["workspace_id", "at", "id"], unique=False, postgresql_where=sa.text("is_audit")
    )


def downgrade() -> None:
    # What is kept as a difference cannot be told without the code that wrote it: it is forgotten.
    op.execute("DELETE FROM changes WHERE jsonb_path_exists(fields, '$[*].delta')")
    op.drop_index("ix_changes_audit", table_name="changes")
    op.drop_index("ix_changes_text", table_name="changes")
    op.drop_column("changes", "text_weight")
    op.drop_column("changes", "text_base")
    op.drop_column("changes", "is_audit")
    op.drop_column("changes", "kind")
