"""Tables of approval outside: the app by which an organization's members decide in DingTalk, WeCom or Feishu, what was asked
there, and what came back.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

PROVIDERS = ("dingtalk", "wecom", "feishu")
ANSWERS = ("agreed", "refused", "passed_on", "withdrawn", "finished")
"""What people do with an instance outside. Only the first two can decide a step."""
PERSON = "marketplace.person.id"
APP, APP_KEY = ["org_id", "app_id"], ["orders.approval_app.org_id", "orders.approval_app.id"]


class ApprovalApp(Base):
    """An organization's own app at a provider. One is connected at a time; its secrets are sealed for this row."""

    __tablename__ = "approval_app"
    __table_args__ = (
        CheckConstraint("provider IN ('dingtalk', 'wecom', 'feishu')", name="provider"),
        CheckConstraint("(provider = 'feishu') = (approver_node IS NOT NULL)", name="approver_node"),
        CheckConstraint("(disconnected_at IS NULL) = (secrets_sealed IS NOT NULL)", name="secrets"),
        UniqueConstraint("org_id", "id"),
        Index("uq_approval_app_org_id", "org_id", unique=True, postgresql_where=text("disconnected_at IS NULL")),
        Index("ix_approval_app_connected_by", "connected_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    provider: Mapped[str]
    corp_id: Mapped[str]
    """The organization there: corpId, corpid or tenant key."""
    client_id: Mapped[str]
    """The app there: AppKey, AgentId or App ID."""
    template_code: Mapped[str]
    """The form that is filled in: processCode, template_id or approval_code."""
    form_field: Mapped[str]
    """Its field of several lines that takes what is asked: by name in DingTalk, by id elsewhere."""
    approver_node: Mapped[str | None]
    """Of Feishu alone: the node whose approvers whoever asks names."""
    requester_user_id: Mapped[str]
    """In whose name it is asked there where whoever asked has no user id there."""
    secrets_sealed: Mapped[str | None]
    """`orders.approval_apps.access.Secrets`; forgotten when it is disconnected."""
    connected_by: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    tested_at: Mapped[Instant | None]
    """When the provider last took its credentials for good."""
    disconnected_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class ApprovalAppMember(Base):
    """Whom a provider means by a user id."""

    __tablename__ = "approval_app_member"
    __table_args__ = (
        UniqueConstraint("app_id", "person_id"),
        UniqueConstraint("app_id", "user_id"),
        Index("ix_approval_app_member_org_id", "org_id", "app_id"),
        Index("ix_approval_app_member_person_id", "person_id"),
        ForeignKeyConstraint(APP, APP_KEY),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    app_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(ForeignKey(PERSON))
    user_id: Mapped[str]
    created_at: Mapped[CreatedAt]


class OutsideApproval(Base):
    """A step of a purchase that is asked outside as well, once."""

    __tablename__ = "outside_approval"
    __table_args__ = (
        UniqueConstraint("purchase_id", "step"),
        UniqueConstraint("app_id", "instance_id"),
        UniqueConstraint("buyer_org_id", "id"),
        CheckConstraint("state IN ('asking', 'asked', 'answered', 'withdrawn', 'failed')", name="state"),
        CheckConstraint("step >= 1", name="step"),
        CheckConstraint("state NOT IN ('asked', 'answered') OR instance_id IS NOT NULL", name="asked"),
        CheckConstraint("(state = 'failed') <= (reason IS NOT NULL)", name="reason"),
        CheckConstraint("withdrawal IN ('pending', 'done', 'impossible', 'refused')", name="withdrawal"),
        CheckConstraint("(withdrawal IS NULL) OR state = 'withdrawn'", name="withdrawn"),
        ForeignKeyConstraint(["buyer_org_id", "purchase_id"], ["orders.purchase.buyer_org_id", "orders.purchase.id"]),
        ForeignKeyConstraint(["buyer_org_id", "app_id"], APP_KEY),
        Index("ix_outside_approval_open", "app_id", postgresql_where=text("state IN ('asking', 'asked')")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    """What its creation is told the provider by, where that knows repetitions."""
    buyer_org_id: Mapped[UUID]
    purchase_id: Mapped[UUID]
    step: Mapped[int]
    app_id: Mapped[UUID]
    state: Mapped[str]
    instance_id: Mapped[str | None]
    """processInstanceId, SpNo or instance_code."""
    requester: Mapped[str]
    """In whose name, by user id."""
    asked: Mapped[int]
    """How many people were asked there."""
    begun_at: Mapped[Instant | None]
    """When the call that creates it last began: what it did is not known until its answer is written."""
    reason: Mapped[str | None]
    """Why it was not asked: a code."""
    withdrawal: Mapped[str | None]
    """What became of the instance that is decided inside; None where nothing was to be taken back."""
    created_at: Mapped[CreatedAt]


class ApprovalCallback(Base):
    """A message of a provider whose signature was right, as it was decrypted. Append-only; once however often it comes."""

    __tablename__ = "approval_callback"
    __table_args__ = (
        UniqueConstraint("app_id", "event_key"),
        UniqueConstraint("org_id", "id"),
        Index("ix_approval_callback_app_id_received_at", "app_id", "received_at", "id"),
        ForeignKeyConstraint(APP, APP_KEY),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    app_id: Mapped[UUID]
    event_key: Mapped[str]
    """The provider's id of the event, or a digest of all of it where it has none."""
    event_type: Mapped[str]
    message_sealed: Mapped[str]
    """With what in it is not known yet; sealed, as it names people."""
    received_at: Mapped[Instant]


class OutsideAnswer(Base):
    """What a callback says of an instance, and what came of it here. Append-only; the same answer of a person is one."""

    __tablename__ = "outside_answer"
    __table_args__ = (
        UniqueConstraint("outside_approval_id", "user_id", "kind"),
        CheckConstraint("kind IN ('agreed', 'refused', 'passed_on', 'withdrawn', 'finished')", name="kind"),
        CheckConstraint("outcome IN ('counted', 'not_counted', 'noted')", name="outcome"),
        CheckConstraint("(outcome = 'not_counted') = (reason IS NOT NULL)", name="reason"),
        CheckConstraint(
            "outcome <> 'counted' OR (kind IN ('agreed', 'refused') AND person_id IS NOT NULL"
            " AND outside_approval_id IS NOT NULL)",
            name="counted",
        ),
        ForeignKeyConstraint(
            ["org_id", "callback_id"], ["orders.approval_callback.org_id", "orders.approval_callback.id"]
        ),
        ForeignKeyConstraint(
            ["org_id", "outside_approval_id"], ["orders.outside_approval.buyer_org_id", "orders.outside_approval.id"]
        ),
        Index("ix_outside_answer_org_id", "org_id", "callback_id"),
        Index("ix_outside_answer_callback_id", "callback_id"),
        Index("ix_outside_answer_person_id", "person_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    callback_id: Mapped[UUID]
    outside_approval_id: Mapped[UUID | None]
    """None where the instance is none of ours."""
    user_id: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(PERSON))
    kind: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    """Why it was not counted: a code."""
    created_at: Mapped[CreatedAt]


register("uq_approval_app_org_id", lambda: Conflict("approval_app_exists"))
register("uq_approval_app_member_app_id_person_id", lambda: Conflict("outside_user_taken"))
register("uq_approval_app_member_app_id_user_id", lambda: Conflict("outside_user_taken"))

OUTSIDE_APPROVAL = Machine(
    "outside_approval",
    initial="asking failed",
    edges=edges(asking="asked withdrawn failed", asked="answered withdrawn", answered="", withdrawn="", failed=""),
)
