"""Damage to rows that no verb would do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import text

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.parties.models import PLATFORM_ORG_ID

_SWITCH = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT format('%I.%I', n.nspname, c.relname)
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname IN ('kernel', 'marketplace', 'fulfillment', 'billing', 'orders')
                      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                      AND EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
        LOOP EXECUTE 'ALTER TABLE ' || name || ' __WORD__ TRIGGER USER'; END LOOP;
    END $$"""


class Planter:
    """Writes as the owner. Every statement must hit a row: a plant that misses is no plant."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.uow = uow

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Triggers stand aside, and stand again afterwards."""
        self.uow.session.execute(text(_SWITCH.replace("__WORD__", "DISABLE")))
        yield
        self.uow.session.execute(text(_SWITCH.replace("__WORD__", "ENABLE")))

    def change(self, sql: str, **values: Any) -> None:
        """Run an UPDATE, INSERT or DELETE that hits something."""
        result = self.uow.session.connection().execute(text(sql), values)
        assert result.rowcount > 0, sql

    def define(self, sql: str) -> None:
        """Run a definition (ALTER, DROP, GRANT)."""
        self.uow.session.execute(text(sql))

    def find(self, sql: str, **values: Any) -> Any:
        """The first value of a query that must find something."""
        value = self.uow.session.scalars(text(sql), values).first()
        assert value is not None, sql
        return value

    def copy(self, table: str, row_id: UUID, **changes: Any) -> UUID:
        """Insert a copy of a row with a new id and these changes."""
        new_id = uuid7()
        self.change(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, CAST(:changes AS jsonb))).* FROM {table} t WHERE id = :id",
            changes=json.dumps({"id": new_id, **changes}, default=str),
            id=row_id,
        )
        return new_id

    def remember(self, machine: str, subject_id: UUID, *states: str | None) -> None:
        """Write the history that leads through `states`; the first may be None, the beginning."""
        for source, target in pairwise(states):
            self.change(
                """INSERT INTO kernel.state_history (id, machine, subject_id, org_ids, from_state, to_state, actor, at)
                   VALUES (:id, :machine, :subject, '{}', :source, :target, 'system:planter', :at)""",
                id=uuid7(),
                machine=machine,
                subject=subject_id,
                source=source,
                target=target,
                at=clock.now(),
            )

    def forget(self, machine: str, subject_id: UUID, source: str, target: str) -> None:
        """Delete one transition from the history."""
        self.change(
            """DELETE FROM kernel.state_history
               WHERE machine = :machine AND subject_id = :subject AND from_state = :source AND to_state = :target""",
            machine=machine,
            subject=subject_id,
            source=source,
            target=target,
        )

    def book(
        self,
        *legs: tuple[UUID, str, int],
        key: str | None = None,
        kind: str = "adjustment",
        postings: int | None = None,
        org_ids: list[UUID] | None = None,
    ) -> None:
        """A ledger transaction of these legs (organization, account, minor units), as the books would take no other way."""
        transaction_id = uuid7()
        self.change(
            """INSERT INTO billing.ledger_transaction
                   (id, business_key, kind, reference, org_ids, postings, effective_at, recorded_at)
               VALUES (:id, :key, :kind, :id, :org_ids, :postings, :now, :now)""",
            id=transaction_id,
            key=key or f"adjustment:{transaction_id}",
            kind=kind,
            org_ids=org_ids or sorted({leg[0] for leg in legs}),
            postings=postings or len(legs),
            now=clock.now(),
        )
        for org_id, account, minor in legs:
            gateway = "sandbox" if account == "gateway_cash" else ""
            values = {"org": org_id, "kind": account, "gateway": gateway}
            self.uow.session.execute(
                text("""INSERT INTO billing.ledger_account (id, org_id, kind, currency, gateway, created_at)
                        VALUES (:id, :org, :kind, 'CNY', :gateway, :now) ON CONFLICT DO NOTHING"""),
                values | {"id": uuid7(), "now": clock.now()},
            )
            self.change(
                """INSERT INTO billing.posting (id, org_id, transaction_id, account_id, amount_minor, currency)
                   SELECT :id, :org, :transaction, id, :minor, 'CNY' FROM billing.ledger_account
                   WHERE org_id = :org AND kind = :kind AND currency = 'CNY' AND gateway = :gateway""",
                id=uuid7(),
                transaction=transaction_id,
                minor=minor,
                **values,
            )


PLATFORM = PLATFORM_ORG_ID
