"""What need not be kept is purged, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.idempotency import KEPT, Answer, IdempotencyKey, purge_old_keys, with_idempotency_key
from tests.factories_marketplace import acting, make_org

TICK = timedelta(seconds=1)


def test_idempotency_keys_are_purged_when_twice_their_time_is_over(uow: UnitOfWork, noon: datetime) -> None:
    buyer = make_org(uow)
    with acting(uow, buyer.owner):
        for key, age in (("old", 2 * KEPT + TICK), ("expired", 2 * KEPT - TICK)):
            with_idempotency_key(uow, route="r", key=key, request={}, work=lambda: Answer(201, b"{}"))
            mine = (IdempotencyKey.org_id == buyer.id, IdempotencyKey.key == key)
            uow.session.execute(update(IdempotencyKey).where(*mine).values(created_at=clock.now() - age))
    assert purge_old_keys(uow, 5) == 1
    left = select(IdempotencyKey.key).where(IdempotencyKey.org_id == buyer.id)
    assert list(uow.session.scalars(left)) == ["expired"]
