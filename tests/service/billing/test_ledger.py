"""The ledger refuses what is not true, in the database itself; and shows any change to what was sealed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.embedded.engines import Addresses
from billing.ledger.models import LedgerAccount, LedgerTransaction, Posting
from billing.ledger.post import Fact, Leg, post
from billing.ledger.queries import balance_minor
from billing.ledger.seal import find_chain_faults, seal_day
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind

NEW_POSTING = text("""
    INSERT INTO billing.posting (id, org_id, transaction_id, account_id, amount_minor, currency)
    SELECT :id, org_id, transaction_id, account_id, :amount, currency FROM billing.posting
    WHERE transaction_id = :of ORDER BY id LIMIT 1
""")


def move(db: Database, amount_minor: int = 100, key: str = "") -> tuple[UUID, UUID]:
    """Post a small fact; answers its debtor and its reference."""
    owner, reference = uuid7(), uuid7()
    legs = [Leg(owner, "buyer_credit", amount_minor), Leg(owner, "suspense", -amount_minor)]
    with unit_of_work(db, SYSTEM) as uow:
        post(uow, Fact(key or f"test:{reference}", "test", reference, "CNY", clock.now(), legs))
    return owner, reference


def transaction_id(db: Database, reference: UUID) -> UUID:
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.scalars(select(LedgerTransaction.id).where(LedgerTransaction.reference == reference)).one()


def add(db: Database, fact: UUID, amounts: list[int]) -> None:
    """Slip postings into a transaction that is committed already."""
    with unit_of_work(db, SYSTEM) as uow:
        for amount in amounts:
            uow.session.execute(NEW_POSTING, {"id": uuid7(), "amount": amount, "of": fact})


def write(
    uow: UnitOfWork,
    legs: list[tuple[str, int]],
    *,
    fact: UUID | None = None,
    key: str = "",
    announced: int | None = None,
    cuts: Collection[int] = (),
    opened_by: int | None = None,
) -> None:
    """Write a transaction and its postings past `post`; a savepoint begins before every posting in `cuts`."""
    fact, org_id = fact or uuid7(), uuid7()
    uow.session.execute(
        insert(LedgerTransaction).values(
            id=fact,
            business_key=key or str(fact),
            kind="test",
            reference=fact,
            org_ids=[org_id],
            postings=len(legs) if announced is None else announced,
            effective_at=clock.now(),
            recorded_at=clock.now(),
            **({} if opened_by is None else {"opened_by": opened_by}),
        )
    )
    accounts = {}
    for currency, _ in legs:
        if currency not in accounts:
            accounts[currency] = uuid7()
            uow.session.execute(
                insert(LedgerAccount).values(
                    id=accounts[currency], org_id=org_id, kind="suspense", currency=currency, gateway=""
                )
            )
    for position, (currency, amount) in enumerate(legs):
        with uow.session.begin_nested() if position in cuts else nullcontext():
            add_posting(uow, fact, org_id, accounts[currency], currency, amount)


def add_posting(uow: UnitOfWork, fact: UUID, org_id: UUID, account_id: UUID, currency: str, amount_minor: int) -> None:
    """Write one posting past `post`."""
    uow.session.execute(
        insert(Posting).values(
            id=uuid7(),
            org_id=org_id,
            transaction_id=fact,
            account_id=account_id,
            amount_minor=amount_minor,
            currency=currency,
        )
    )


def as_owner(addresses: Addresses, statements: list[str]) -> None:
    """Run statements as the role that owns the tables."""
    assert addresses.database_admin_url is not None
    owner = create_engine(addresses.database_admin_url)
    try:
        with owner.begin() as connection:
            connection.execute(text("SET LOCAL app.platform = 'on'"))
            for statement in statements:
                connection.execute(text(statement))
    finally:
        owner.dispose()


class TestPost:
    def test_a_fact_is_posted_once(self, db: Database) -> None:
        key = f"test:{uuid7()}"
        first, reference = move(db, key=key)
        with pytest.raises(IntegrityError, match="uq_ledger_transaction_business_key"):
            move(db, key=key)
        with unit_of_work(db, SYSTEM) as uow:
            assert balance_minor(uow, first, "buyer_credit", "CNY") == 100
            of_it = select(LedgerTransaction.reference).where(LedgerTransaction.business_key == key)
            assert uow.session.scalars(of_it).all() == [reference]

    def test_accounts_opened_by_what_is_undone_are_not_remembered(self, db: Database) -> None:
        owner = uuid7()

        def fact() -> Fact:
            reference = uuid7()
            legs = [Leg(owner, "buyer_credit", 3), Leg(owner, "suspense", -3)]
            return Fact(f"test:{reference}", "test", reference, "CNY", clock.now(), legs)

        def undone() -> None:
            with unit_of_work(db, SYSTEM) as uow:
                post(uow, fact())
                # This one finds the accounts of the first.
                post(uow, fact())
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            undone()
        for _ in range(3):
            with unit_of_work(db, SYSTEM) as uow:
                post(uow, fact())
        with unit_of_work(db, SYSTEM) as uow:
            assert balance_minor(uow, owner, "buyer_credit", "CNY") == 9

    def test_accounts_of_a_database_that_was_restored_are_looked_up_anew(self, db: Database) -> None:
        owner, _ = move(db)
        legs = [Leg(owner, "buyer_credit", 2), Leg(owner, "suspense", -2)]
        reference = uuid7()
        fact = Fact(f"test:{reference}", "test", reference, "CNY", clock.now(), legs)
        known = db.remembered["billing.ledger_accounts"]
        known.update({key: uuid7() for key in known})

        def once() -> None:
            with unit_of_work(db, SYSTEM) as uow:
                post(uow, fact)

        with pytest.raises(IntegrityError, match="fk_posting_org_id_account_id_currency"):
            once()
        once()

    def test_what_does_not_balance_is_not_posted(self, db: Database) -> None:
        legs = [Leg(uuid7(), "buyer_credit", 100), Leg(uuid7(), "suspense", -99)]
        with pytest.raises(ValueError, match="does not balance"), unit_of_work(db, SYSTEM) as uow:
            post(uow, Fact("test:x", "test", uuid7(), "CNY", clock.now(), legs))

    def test_nobody_but_the_platform_posts(self, db: Database) -> None:
        org_id = uuid7()
        legs = [Leg(org_id, "buyer_credit", 1), Leg(org_id, "suspense", -1)]
        with pytest.raises(PermissionError), unit_of_work(db, Principal(PrincipalKind.PERSON, org_id=org_id)) as uow:
            post(uow, Fact("test:y", "test", uuid7(), "CNY", clock.now(), legs))

    def test_an_organization_sees_its_own_postings_only(self, db: Database) -> None:
        one, other, reference = uuid7(), uuid7(), uuid7()
        with unit_of_work(db, SYSTEM) as uow:
            legs = [Leg(one, "buyer_credit", 5), Leg(other, "party_pending", -5)]
            post(uow, Fact(f"test:{reference}", "test", reference, "CNY", clock.now(), legs))
        fact = transaction_id(db, reference)
        for org_id, seen, known in ((one, [(one, 5)], 1), (other, [(other, -5)], 1), (uuid7(), [], 0)):
            with unit_of_work(db, Principal(PrincipalKind.PERSON, org_id=org_id)) as uow:
                rows = uow.session.scalars(select(Posting).where(Posting.transaction_id == fact)).all()
                facts = uow.session.scalars(select(LedgerTransaction.id).where(LedgerTransaction.id == fact)).all()
            assert [(row.org_id, row.amount_minor) for row in rows] == seen
            assert len(facts) == known


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize("amounts", [[1], [7, -7], [-1, -2, 4]])
    def test_a_later_addition_whether_it_balances_or_not(self, db: Database, amounts: list[int]) -> None:
        _, reference = move(db)
        fact = transaction_id(db, reference)
        with pytest.raises(DBAPIError, match="was not opened by this database transaction"):
            add(db, fact, amounts)

    def test_a_later_addition_beside_a_transaction_of_its_own(self, db: Database) -> None:
        _, reference = move(db)
        fact = transaction_id(db, reference)
        with unit_of_work(db, SYSTEM) as uow:
            write(uow, [("CNY", 3), ("CNY", -3)])
            with pytest.raises(DBAPIError, match="was not opened by"), uow.session.begin_nested():
                uow.session.execute(NEW_POSTING, {"id": uuid7(), "amount": 5, "of": fact})

    def test_an_addition_by_another_while_the_transaction_is_still_open(self, db: Database) -> None:
        key, fact = str(uuid7()), uuid7()
        with unit_of_work(db, SYSTEM) as uow:
            write(uow, [("CNY", 3), ("CNY", -3)], fact=fact, key=key)
            account = uow.session.scalars(select(Posting.account_id).where(Posting.transaction_id == fact)).first()
            with pytest.raises(DBAPIError, match="was not opened by"), unit_of_work(db, SYSTEM) as other:
                add_posting(other, fact, uuid7(), account or uuid7(), "CNY", 5)
        with unit_of_work(db, SYSTEM) as uow:
            amounts = uow.session.scalars(select(Posting.amount_minor).where(Posting.transaction_id == fact)).all()
        assert sorted(amounts) == [-3, 3]

    def test_a_later_addition_by_one_who_forged_who_opened_it(self, db: Database) -> None:
        """Nobody can leave a transaction open for a later one: it would refuse the postings it must have itself."""
        with unit_of_work(db, SYSTEM) as uow:
            coming = uow.session.scalar(text("SELECT pg_current_xact_id()::text::bigint + 1"))
            with pytest.raises(DBAPIError, match="was not opened by"), uow.session.begin_nested():
                write(uow, [("CNY", 3), ("CNY", -3)], opened_by=coming)

    @given(
        legs=st.lists(
            st.tuples(st.sampled_from(["CNY", "EUR"]), st.integers(-9, 9).filter(bool)), min_size=0, max_size=5
        ),
        announced=st.integers(2, 5),
        cuts=st.sets(st.integers(0, 4)),
    )
    @example(legs=[("CNY", 1), ("CNY", -1)], announced=2, cuts=set())
    @example(legs=[("CNY", 1), ("EUR", -1)], announced=2, cuts=set())
    @example(legs=[("CNY", 1), ("CNY", -1), ("EUR", 2), ("EUR", -2)], announced=4, cuts={1, 2})
    @settings(max_examples=60)
    def test_a_commit_of_anything_but_what_was_announced_and_balances(
        self, db: Database, legs: list[tuple[str, int]], announced: int, cuts: set[int]
    ) -> None:
        """Whatever is written, and in however many savepoints: only complete and balanced transactions are committed."""
        balance: dict[str, int] = {}
        for currency, amount in legs:
            balance[currency] = balance.get(currency, 0) + amount
        true = len(legs) == announced and not any(balance.values())
        key = str(uuid7())
        refused = nullcontext() if true else pytest.raises(DBAPIError, match="ledger transaction")
        with refused, unit_of_work(db, SYSTEM) as uow:
            write(uow, legs, key=key, announced=announced, cuts=cuts)
        with unit_of_work(db, SYSTEM) as uow:
            kept = uow.session.scalar(select(LedgerTransaction.postings).where(LedgerTransaction.business_key == key))
        assert kept == (announced if true else None)

    def test_a_transaction_without_postings(self, db: Database) -> None:
        with pytest.raises(DBAPIError, match="0 postings, 2 were announced"), unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(
                text("""INSERT INTO billing.ledger_transaction
                        (id, business_key, kind, reference, org_ids, postings, effective_at, recorded_at)
                        VALUES (:id, :key, 'test', :id, '{}', 2, now(), now())"""),
                {"id": uuid7(), "key": str(uuid7())},
            )

    @pytest.mark.parametrize("table", ["posting", "ledger_transaction", "ledger_account"])
    @pytest.mark.parametrize("deed", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_any_change_by_the_serving_role_and_by_the_owner(
        self, db: Database, addresses: Addresses, table: str, deed: str
    ) -> None:
        move(db)
        statement = text(deed.format(f"billing.{table}"))
        with pytest.raises(DBAPIError, match="permission denied"), unit_of_work(db, SYSTEM) as uow:
            uow.session.execute(statement)
        with pytest.raises(DBAPIError, match="append-only"):
            as_owner(addresses, [deed.format(f"billing.{table}")])


def change_a_posting(reference: UUID) -> str:
    return (
        "UPDATE billing.posting SET amount_minor = amount_minor * 2 WHERE transaction_id = "
        f"(SELECT id FROM billing.ledger_transaction WHERE reference = '{reference}')"
    )


def change_an_instant(reference: UUID) -> str:
    return (
        "UPDATE billing.ledger_transaction SET effective_at = effective_at - interval '1 day' "
        f"WHERE reference = '{reference}'"
    )


def remove_a_posting(reference: UUID) -> str:
    return (
        "DELETE FROM billing.posting WHERE transaction_id = "
        f"(SELECT id FROM billing.ledger_transaction WHERE reference = '{reference}')"
    )


def drop_from_the_seal(reference: UUID) -> str:
    return (
        "DELETE FROM billing.ledger_seal_entry WHERE transaction_id = "
        f"(SELECT id FROM billing.ledger_transaction WHERE reference = '{reference}')"
    )


def forge_a_head(reference: UUID) -> str:
    return f"UPDATE billing.ledger_seal SET hash = '{reference.hex * 2}' WHERE number = 1"


class TestSeal:
    def test_an_untouched_chain_has_no_faults(self, clean_db: Database) -> None:
        with clock.frozen(clock.now()):
            for _ in range(3):
                move(clean_db)
                with unit_of_work(clean_db, SYSTEM) as uow:
                    assert seal_day(uow) == 1
                    assert seal_day(uow) is None
                clock.advance(timedelta(days=1))
            with unit_of_work(clean_db, SYSTEM) as uow:
                assert list(find_chain_faults(uow)) == []

    def test_what_nobody_sealed_is_named(self, clean_db: Database) -> None:
        with clock.frozen(clock.now()):
            move(clean_db)
            clock.advance(timedelta(days=3))
            with unit_of_work(clean_db, SYSTEM) as uow:
                assert [fault.what for fault in find_chain_faults(uow)] == ["never_sealed"]

    @pytest.mark.parametrize(
        ("tamper", "found"),
        [
            (change_a_posting, "contents_changed"),
            (change_an_instant, "contents_changed"),
            (remove_a_posting, "contents_changed"),
            (drop_from_the_seal, "transactions_missing"),
            (forge_a_head, "chain_broken"),
        ],
    )
    def test_tampering_is_located(
        self, clean_db: Database, addresses: Addresses, tamper: Callable[[UUID], str], found: str
    ) -> None:
        with clock.frozen(clock.now()):
            references = []
            for _ in range(3):
                references.append(move(clean_db)[1])
                with unit_of_work(clean_db, SYSTEM) as uow:
                    seal_day(uow)
                clock.advance(timedelta(days=1))
            tables = ("posting", "ledger_transaction", "ledger_seal", "ledger_seal_entry")
            off = [f"ALTER TABLE billing.{table} DISABLE TRIGGER USER" for table in tables]
            on = [f"ALTER TABLE billing.{table} ENABLE TRIGGER USER" for table in tables]
            as_owner(addresses, [*off, tamper(references[0]), *on])
            with unit_of_work(clean_db, SYSTEM) as uow:
                faults = list(find_chain_faults(uow))
        assert found in {fault.what for fault in faults}
