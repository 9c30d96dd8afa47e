"""Tables of group robots: where a team's messages are posted outside, and what was posted there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

PROVIDERS = ("dingtalk", "wecom", "feishu")


class GroupRobot(Base):
    """A custom robot in a group chat of an organization's people. Who has its credentials can post there: they are sealed."""

    __tablename__ = "group_robot"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        CheckConstraint("provider IN ('dingtalk', 'wecom', 'feishu')", name="provider"),
        CheckConstraint("locale IN ('zh-CN', 'en')", name="locale"),
        CheckConstraint("state IN ('active', 'disabled', 'removed')", name="state"),
        CheckConstraint("(state = 'disabled') = (disabled_for IS NOT NULL)", name="disabled"),
        CheckConstraint("(state = 'removed') = (credentials_sealed IS NULL)", name="credentials"),
        CheckConstraint("failures >= 0 AND (failures = 0) = (failing_since IS NULL)", name="failures"),
        Index(
            "uq_group_robot_address",
            "org_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("state <> 'removed'"),
        ),
        Index("ix_group_robot_org_id_created_at", "org_id", "created_at", "id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    name: Mapped[str]
    provider: Mapped[str]
    topics: Mapped[list[Any]] = mapped_column(JSONB)
    """Names of `topics.TOPICS` that are posted there."""
    locale: Mapped[str]
    """The language of its messages."""
    state: Mapped[str]
    disabled_for: Mapped[str | None]
    """`owner`, `failures` (nothing was taken for a day) or `refused` (the provider takes nothing by these credentials)."""
    disabled_at: Mapped[Instant | None]
    credentials_sealed: Mapped[str | None]
    """`credentials.Credentials`; forgotten when it is removed."""
    hint: Mapped[str]
    """The last characters of the key in its address, to tell robots apart."""
    fingerprint: Mapped[str]
    """Of provider and key, by which one robot is not made twice."""
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Calls in a row that failed."""
    failing_since: Mapped[Instant | None]
    rests_until: Mapped[Instant | None]
    """Nothing is posted before: the provider's own limit, or a pause after a failure."""
    last_reason: Mapped[str | None]
    """Why the latest call failed, as the provider says it; None after a success."""
    tested_at: Mapped[Instant | None]
    """When a test was last taken."""
    created_at: Mapped[CreatedAt]


class RobotMessage(Base):
    """One thing to be posted by one robot, once for each event and kind; several may go in one post."""

    __tablename__ = "robot_message"
    __table_args__ = (
        UniqueConstraint("robot_id", "event_id", "kind"),
        ForeignKeyConstraint(["org_id", "robot_id"], ["marketplace.group_robot.org_id", "marketplace.group_robot.id"]),
        CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="scheduled"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        CheckConstraint("tries >= 0 AND (state <> 'sent' OR tries > 0)", name="tries"),
        Index("ix_robot_message_due", "robot_id", "next_attempt_at", postgresql_where=text("state = 'pending'")),
        Index("ix_robot_message_robot_id_created_at", "robot_id", "created_at", "id"),
        Index("ix_robot_message_org_id_robot_id", "org_id", "robot_id"),
        Index("ix_robot_message_created_at", "created_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    robot_id: Mapped[UUID]
    event_id: Mapped[UUID]
    kind: Mapped[str]
    """A kind of notification, whose words it is told in."""
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    path: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[Instant | None]
    failure: Mapped[str | None]
    """Why nothing more is tried: `exhausted`, `robot_disabled` or `robot_removed`."""
    created_at: Mapped[CreatedAt]
    """When what it tells of happened."""
    ended_at: Mapped[Instant | None]


register("uq_group_robot_address", lambda: Conflict("robot_exists"))

GROUP_ROBOT = Machine(
    "marketplace.group_robot",
    initial="active",
    edges=edges(active="disabled removed", disabled="active removed", removed=""),
)
