"""Whoever tells of an event, and however many at once: each person is told once, and mailed once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.mail.models import Mail
from marketplace.notifications.digest import due_digests, send_digest
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification, notify
from marketplace.notifications.preferences import save_preferences
from tests.factories_marketplace import Org, make_member, make_org
from tests.races.crowd import at_once, in_rounds

CROWD = 6
PARAMS: dict[str, str | int] = {"number": "INV-1", "seller": "某公司", "amount_minor": 398_000, "currency": "CNY"}


@pytest.fixture
def house(services: Services) -> tuple[Database, Org, Principal]:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
        return services.db, org, make_member(uow, org, "finance")


def invoices(org: Org, count: int) -> list[NewNotification]:
    return [
        NewNotification(
            uuid7(), clock.now(), "invoice_issued", "/invoices", PARAMS, org_id=org.id, permission="billing.manage"
        )
        for _ in range(count)
    ]


def mailed(db: Database, person: Principal, kind: str) -> int:
    with unit_of_work(db, SYSTEM) as uow:
        wanted = select(Mail.id).where(Mail.person_id == person.person(), Mail.kind == kind)
        return len(uow.session.scalars(wanted).all())


@in_rounds
def test_events_told_by_several_at_once_are_told_once(house: tuple[Database, Org, Principal]) -> None:
    db, org, finance = house
    with unit_of_work(db, finance) as uow:
        save_preferences(uow, finance.person(), {"invoices": "mail"})
    before, wanted = mailed(db, finance, "notification"), invoices(org, 3)

    def tell(backwards: bool) -> int:  # noqa: FBT001 - which way round, of two
        return transact(db, SYSTEM, lambda uow: notify(uow, wanted[::-1] if backwards else wanted))

    told = at_once([lambda number=number: tell(bool(number % 2)) for number in range(CROWD)])  # type: ignore[misc]
    # The owner and the finance member, three events each.
    assert sum(count for count in told if isinstance(count, int)) == 6, told
    with unit_of_work(db, SYSTEM) as uow:
        ids = {one.event_id for one in wanted}
        found = select(Notification.event_id).where(
            Notification.person_id == finance.person(), Notification.event_id.in_(ids)
        )
        assert sorted(uow.session.scalars(found)) == sorted(ids)
    assert mailed(db, finance, "notification") - before == 3


@in_rounds
def test_a_digest_sent_by_several_at_once_goes_out_once(house: tuple[Database, Org, Principal]) -> None:
    db, org, finance = house
    before = mailed(db, finance, "digest")
    with unit_of_work(db, SYSTEM) as uow:
        # The round before has ended the day for this person.
        last = uow.session.scalars(select(Mail.created_at).order_by(Mail.created_at.desc()).limit(1)).one_or_none()
    # At noon where these people live: a digest waits for the morning, at whatever hour the test is run.
    noon = (max(last or clock.now(), clock.now()) + timedelta(days=2)).replace(hour=4)
    with clock.frozen(noon):
        transact(db, SYSTEM, lambda uow: notify(uow, invoices(org, 2)))
    with clock.frozen(noon + timedelta(days=2)):
        assert finance.person() in transact(db, SYSTEM, due_digests)
        at_once([lambda: transact(db, SYSTEM, lambda uow: send_digest(uow, finance.person()))] * CROWD)
    assert mailed(db, finance, "digest") - before == 1
