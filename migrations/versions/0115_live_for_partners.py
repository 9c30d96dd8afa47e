"""A live session may be for its host's partners by their links, and its viewers ask questions in it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0115"
down_revision = "0112"
branch_labels = None
depends_on = None

_OPEN = "visibility IN ('public', 'unlisted')"
_NAMED = "kernel.current_org() = ANY(partner_ids)"
# As in 0089: in a subquery of its own it is asked once a statement.
_LINKED = "partner_groups && (SELECT marketplace.partner_groups(kernel.current_org()))"
_TABLE = "marketplace.live_session"
_NUMBERS = ("links_ended", "questions_sequence")
_IN_A_ROOM = "state = 'shown' AND EXISTS (SELECT 1 FROM marketplace.live_session s WHERE s.id = session_id)"
_KINDS = "kind IN ('comment', 'review', 'question', 'answer', 'video', 'listing', 'circle_post'"


def upgrade() -> None:
    """What there is is shown to whom it was."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    groups: sa.Column[Any] = sa.Column(
        "partner_groups", postgresql.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")
    )
    op.add_column("live_session", groups, schema="marketplace")
    for name in _NUMBERS:
        number = sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        op.add_column("live_session", number, schema="marketplace")
    shared = f"visibility = 'partners' AND ({_NAMED} OR {_LINKED})"
    op.execute(f"ALTER POLICY shown ON {_TABLE} USING ({_OPEN} OR ({shared}))")
    _question()
    _report(f"{_KINDS}, 'live_question')")


def _report(rule: str) -> None:
    op.drop_constraint("ck_content_report_kind", "content_report", schema="marketplace")
    op.create_check_constraint("ck_content_report_kind", "content_report", rule, schema="marketplace")


def _question() -> None:
    name, instant = "live_question", sa.DateTime(timezone=True)
    checks = {
        "state": "state IN ('waiting', 'shown', 'hidden', 'removed')",
        "moments": "asked_ms >= 0 AND answered_ms >= 0",
        "answered": "(answered_at IS NULL) = (answered_ms IS NULL)",
        "answer": "answer = '' OR answered_at IS NOT NULL",
        "shown": "state <> 'shown' OR shown_at IS NOT NULL",
    }
    ids = ("id", "org_id", "person_id", "host_org_id", "session_id")
    op.create_table(
        name,
        *(sa.Column(column, sa.Uuid, nullable=False) for column in ids),
        *(sa.Column(column, sa.Text, nullable=False) for column in ("person_name", "org_name", "body")),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("shown_at", instant),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("answered_at", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name=f"fk_{name}_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name=f"fk_{name}_person_id"),
        sa.ForeignKeyConstraint(
            ["host_org_id", "session_id"],
            ["marketplace.live_session.org_id", "marketplace.live_session.id"],
            name=f"fk_{name}_host_org_id_session_id",
        ),
        *(sa.CheckConstraint(rule, name=f"ck_{name}_{key}") for key, rule in checks.items()),
        sa.Index(f"ix_{name}_host_org_id_session_id", "host_org_id", "session_id"),
        sa.Index(f"ix_{name}_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        sa.Index(f"ix_{name}_person_id", "person_id"),
        sa.Index(f"ix_{name}_session_id_created_at", "session_id", "created_at", "id"),
        sa.Index(f"ix_{name}_shown", "session_id", "shown_at", "id", postgresql_where=sa.text("state = 'shown'")),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{name}")
    ddl.isolate(f"marketplace.{name}", "org_id", "host_org_id", also_read=_IN_A_ROOM)


def downgrade() -> None:
    """What was for partners by their links is kept inside: it is shown to nobody who did not see it. Questions are gone."""
    op.drop_table("live_question", schema="marketplace")
    op.execute("DELETE FROM marketplace.content_report WHERE kind = 'live_question'")
    _report(f"{_KINDS})")
    op.execute(f"ALTER POLICY shown ON {_TABLE} USING ({_OPEN} OR (visibility = 'partners' AND {_NAMED}))")
    op.execute(f"UPDATE {_TABLE} SET visibility = 'internal' WHERE visibility = 'partners' AND partner_ids = '{{}}'")
    for column in (*_NUMBERS, "partner_groups"):
        op.drop_column("live_session", column, schema="marketplace")
