"""What stands in the books after a fact, column by column, and what a seal says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from app.embedded.engines import Addresses
from billing.ledger import seal
from billing.ledger.models import LedgerAccount, LedgerSeal, LedgerSealEntry, LedgerTransaction, Posting
from billing.ledger.post import Fact, Leg, _remember, post
from billing.ledger.queries import balance_minor, balance_of, owed_minor
from billing.ledger.seal import GENESIS, ChainFault, find_chain_faults, seal_day
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM

pytestmark = pytest.mark.usefixtures("noon")
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def fact(*legs: Leg, currency: str = "CNY", key: str = "") -> Fact:
    reference = uuid7()
    return Fact(key or f"test:{reference}", "test", reference, currency, clock.now() - DAY, legs)


def a_fact() -> Fact:
    return fact(Leg(uuid7(), "buyer_credit", 5), Leg(uuid7(), "suspense", -5))


def of_reference(uow: UnitOfWork, reference: UUID) -> LedgerTransaction | None:
    return uow.session.scalars(select(LedgerTransaction).where(LedgerTransaction.reference == reference)).first()


class TestPost:
    def test_every_column_of_a_fact(self, uow: UnitOfWork, noon: datetime) -> None:
        one, other = sorted((uuid7(), uuid7()), reverse=True)
        legs = [
            Leg(one, "gateway_cash", 70, "sandbox"),
            Leg(one, "gateway_cash", 30, "stripe"),
            Leg(other, "party_pending", -90),
            Leg(one, "commission", -10),
            Leg(uuid7(), "gateway_fee", 0),
        ]
        written = fact(*legs, currency="EUR", key="charge:1")
        post(uow, written)
        uow.flush()
        row = of_reference(uow, written.reference)
        assert row is not None
        assert (row.business_key, row.kind, row.org_ids, row.postings) == ("charge:1", "test", sorted([one, other]), 4)
        assert (row.effective_at, row.recorded_at) == (noon - DAY, noon)
        postings = uow.session.execute(
            select(Posting, LedgerAccount)
            .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
            .where(Posting.transaction_id == row.id)
            .order_by(Posting.id)
        ).all()
        assert [Leg(p.org_id, a.kind, p.amount_minor, a.gateway) for p, a in postings] == legs[:-1]  # type: ignore[arg-type]
        assert {(p.currency, a.currency, a.org_id == p.org_id) for p, a in postings} == {("EUR", "EUR", True)}

    def test_nothing_moved_is_nothing_written(self, uow: UnitOfWork) -> None:
        for legs in ([], [Leg(uuid7(), "suspense", 0), Leg(uuid7(), "buyer_credit", 0)]):
            written = fact(*legs)
            post(uow, written)
            uow.flush()
            assert of_reference(uow, written.reference) is None

    def test_what_does_not_balance_leaves_no_account_behind(self, uow: UnitOfWork) -> None:
        owner = uuid7()
        for amounts in ((100, -99), (1, 0)):
            with pytest.raises(ValueError, match="does not balance"):
                post(uow, fact(*(Leg(owner, "suspense", amount) for amount in amounts)))
        uow.flush()
        assert uow.session.scalars(select(LedgerAccount.id).where(LedgerAccount.org_id == owner)).all() == []

    def test_accounts_are_opened_once_and_remembered_once_committed(self, db: Database) -> None:
        owner, other = uuid7(), uuid7()
        with unit_of_work(db, SYSTEM) as uow:
            post(uow, fact(Leg(owner, "buyer_credit", 3), Leg(owner, "suspense", -3)))
        with unit_of_work(db, SYSTEM) as uow:
            post(uow, fact(Leg(owner, "buyer_credit", 4), Leg(other, "suspense", -4)))
            post(uow, fact(Leg(owner, "buyer_credit", 4), Leg(owner, "suspense", -4), currency="EUR"))
        with unit_of_work(db, SYSTEM) as uow:
            rows = uow.session.scalars(select(LedgerAccount).where(LedgerAccount.org_id.in_([owner, other]))).all()
            assert balance_minor(uow, owner, "buyer_credit", "CNY") == 7
        kinds = [("CNY", owner, "buyer_credit"), ("CNY", owner, "suspense"), ("CNY", other, "suspense")]
        kinds += [("EUR", owner, "buyer_credit"), ("EUR", owner, "suspense")]
        assert sorted((row.currency, row.org_id, row.kind) for row in rows) == sorted(kinds)
        known = db.remembered["billing.ledger_accounts"]
        assert {(row.currency, row.org_id, row.kind, row.gateway): row.id for row in rows}.items() <= known.items()

    def test_accounts_of_others_that_were_opened_meanwhile_are_used(self, db: Database) -> None:
        owner = uuid7()
        with unit_of_work(db, SYSTEM) as uow:
            post(uow, fact(Leg(owner, "buyer_credit", 3), Leg(owner, "suspense", -3)))
        db.remembered.clear()
        with unit_of_work(db, SYSTEM) as uow:
            post(uow, fact(Leg(owner, "buyer_credit", 3), Leg(owner, "party_pending", -3)))
            assert balance_minor(uow, owner, "buyer_credit", "CNY") == 6

    def test_a_process_remembers_so_many_and_then_begins_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("billing.ledger.post.MOST_REMEMBERED", 2)
        remembered = {1: uuid7(), 2: uuid7()}
        _remember(remembered, {3: UUID(int=3)})
        assert set(remembered) == {1, 2, 3}
        _remember(remembered, {4: UUID(int=4)})
        assert remembered == {4: UUID(int=4)}


class TestBalance:
    def test_it_is_of_one_account_alone(self, uow: UnitOfWork) -> None:
        owner, other = uuid7(), uuid7()
        post(uow, fact(Leg(owner, "gateway_cash", 7, "stripe"), Leg(other, "gateway_cash", -7, "stripe")))
        post(uow, fact(Leg(owner, "gateway_cash", 20, "sandbox"), Leg(owner, "suspense", -20)))
        post(uow, fact(Leg(owner, "gateway_cash", 300, "stripe"), Leg(owner, "suspense", -300), currency="EUR"))
        post(uow, fact(Leg(owner, "gateway_cash", 1, "stripe"), Leg(owner, "suspense", -1)))
        uow.flush()
        found = {
            (org_id, currency, gateway): balance_minor(uow, org_id, "gateway_cash", currency, gateway)
            for org_id in (owner, other)
            for currency in ("CNY", "EUR")
            for gateway in ("stripe", "sandbox", "")
        }
        assert {key: amount for key, amount in found.items() if amount} == {
            (owner, "CNY", "stripe"): 8,
            (other, "CNY", "stripe"): -7,
            (owner, "CNY", "sandbox"): 20,
            (owner, "EUR", "stripe"): 300,
        }
        assert balance_minor(uow, owner, "suspense", "CNY") == -21
        assert uow.session.scalar(balance_of(owner, "suspense", "CNY")) == -21
        assert balance_minor(uow, uuid7(), "suspense", "CNY") == 0

    def test_what_is_owed_is_positive_pending_and_available_apart(self, uow: UnitOfWork) -> None:
        party = uuid7()
        post(uow, fact(Leg(party, "party_pending", -40), Leg(party, "party_available", -2), Leg(party, "suspense", 42)))
        post(uow, fact(Leg(party, "party_pending", -9), Leg(party, "suspense", 9), currency="EUR"))
        uow.flush()
        assert owed_minor(uow, party, "CNY") == (40, 2)
        assert owed_minor(uow, party, "EUR") == (9, 0)
        assert owed_minor(uow, uuid7(), "CNY") == (0, 0)


def put(db: Database, *facts: Fact) -> list[UUID]:
    """Post them, a second apart; answers their transactions."""
    for one in facts:
        with unit_of_work(db, SYSTEM) as uow:
            post(uow, one)
        clock.advance(SECOND)
    with unit_of_work(db, SYSTEM) as uow:
        rows = [of_reference(uow, one.reference) for one in facts]
        return [row.id for row in rows if row is not None]


def sealed(db: Database) -> int | None:
    with unit_of_work(db, SYSTEM) as uow:
        return seal_day(uow)


def faults(db: Database, **how: timedelta) -> list[ChainFault]:
    with unit_of_work(db, SYSTEM) as uow:
        return list(find_chain_faults(uow, **how))


def faults_after(addresses: Addresses, *deeds: str) -> list[tuple[int, str]]:
    """What is found once the owner of the tables has done that, with their triggers out of the way; then it is undone."""
    engine = create_engine(addresses.database_admin_url or "")
    tables = [f"billing.{name}" for name in ("posting", "ledger_transaction", "ledger_seal", "ledger_seal_entry")]
    switched = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
    with engine.connect() as connection, Session(connection) as session:
        for statement in ("SET LOCAL app.platform = 'on'", *switched, *deeds):
            session.execute(text(statement))
        found = [(fault.seal_number, fault.what) for fault in find_chain_faults(UnitOfWork.over(session, SYSTEM))]
        session.rollback()
    engine.dispose()
    return found


def rows_of(db: Database) -> tuple[Sequence[LedgerSeal], list[tuple[UUID, UUID, int]]]:
    with unit_of_work(db, SYSTEM) as uow:
        seals = uow.session.scalars(select(LedgerSeal).order_by(LedgerSeal.number)).all()
        entries = uow.session.scalars(select(LedgerSealEntry)).all()
        return seals, sorted((entry.seal_id, entry.transaction_id, entry.position) for entry in entries)


class TestSeal:
    def test_every_column_of_a_chain(self, clean_db: Database, noon: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        assert sealed(clean_db) is None
        first = put(clean_db, a_fact(), a_fact())
        with clock.frozen(noon - SECOND):
            # Written last and recorded first, as of a process whose commit was slow.
            first = put(clean_db, a_fact()) + first
        assert (sealed(clean_db), sealed(clean_db)) == (3, None)
        late = put(clean_db, a_fact())
        assert sealed(clean_db) is None
        at = noon.replace(hour=0) + DAY
        with clock.frozen(at - timedelta(milliseconds=1)):
            assert sealed(clean_db) is None
        with clock.frozen(at):
            assert sealed(clean_db) == 1
        seals, entries = rows_of(clean_db)
        assert [(row.number, row.sealed_on, row.transactions, row.sealed_at) for row in seals] == [
            (1, date(2026, 11, 22), 3, noon + 2 * SECOND),
            (2, date(2026, 11, 23), 1, at),
        ]
        assert [row.previous_hash for row in seals] == ["0" * 64, seals[0].hash]
        assert entries == sorted(
            [(seals[0].id, id_, position) for position, id_ in enumerate(first)] + [(seals[1].id, late[0], 0)]
        )
        assert faults(clean_db) == []
        monkeypatch.setattr(seal, "_BATCH", 2)
        assert faults(clean_db) == []

    def test_what_waits_for_two_days_is_named(self, clean_db: Database, noon: datetime) -> None:
        (one,) = put(clean_db, a_fact())
        with clock.frozen(noon + 2 * DAY):
            assert faults(clean_db) == []
            assert faults(clean_db, unsealed_for=DAY) == [ChainFault(0, "never_sealed", one)]
        with clock.frozen(noon + 2 * DAY + SECOND):
            assert faults(clean_db) == [ChainFault(0, "never_sealed", one)]

    def test_a_fault_is_where_it_was_made(self, clean_db: Database, addresses: Addresses) -> None:
        for number in range(1, 4):
            keys = [f"test:{number}"] if number > 1 else ["test:1", "test:1b"]
            put(
                clean_db,
                *(fact(Leg(uuid7(), "buyer_credit", 5), Leg(uuid7(), "suspense", -5), key=key) for key in keys),
            )
            sealed(clean_db)
            clock.advance(DAY)
        second = "(SELECT id FROM billing.ledger_seal WHERE number = 2)"
        of_second = f"DELETE FROM billing.ledger_seal_entry WHERE seal_id = {second}"
        seals, ones = "UPDATE billing.ledger_seal SET", "repeat('1', 64)"
        for deeds, found in (
            ([], []),
            (
                [of_second, "DELETE FROM billing.ledger_seal WHERE number = 2"],
                [(3, "seal_missing_before"), (3, "chain_broken"), (0, "never_sealed")],
            ),
            ([f"{seals} previous_hash = {ones} WHERE number = 2"], [(2, "chain_broken"), (2, "contents_changed")]),
            ([f"{seals} hash = {ones} WHERE number = 1"], [(1, "contents_changed"), (2, "chain_broken")]),
            ([f"{seals} transactions = 2 WHERE number = 3"], [(3, "transactions_missing")]),
            (
                ["UPDATE billing.ledger_transaction SET kind = 'other' WHERE business_key = 'test:2'"],
                [(2, "contents_changed")],
            ),
            (["UPDATE billing.ledger_seal_entry SET position = 5 - position"], [(1, "contents_changed")]),
        ):
            assert faults_after(addresses, *deeds) == found


def test_seals_of_an_earlier_release_still_fit() -> None:
    """What a digest covers and how it is written never changes: every sealed day would look forged."""
    at = datetime(2026, 11, 22, 4, 0, 0, 5, tzinfo=UTC)
    row = LedgerTransaction(
        id=UUID(int=1),
        business_key="charge:1",
        kind="charge",
        reference=UUID(int=2),
        org_ids=[UUID(int=3), UUID(int=4)],
        postings=2,
        effective_at=at,
        recorded_at=at.astimezone(),
    )
    digest = seal._digest(row, [["p1", "o3", "a5", "-7", "CNY"]])
    written = (
        '["00000000-0000-0000-0000-000000000001","charge:1","charge","00000000-0000-0000-0000-000000000002",'
        '["00000000-0000-0000-0000-000000000003","00000000-0000-0000-0000-000000000004"],"2",'
        '"2026-11-22T04:00:00.000005+00:00","2026-11-22T04:00:00.000005+00:00",[["p1","o3","a5","-7","CNY"]]]'
    )
    assert digest == hashlib.sha256(written.encode()).digest()
    assert seal._digest(None, []) == b"missing"
    chained = hashlib.sha256(GENESIS.encode() + digest + b"missing").hexdigest()
    assert seal._chain(GENESIS, iter([digest, b"missing"])) == chained
