"""A payee's years are what was sold and paid, by its own calendar; and what it states about itself is sealed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.gateways.ports import GatewayAnswer, GatewayStatus
from billing.gateways.result import GatewayResult
from billing.payee_tax.facts import tax_months
from billing.payee_tax.labour_income import withholding
from billing.payee_tax.models import PayeeTaxProfile
from billing.payee_tax.profile_rules import PayeeTaxFacts
from billing.payee_tax.queries import (
    PayeeYear,
    find_payee_tax_profile,
    get_payee_year,
    list_payee_years,
    own_payee_year,
    read_payee_years,
    reveal_tin,
)
from billing.payee_tax.save_profile import open_tin, save_payee_tax_profile
from billing.payouts.apply_gateway_result import apply_gateway_result
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db.uow import unit_of_work
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.money import Money
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox, SecretUnreadable
from tests.factories_billing import OPERATOR, House, Sale, close_due

BOX = SecretBox({"k1": bytes(32)})
IN_CHINA = PayeeTaxFacts("person", "CN", "resident_id", "360426199101010071")
IN_GERMANY = PayeeTaxFacts("organization", "DE", "other", "DE812526315", "w8ben_e")


def sell(house: House, sale: Sale) -> UUID:
    sale.organizations(house.db)
    payment_id = sale.paid(house)
    sale.deliver(house.db)
    return payment_id


def again(house: House, sale: Sale) -> Sale:
    """Another sale between the same parties."""
    other = Sale(sale.buyer_org_id, sale.seller_org_id, sale.promoter_org_id)
    other.paid(house)
    other.deliver(house.db)
    return other


def settle(house: House, *org_ids: UUID | None) -> None:
    """Close what there is to settle, and pay what is positive."""
    clock.advance(timedelta(days=8))
    for org_id in org_ids:
        for statement_id in close_due(house.db, org_id).statement_ids:
            with unit_of_work(house.db, OPERATOR) as uow:
                pay_out(uow, PayOut(statement_id, "sandbox", "sbx_acct_ok"))
            house.run()


def give_back(house: House, sale: Sale, payment_id: UUID) -> None:
    with unit_of_work(house.db, SYSTEM) as uow:
        request_refund(uow, RequestRefund(sale.order_id, payment_id, "test", automatic=False))
    house.run()


def go_to(at: datetime) -> None:
    clock.advance(at - clock.now())


def year_of(house: House, org_id: UUID, year: int) -> PayeeYear:
    with unit_of_work(house.db, OPERATOR) as uow:
        return get_payee_year(uow, org_id, year)


def sums(house: House, org_id: UUID | None) -> tuple[int, int, int, int, int, int]:
    """Of this and the next year: transactions, gross, refunded, paid, returned, commissions."""
    assert org_id is not None
    this = clock.now().year
    months = [one for year in (this - 1, this, this + 1) for one in year_of(house, org_id, year).months]
    names = ("transactions", "gross_minor", "refunded_minor", "paid_minor", "returned_minor", "commissions_minor")
    found = [sum(getattr(one, name) for one in months) for name in names]
    return found[0], found[1], found[2], found[3], found[4], found[5]


def person_of(org_id: UUID | None, *permissions: str) -> Principal:
    return Principal(PrincipalKind.PERSON, org_id=org_id, person_id=org_id, permissions=frozenset(permissions))


def state(house: House, org_id: UUID | None, facts: PayeeTaxFacts, box: SecretBox = BOX) -> UUID:
    with unit_of_work(house.db, person_of(org_id, "billing.manage")) as uow:
        return save_payee_tax_profile(uow, facts, box).id


class TestFacts:
    def test_a_seller_sold_the_gross_and_a_promoter_earned_its_commission(self, house: House) -> None:
        sale = Sale()
        sell(house, sale)
        again(house, sale)
        assert sums(house, sale.seller_org_id) == (2, 212_000, 0, 0, 0, 0)
        assert sums(house, sale.promoter_org_id) == (0, 0, 0, 0, 0, 0)
        settle(house, sale.seller_org_id, sale.promoter_org_id)
        assert sums(house, sale.seller_org_id) == (2, 212_000, 0, 172_000, 0, 0)
        assert sums(house, sale.promoter_org_id) == (0, 0, 0, 10_000, 0, 10_000)

    def test_a_refund_does_not_lower_the_gross(self, house: House) -> None:
        sale = Sale()
        payment_id = sell(house, sale)
        settle(house, sale.seller_org_id)
        give_back(house, sale, payment_id)
        assert sums(house, sale.seller_org_id) == (1, 106_000, 106_000, 86_000, 0, 0)

    def test_a_commission_that_was_taken_back_lowers_those_of_the_payout_that_carries_it(self, house: House) -> None:
        sale = Sale()
        payment_id = sell(house, sale)
        settle(house, sale.promoter_org_id)
        give_back(house, sale, payment_id)
        clock.advance(timedelta(days=1))
        close_due(house.db, sale.promoter_org_id)
        assert sums(house, sale.promoter_org_id)[3:] == (5_000, 0, 5_000)
        for _ in range(3):
            again(house, sale)
        settle(house, sale.promoter_org_id)
        assert sums(house, sale.promoter_org_id)[3:] == (15_000, 0, 15_000)

    def test_a_payout_that_came_back_was_not_paid_and_counts_when_it_is_paid_again(self, house: House) -> None:
        sale = Sale()
        sell(house, sale)
        settle(house, sale.promoter_org_id)
        with unit_of_work(house.db, SYSTEM) as uow:
            payout = uow.session.scalars(select(Payout).where(Payout.org_id == sale.promoter_org_id)).one()
            statement_id = payout.statement_id
            whole = Money(payout.amount_minor, "CNY")
            back = GatewayAnswer(GatewayStatus.FAILED, str(payout.gateway_reference), whole, "account_closed")
            apply_gateway_result(uow, payout.id, GatewayResult(back))
        assert sums(house, sale.promoter_org_id)[3:] == (0, 0, 0)
        with unit_of_work(house.db, OPERATOR) as uow:
            pay_out(uow, PayOut(statement_id, "sandbox", "sbx_acct_ok"))
        house.run()
        assert sums(house, sale.promoter_org_id)[3:] == (5_000, 0, 5_000)

    def test_what_came_back_in_part_and_is_paid_again_is_no_second_commission(self, house: House) -> None:
        sale = Sale()
        sell(house, sale)
        settle(house, sale.promoter_org_id)
        with unit_of_work(house.db, SYSTEM) as uow:
            payout = uow.session.scalars(select(Payout).where(Payout.org_id == sale.promoter_org_id)).one()
            whole = Money(payout.amount_minor, "CNY")
            part = GatewayAnswer(GatewayStatus.SUCCEEDED, str(payout.gateway_reference), whole, returned_minor=2_000)
            apply_gateway_result(uow, payout.id, GatewayResult(part))
        assert sums(house, sale.promoter_org_id)[3:] == (5_000, 2_000, 5_000)
        settle(house, sale.promoter_org_id)
        assert sums(house, sale.promoter_org_id)[3:] == (7_000, 2_000, 5_000)

    def test_a_year_begins_at_midnight_of_its_payee(self, house: House) -> None:
        # 16:30 UTC on the last day of a year is next year in China, and not yet in New York.
        go_to(datetime(2031, 12, 31, 16, 30, tzinfo=UTC))
        sale = Sale()
        sell(house, sale)
        found = [year_of(house, sale.seller_org_id, year).months for year in (2031, 2032)]
        assert [[one.month for one in months] for months in found] == [[], [date(2032, 1, 1)]]
        with unit_of_work(house.db, SYSTEM) as uow:
            abroad = tax_months(uow, [sale.seller_org_id], "America/New_York", 2031)
        assert [one.month for one in abroad] == [date(2031, 12, 1)]

    def test_months_add_up_to_the_year(self, house: House) -> None:
        go_to(datetime(2033, 1, 20, 3, tzinfo=UTC))
        sale = Sale()
        sell(house, sale)
        clock.advance(timedelta(days=31))
        again(house, sale)
        year = year_of(house, sale.seller_org_id, 2033)
        assert [one.month for one in year.months] == [date(2033, 1, 1), date(2033, 2, 1)]
        assert [(one.transactions, one.gross_minor, one.tax_minor) for one in year.totals] == [(2, 212_000, 12_000)]

    def test_the_operators_list_has_whoever_sold_or_was_paid(self, house: House) -> None:
        go_to(datetime(2034, 5, 1, 3, tzinfo=UTC))
        sale = Sale()
        sell(house, sale)
        settle(house, sale.promoter_org_id)
        with unit_of_work(house.db, OPERATOR) as uow:
            page = list_payee_years(uow, year=2034, limit=100)
            everybody = list(read_payee_years(uow, 2034))
        assert {one.org_id for one in page.items} == {sale.seller_org_id, sale.promoter_org_id}
        assert everybody == list(page.items)

    def test_whose_year_it_is(self, house: House) -> None:
        sale = Sale()
        sell(house, sale)
        with unit_of_work(house.db, person_of(sale.seller_org_id, "money.read")) as uow:
            assert own_payee_year(uow, clock.now().year).org_id == sale.seller_org_id
            with pytest.raises(Forbidden):
                get_payee_year(uow, sale.seller_org_id, 2030)
            with pytest.raises(Forbidden):
                list_payee_years(uow, year=2030)
            with pytest.raises(Invalid):
                own_payee_year(uow, 1999)


class TestProfile:
    def test_an_identifier_is_sealed_to_its_row(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        profile_id = state(house, sale.promoter_org_id, IN_CHINA)
        with unit_of_work(house.db, OPERATOR) as uow:
            row = uow.session.get_one(PayeeTaxProfile, profile_id)
            assert IN_CHINA.tin not in row.tin_sealed
            assert row.tin_last4 == "0071"
            seen, tin = reveal_tin(uow, row.org_id, BOX)
            assert (seen.id, tin) == (profile_id, IN_CHINA.tin)
            row.org_id = sale.seller_org_id
            with pytest.raises(SecretUnreadable):
                open_tin(row, BOX)
            uow.session.expunge(row)
        looked = select(AuditEntry.action).where(AuditEntry.subject_id == profile_id)
        with unit_of_work(house.db, SYSTEM) as uow:
            assert "payee_tax_profile.revealed" in uow.session.scalars(looked).all()

    def test_the_same_again_changes_nothing_and_a_change_is_another_row(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        first = state(house, sale.promoter_org_id, IN_CHINA)
        blank = PayeeTaxFacts("person", "CN", "resident_id", "", vat_status="small_scale")
        assert state(house, sale.promoter_org_id, IN_CHINA) == first
        second = state(house, sale.promoter_org_id, blank)
        assert second != first
        with unit_of_work(house.db, SYSTEM) as uow:
            rows = [uow.session.get_one(PayeeTaxProfile, one) for one in (first, second)]
            assert [row.replaced_at is None for row in rows] == [False, True]
            assert open_tin(rows[1], BOX) == IN_CHINA.tin
        with pytest.raises(Invalid) as refused:
            state(house, sale.promoter_org_id, PayeeTaxFacts("organization", "CN", "uscc", ""))
        assert refused.value.code == "payee_tin_invalid"

    def test_whose_key_was_lost_states_it_anew(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        first = state(house, sale.promoter_org_id, IN_CHINA)
        assert state(house, sale.promoter_org_id, IN_CHINA, SecretBox({"k2": bytes([1] * 32)})) != first

    def test_a_person_in_china_has_labour_income_and_an_organization_abroad_has_none(self, house: House) -> None:
        sale = Sale(net_minor=40_000_000, tax_minor=2_400_000)
        sell(house, sale)
        settle(house, sale.promoter_org_id)
        assert sale.promoter_org_id is not None
        paid_in = clock.now().year
        state(house, sale.promoter_org_id, IN_CHINA)
        year = year_of(house, sale.promoter_org_id, paid_in)
        assert [year.withholding_of(one) for one in year.months] == [withholding(2_000_000)]
        state(house, sale.promoter_org_id, IN_GERMANY)
        year = year_of(house, sale.promoter_org_id, paid_in)
        assert (year.country, year.time_zone) == ("DE", "Asia/Shanghai")
        assert [year.withholding_of(one) for one in year.months] == [None]

    def test_nothing_stated_is_not_found(self, house: House) -> None:
        sale = Sale()
        sale.organizations(house.db)
        with unit_of_work(house.db, OPERATOR) as uow, pytest.raises(NotFound):
            reveal_tin(uow, sale.seller_org_id, BOX)
        with unit_of_work(house.db, person_of(sale.seller_org_id, "money.read")) as uow:
            assert find_payee_tax_profile(uow) is None
        with unit_of_work(house.db, person_of(sale.seller_org_id, "money.read")) as uow, pytest.raises(Forbidden):
            save_payee_tax_profile(uow, IN_CHINA, BOX)
