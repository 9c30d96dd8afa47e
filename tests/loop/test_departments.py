"""Whose spending a purchase is: chosen or the asker's, kept by what it began, said otherwise while its month runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from billing.invoices.models import Invoice
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Invalid, NotFound
from kernel.principal import SYSTEM
from marketplace.access.members import set_department
from marketplace.access.models import Member
from marketplace.departments.queries import list_departments, with_parts
from marketplace.departments.save_department import (
    SaveDepartment,
    archive_department,
    restore_department,
    save_department,
)
from orders.checkout.models import Purchase
from orders.departments.assign_department import assign_purchase, assign_subscription
from orders.spend import spend
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.loop.test_amendments import amended
from tests.loop.test_renewals import renewals, subscribed, until
from tests.loop_stage import Stage


def made(stage: Stage, code: str, parent_id: UUID | None = None, **also: Any) -> UUID:
    with unit_of_work(stage.services.db, also.pop("who", stage.buyer.owner)) as uow:
        return save_department(
            uow, SaveDepartment(code, f"部门{code.upper()}", f"Unit {code.upper()}", parent_id, **also)
        ).id


def belongs(stage: Stage, department_id: UUID | None) -> None:
    """The purchaser is of this department."""
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        member = select(Member.id).where(Member.org_id == stage.buyer.id, Member.person_id == stage.purchaser.person_id)
        set_department(uow, uow.session.scalars(member).one(), department_id)


def bought_by(stage: Stage, order_id: UUID) -> UUID | None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return uow.session.get_one(Purchase, stage.order(order_id).purchase_id).department_id


def purchase_of(stage: Stage, order_id: UUID) -> UUID:
    return stage.order(order_id).purchase_id


def assign(stage: Stage, order_id: UUID, department_id: UUID | None, who: Any = None) -> None:
    with unit_of_work(stage.services.db, who or stage.buyer.owner) as uow:
        assign_purchase(uow, purchase_of(stage, order_id), department_id)


class TestTree:
    def test_the_same_sent_twice_is_one(self, stage: Stage) -> None:
        assert made(stage, "mkt") == made(stage, "MKT")
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            assert [one.code for one in list_departments(uow)] == ["MKT"]

    def test_a_code_names_one(self, stage: Stage) -> None:
        made(stage, "MKT")
        with (
            pytest.raises(Conflict, match="department_code_taken"),
            unit_of_work(stage.services.db, stage.buyer.owner) as uow,
        ):
            save_department(uow, SaveDepartment("mkt", "别的"))
        made(stage, "MKT", who=stage.seller.owner)

    @pytest.mark.parametrize("code", ["", " ", "A B", "-A", "市场", "A" * 33, "ß", "A\x00B;"])
    def test_a_code_is_of_letters_and_digits(self, stage: Stage, code: str) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow, pytest.raises(Invalid) as refused:
            save_department(uow, SaveDepartment(code, "市场部"))
        assert (refused.value.code, refused.value.field) == ("department_code_invalid", "code")

    def test_no_department_is_part_of_itself(self, stage: Stage) -> None:
        top = made(stage, "A")
        below = made(stage, "B", top)
        for parent in (top, below):
            with pytest.raises(Invalid, match="department_parent_invalid"):
                made(stage, "A", parent, id=top)
        theirs = made(stage, "X", who=stage.seller.owner)
        with pytest.raises(Invalid, match="department_parent_invalid"):
            made(stage, "A", theirs, id=top)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            assert set(with_parts(uow, top)) == {top, below}
            assert with_parts(uow, theirs) == []
            assert [(one.code, one.level) for one in list_departments(uow)] == [("A", 0), ("B", 1)]

    def test_no_more_than_six_levels(self, stage: Stage) -> None:
        chain = [made(stage, "L0")]
        for level in range(1, 6):
            chain.append(made(stage, f"L{level}", chain[-1]))
        with pytest.raises(Invalid, match="department_parent_invalid"):
            made(stage, "L6", chain[-1])
        other = made(stage, "M")
        with pytest.raises(Invalid, match="department_parent_invalid"):
            made(stage, "L0", other, id=chain[0])
        assert made(stage, "L1", other, id=chain[1]) == chain[1]

    def test_anothers_is_not_there(self, stage: Stage) -> None:
        mine = made(stage, "A")
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            for act in (archive_department, restore_department):
                with pytest.raises(NotFound, match="department_not_found"):
                    act(uow, mine)
            with pytest.raises(NotFound, match="department_not_found"):
                save_department(uow, SaveDepartment("A", "A", id=mine))
            assert list_departments(uow, archived=True) == []


class TestPurchase:
    def test_it_is_the_askers_unless_another_is_chosen(self, stage: Stage) -> None:
        sales, marketing = made(stage, "SAL"), made(stage, "MKT")
        assert bought_by(stage, stage.buy()) is None
        belongs(stage, sales)
        assert bought_by(stage, stage.buy()) == sales
        assert bought_by(stage, stage.buy(department_id=marketing)) == marketing

    def test_an_archived_one_is_chosen_no_more(self, stage: Stage) -> None:
        sales = made(stage, "SAL")
        belongs(stage, sales)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            archive_department(uow, sales)
        assert bought_by(stage, stage.buy()) is None
        with pytest.raises(Invalid, match="department_unknown"):
            stage.buy(department_id=sales)
        with pytest.raises(Invalid, match="department_unknown"):
            stage.buy(department_id=made(stage, "X", who=stage.seller.owner))

    def test_its_invoice_names_the_code(self, stage: Stage) -> None:
        order_id = stage.buy(department_id=made(stage, "MKT-01"))
        stage.run()
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            codes = uow.session.scalars(select(Invoice.cost_centre).where(Invoice.reference == order_id))
            assert codes.one() == "MKT-01"

    def test_what_it_began_goes_on_for_it(self, stage: Stage) -> None:
        marketing = made(stage, "MKT")
        order_id, subscription = subscribed(stage)
        assert subscription.department_id is None
        assign(stage, order_id, marketing)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            archive_department(uow, marketing)
        changed = amended(stage, subscription, 30)
        assert bought_by(stage, changed) == marketing, "its change, though it is chosen no more"
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert bought_by(stage, renewals(stage, subscription)[-1].id) == marketing

    def test_what_is_charged_from_now_on_is_anothers(self, stage: Stage) -> None:
        sales, marketing = made(stage, "SAL"), made(stage, "MKT")
        belongs(stage, sales)
        order_id, subscription = subscribed(stage)
        assert subscription.department_id == sales
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            assign_subscription(uow, subscription.id, marketing)
        until(stage, subscription.ends_at - RENEWS_BEFORE)
        assert bought_by(stage, renewals(stage, subscription)[-1].id) == marketing
        assert bought_by(stage, order_id) == sales

    def test_a_month_that_is_over_stays_as_it_was_reported(self, stage: Stage) -> None:
        order_id = stage.buy()
        stage.run()
        clock.advance(timedelta(days=32))
        with pytest.raises(Conflict, match="spend_month_closed"):
            assign(stage, order_id, made(stage, "MKT"))
        assert bought_by(stage, order_id) is None

    def test_anothers_is_not_there(self, stage: Stage) -> None:
        order_id, subscription = subscribed(stage)
        theirs = made(stage, "X", who=stage.seller.owner)
        with pytest.raises(NotFound):
            assign(stage, order_id, theirs, stage.seller.owner)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow, pytest.raises(NotFound):
            assign_subscription(uow, subscription.id, theirs)
        with pytest.raises(Invalid, match="department_unknown"):
            assign(stage, order_id, theirs)


class TestSpend:
    def test_by_department_with_its_parts(self, stage: Stage) -> None:
        top = made(stage, "A")
        part = made(stage, "A1", top)
        first, second = stage.buy(quantity=2, department_id=top), stage.buy(quantity=3, department_id=part)
        third = stage.buy(quantity=4)
        stage.run()
        gross = [stage.order(one).gross_minor for one in (first, second, third)]
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            found = {one.department_code: one.gross_minor for one in spend(uow)}
            assert found == {"A": gross[0], "A1": gross[1], None: gross[2]}
            assert sum(one.gross_minor for one in spend(uow, department_id=top)) == gross[0] + gross[1]
            assert [one.department_code for one in spend(uow, department_id=part)] == ["A1"]
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert spend(uow, department_id=top) == []


def test_a_department_of_another_organization_cannot_be_named(stage: Stage) -> None:
    """The key itself refuses it, whoever writes."""
    theirs = made(stage, "X", who=stage.seller.owner)
    order_id = stage.buy()
    with (
        pytest.raises(IntegrityError, match="fk_purchase_buyer_org_id_department_id"),
        unit_of_work(stage.services.db, SYSTEM) as uow,
    ):
        uow.session.execute(
            text("UPDATE orders.purchase SET department_id = :theirs WHERE id = :id"),
            {"theirs": theirs, "id": purchase_of(stage, order_id)},
        )
