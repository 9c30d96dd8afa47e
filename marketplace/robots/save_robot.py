"""A robot is made, changed, tested, switched off and on, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from kernel import audit, clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.secrets import SecretBox
from marketplace.access.counted_limits import Limit, count_within
from marketplace.input_text import line
from marketplace.robots.credentials import (
    Credentials,
    checked_secret,
    fingerprint_of,
    key_in,
    open_credentials,
    seal_credentials,
)
from marketplace.robots.events import RobotDisabled
from marketplace.robots.models import GROUP_ROBOT, PROVIDERS, GroupRobot, RobotMessage
from marketplace.robots.protocols import Posted
from marketplace.robots.topics import checked_topics

MANAGE = "webhooks.manage"
MOST_ROBOTS = 20
"""Of one organization, besides those it removed."""
MAX_NAME = 100
LOCALES = ("zh-CN", "en")
TESTS = Limit(10, timedelta(minutes=10))
"""Of one robot: a provider counts tests as it counts messages."""
_LIMIT_LOCK = 7_316_071


@dataclass(frozen=True, slots=True)
class SaveRobot:
    """A new robot, with its address and its secret as the provider shows them."""

    name: str
    provider: str
    address: str = field(repr=False)
    topics: Sequence[str]
    secret: str = field(default="", repr=False)
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class ChangeRobot:
    """What is None, and an address or secret that is empty, stays as it is. Another address is of the same provider."""

    robot_id: UUID
    name: str | None = None
    address: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    topics: Sequence[str] | None = None
    locale: str | None = None


def save_robot(uow: UnitOfWork, command: SaveRobot, *, box: SecretBox, bases: Mapping[str, str]) -> GroupRobot:
    """Have a group of the acting organization's people told of what happens from now on.

    Raises: Forbidden `permission_missing`; Invalid `robot_provider_unknown`, `robot_address_invalid`, `robot_secret_required`,
        `robot_secret_invalid`, `robot_topic_unknown`, `robot_topics_required`, `robot_locale_unknown`, `text_required`,
        `text_too_long`; Conflict `robot_limit`, `robot_exists`. Locks: the organization's robots.
    """
    uow.principal.require(MANAGE)
    org_id = uow.principal.organization()
    if command.provider not in PROVIDERS:
        raise Invalid("robot_provider_unknown", field="provider")
    key = key_in(command.provider, command.address, bases[command.provider])
    credentials = Credentials(key, checked_secret(command.provider, command.secret))
    topics = checked_topics(command.topics, uow.principal)
    name = line("name", command.name, MAX_NAME)
    advisory_xact_lock(uow.session, _LIMIT_LOCK, org_id)
    alive = select(func.count()).where(GroupRobot.org_id == org_id, GroupRobot.state != "removed")
    if uow.session.scalars(alive).one() >= MOST_ROBOTS:
        raise Conflict("robot_limit", most=MOST_ROBOTS)
    row = GroupRobot(
        id=uuid7(),
        org_id=org_id,
        name=name,
        provider=command.provider,
        topics=topics,
        locale=_locale(command.locale),
        hint=_hint(key),
        fingerprint=fingerprint_of(command.provider, key),
    )
    row.credentials_sealed = seal_credentials(box, row.id, credentials)
    GROUP_ROBOT.begin(uow, row, org_ids=[org_id])
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "group_robot.saved", subject_id=row.id, provider=row.provider)
    return row


def change_robot(uow: UnitOfWork, command: ChangeRobot, *, box: SecretBox, bases: Mapping[str, str]) -> GroupRobot:
    """Give a robot another name, address, secret, language or choice of topics. With another address it begins anew.

    Raises: as `save_robot`, NotFound. Locks: the robot.
    """
    row = own_robot(uow, command.robot_id)
    if command.name is not None:
        row.name = line("name", command.name, MAX_NAME)
    if command.locale is not None:
        row.locale = _locale(command.locale)
    if command.topics is not None:
        row.topics = checked_topics(command.topics, uow.principal)
    if command.address or command.secret:
        kept = open_credentials(box, row)
        key = key_in(row.provider, command.address, bases[row.provider]) if command.address else kept.key
        secret = checked_secret(row.provider, command.secret) if command.secret else kept.secret
        if command.address:
            # Whoever has it posted elsewhere has posted there what they are told themselves.
            row.topics = checked_topics(row.topics, uow.principal)
        row.credentials_sealed = seal_credentials(box, row.id, Credentials(key, secret))
        row.hint, row.fingerprint = _hint(key), fingerprint_of(row.provider, key)
        row.tested_at = None
        _forgive(row)
    uow.flush()
    audit.record(uow, "group_robot.changed", subject_id=row.id)
    return row


def switch_robot(uow: UnitOfWork, robot_id: UUID, *, on: bool) -> bool:
    """Post by it, or not. What happens while it is off is not posted later. Returns whether it changed.

    Raises: Forbidden, NotFound. Locks: the robot. Idempotent by the state.
    """
    row = own_robot(uow, robot_id)
    if on == (row.state == "active"):
        return False
    if not on:
        disable_robot(uow, row, "owner")
    else:
        row.disabled_for = None
        _forgive(row)
        GROUP_ROBOT.move(uow, row, "active", org_ids=[row.org_id])
    uow.flush()
    audit.record(uow, "group_robot.switched", subject_id=row.id, on=on)
    return True


def remove_robot(uow: UnitOfWork, robot_id: UUID) -> None:
    """Post nothing by it any more, for good; its credentials are forgotten. Raises Forbidden, NotFound. Locks: the robot."""
    row = own_robot(uow, robot_id)
    row.disabled_for, row.credentials_sealed = None, None
    GROUP_ROBOT.move(uow, row, "removed", org_ids=[row.org_id])
    _give_up(uow, row, "robot_removed")
    uow.flush()
    audit.record(uow, "group_robot.removed", subject_id=row.id)


def begin_test(uow: UnitOfWork, robot_id: UUID, *, box: SecretBox) -> tuple[str, str, Credentials]:
    """Provider, language and credentials of the robot whose test is about to be posted.

    Raises: Forbidden, NotFound, TooMany `robot_tests_too_often`.
    """
    row = own_robot(uow, robot_id)
    with as_platform(uow):
        count_within(uow, TESTS, "robot_tests_too_often", "robot_test", str(row.id))
    return row.provider, row.locale, open_credentials(box, row)


def end_test(uow: UnitOfWork, robot_id: UUID, posted: Posted) -> GroupRobot:
    """Note what came of a test; a robot that was off stays off. Raises Forbidden, NotFound. Locks: the robot."""
    row = own_robot(uow, robot_id)
    row.last_reason = posted.said or None
    if posted.outcome == "taken":
        row.tested_at = clock.now()
        _forgive(row)
    uow.flush()
    return row


def disable_robot(uow: UnitOfWork, row: GroupRobot, why: str) -> None:
    """Stop posting by a locked robot, and give up what waits for it. Emits RobotDisabled unless its owner did it."""
    row.disabled_for, row.disabled_at = why, clock.now()
    GROUP_ROBOT.move(uow, row, "disabled", org_ids=[row.org_id], reason=why)
    _give_up(uow, row, "robot_disabled")
    if why != "owner":
        emit(uow, RobotDisabled(robot_id=row.id, org_id=row.org_id, disabled_for=why))


def own_robot(uow: UnitOfWork, robot_id: UUID) -> GroupRobot:
    """The acting organization's robot, locked. Raises Forbidden, NotFound, also for one that was removed."""
    uow.principal.require(MANAGE)
    row = lock_row(uow.session, GroupRobot, robot_id)
    if row is None or row.org_id != uow.principal.organization() or row.state == "removed":
        raise NotFound("not_found")
    return row


def _give_up(uow: UnitOfWork, row: GroupRobot, why: str) -> None:
    # What a call of this moment does comes first: it holds the robot, as we do.
    uow.flush()
    uow.session.execute(
        update(RobotMessage)
        .where(RobotMessage.robot_id == row.id, RobotMessage.state == "pending")
        .values(state="failed", failure=why, next_attempt_at=None, ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _forgive(row: GroupRobot) -> None:
    row.failures, row.failing_since, row.rests_until, row.last_reason = 0, None, None, None


def _locale(locale: str) -> str:
    if locale not in LOCALES:
        raise Invalid("robot_locale_unknown", field="locale")
    return locale


def _hint(key: str) -> str:
    return key[-4:]
