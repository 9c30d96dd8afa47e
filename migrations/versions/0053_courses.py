"""Courses: a service product's episodes, and how far each member came in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ONCE_ON_SALE = (
    "EXISTS (SELECT 1 FROM marketplace.plan p WHERE p.org_id = course_episode.org_id"
    " AND p.listing_id = course_episode.listing_id AND p.published_at IS NOT NULL)"
)
"""What was sold stays readable to those who bought it."""


def upgrade() -> None:
    """No product is a course so far."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "course_episode",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "listing_id", "video_id")),
        sa.Column("position", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("title", "title_en")),
        sa.Column("is_preview", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_course_episode"),
        sa.UniqueConstraint("listing_id", "video_id", name="uq_course_episode_listing_id_video_id"),
        sa.UniqueConstraint("listing_id", "position", name="uq_course_episode_listing_id_position"),
        *(_key("course_episode", f"org_id_{one}_id", ("org_id", f"{one}_id"), f"marketplace.{one}") for one in PARTS),
        sa.CheckConstraint("position >= 1", name="ck_course_episode_position"),
        sa.Index("ix_course_episode_org_id_listing_id", "org_id", "listing_id"),
        sa.Index("ix_course_episode_org_id_video_id", "org_id", "video_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.course_episode", "SELECT, INSERT, DELETE")
    ddl.isolate("marketplace.course_episode", "org_id", also_read=ONCE_ON_SALE)
    op.create_unique_constraint(
        "uq_seat_entitlement_id_person_id_id", "seat", ["entitlement_id", "person_id", "id"], schema="fulfillment"
    )
    _progress()


PARTS = ("listing", "video")


def _key(table: str, name: str, columns: tuple[str, ...], parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(columns, [f"{parent}.org_id", f"{parent}.id"], name=f"fk_{table}_{name}")


def _progress() -> None:
    wanted = ("id", "org_id", "seller_org_id", "listing_id", "video_id", "person_id", "entitlement_id")
    bought, held = ("org_id", "seller_org_id", "entitlement_id"), ("entitlement_id", "person_id", "seat_id")
    sold = [("seller_org_id", f"{one}_id") for one in PARTS]
    op.create_table(
        "episode_progress",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in wanted),
        sa.Column("seat_id", sa.Uuid),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("position_ms", "furthest_ms")),
        sa.Column("completed_at", INSTANT),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("changed_at", "created_at")),
        sa.PrimaryKeyConstraint("id", name="pk_episode_progress"),
        sa.UniqueConstraint(
            "org_id",
            "person_id",
            "listing_id",
            "video_id",
            name="uq_episode_progress_org_id_person_id_listing_id_video_id",
        ),
        sa.ForeignKeyConstraint(
            bought,
            [f"fulfillment.entitlement.{name}" for name in ("buyer_org_id", "seller_org_id", "id")],
            name="fk_episode_progress_entitlement",
        ),
        sa.ForeignKeyConstraint(
            held,
            [f"fulfillment.seat.{name}" for name in ("entitlement_id", "person_id", "id")],
            name="fk_episode_progress_seat",
        ),
        *(
            _key("episode_progress", one, columns, f"marketplace.{one}")
            for one, columns in zip(PARTS, sold, strict=True)
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_episode_progress_person_id"),
        sa.CheckConstraint("position_ms BETWEEN 0 AND furthest_ms", name="ck_episode_progress_position"),
        *(
            sa.Index(f"ix_episode_progress_{'_'.join(columns)}", *columns)
            for columns in (bought, held, *sold, ("person_id",))
        ),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.episode_progress", "SELECT, INSERT, UPDATE")
    ddl.isolate("fulfillment.episode_progress", "org_id", "seller_org_id")
    ddl.leave_room("fulfillment.episode_progress")


def downgrade() -> None:
    """What was watched is forgotten; the videos stay their organizations' own."""
    op.drop_table("episode_progress", schema="fulfillment")
    op.drop_constraint("uq_seat_entitlement_id_person_id_id", "seat", schema="fulfillment")
    op.drop_table("course_episode", schema="marketplace")
