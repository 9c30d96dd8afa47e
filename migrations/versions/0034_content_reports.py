"""Whatever is published can be reported; the platform may remove a video for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
VIDEO_STATES = "'draft', 'processing', 'ready', 'published', 'withdrawn', 'refused'"
OLD = {"comment": ("marketplace", "comment"), "review": ("fulfillment", "customer_review")}
"""What had a table of reports of its own, by the name of its reference."""


def upgrade() -> None:
    """One table of reports of every kind, with what was reported before."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _content_report()
    _take_over(
        "c.video_id, c.org_id, c.person_id, c.person_name",
        "comment",
        "marketplace.comment_report",
        "marketplace.comment c ON c.id = r.comment_id",
    )
    _take_over(
        "c.listing_id, c.org_id, c.person_id, c.org_name",
        "review",
        "fulfillment.customer_review_report",
        "fulfillment.customer_review c ON c.id = r.review_id",
    )
    _histories()
    for schema, table in OLD.values():
        op.drop_table(f"{table}_report", schema=schema)
    op.execute(
        "UPDATE marketplace.notification SET kind = 'content_reported', path = '/operator/reports' "
        "WHERE kind IN ('comment_reported', 'customer_review_reported')"
    )
    _video_states(f"{VIDEO_STATES}, 'removed'")


def _content_report() -> None:
    op.create_table(
        "content_report",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "person_id")),
        sa.Column("kind", sa.Text, nullable=False),
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("content_id", "subject_id", "author_org_id")),
        sa.Column("author_person_id", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("author_name", "excerpt", "reason", "state")),
        sa.Column("decision_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_content_report"),
        sa.UniqueConstraint(
            "org_id", "person_id", "kind", "content_id", name="uq_content_report_org_id_person_id_kind_content_id"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_content_report_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_content_report_person_id"),
        sa.ForeignKeyConstraint(
            ["author_org_id"], ["marketplace.organization.id"], name="fk_content_report_author_org_id"
        ),
        sa.ForeignKeyConstraint(
            ["author_person_id"], ["marketplace.person.id"], name="fk_content_report_author_person_id"
        ),
        sa.CheckConstraint(
            "kind IN ('comment', 'review', 'question', 'answer', 'video', 'listing')", name="ck_content_report_kind"
        ),
        sa.CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name="ck_content_report_state"),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="ck_content_report_decided"),
        sa.Index("ix_content_report_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        sa.Index("ix_content_report_person_id", "person_id"),
        sa.Index("ix_content_report_author_org_id", "author_org_id"),
        sa.Index("ix_content_report_author_person_id", "author_person_id"),
        sa.Index("ix_content_report_kind_content_id", "kind", "content_id"),
        sa.Index("ix_content_report_open", "created_at", "id", postgresql_where=sa.text("state = 'open'")),
        schema="marketplace",
    )
    ddl.grant("marketplace.content_report")
    ddl.isolate("marketplace.content_report", "org_id")


def _take_over(author: str, kind: str, reports: str, content: str) -> None:
    """Reports of one kind with what they are about, and a history of their states that agrees with them."""
    op.execute(
        "INSERT INTO marketplace.content_report (id, org_id, person_id, kind, content_id, subject_id, author_org_id, "
        "author_person_id, author_name, excerpt, reason, state, decided_at, created_at) "
        f"SELECT r.id, r.org_id, r.person_id, '{kind}', c.id, {author}, left(c.body, 500), r.reason, "
        "CASE WHEN r.decided_at IS NULL THEN 'open' WHEN c.state = 'removed' THEN 'upheld' ELSE 'dismissed' END, "
        f"r.decided_at, r.created_at FROM {reports} r JOIN {content}"
    )


def _histories() -> None:
    """Of what was taken over, as if it had been kept here from the beginning."""
    steps = (("created_at", "NULL", "'open'", "true"), ("decided_at", "'open'", "state", "state <> 'open'"))
    for at, source, target, only in steps:
        op.execute(
            "INSERT INTO kernel.state_history (id, at, machine, subject_id, org_ids, from_state, to_state, actor) "
            f"SELECT gen_random_uuid(), {at}, 'marketplace.content_report', id, ARRAY[org_id], {source}, {target}, "
            f"'system:migration' FROM marketplace.content_report WHERE {only}"
        )


def _video_states(states: str) -> None:
    op.drop_constraint("ck_video_state", "video", schema="marketplace")
    op.create_check_constraint("ck_video_state", "video", f"state IN ({states})", schema="marketplace")


def downgrade() -> None:
    """Reports of comments and of reviews have tables of their own again; what was removed is withdrawn."""
    op.execute("UPDATE marketplace.video SET state = 'withdrawn' WHERE state = 'removed'")
    _video_states(VIDEO_STATES)
    op.execute("DELETE FROM marketplace.notification WHERE kind LIKE 'content_re%'")
    for kind, (schema, table) in OLD.items():
        _own_reports(kind, schema, table)
    op.drop_table("content_report", schema="marketplace")


def _own_reports(kind: str, schema: str, table: str) -> None:
    name, reference = f"{table}_report", f"{kind}_id"
    op.create_table(
        name,
        *(sa.Column(column, sa.Uuid, nullable=False) for column in ("id", "org_id", "person_id", reference)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("org_id", "person_id", reference, name=f"uq_{name}_org_id_person_id_{reference}"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name=f"fk_{name}_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name=f"fk_{name}_person_id"),
        sa.ForeignKeyConstraint([reference], [f"{schema}.{table}.id"], name=f"fk_{name}_{reference}"),
        sa.Index(f"ix_{name}_person_id", "person_id"),
        sa.Index(f"ix_{name}_{reference}", reference),
        sa.Index(f"ix_{name}_open", "created_at", postgresql_where=sa.text("decided_at IS NULL")),
        schema=schema,
    )
    ddl.grant(f"{schema}.{name}")
    ddl.isolate(f"{schema}.{name}", "org_id")
    op.execute(
        f"INSERT INTO {schema}.{name} (id, org_id, person_id, {reference}, reason, decided_at, created_at) "
        "SELECT id, org_id, person_id, content_id, reason, decided_at, created_at FROM marketplace.content_report "
        f"WHERE kind = '{kind}'"
    )
