"""A circle cannot be billed until a company agrees to pay for it; until that ends it buys, on invoices to the company."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.access.permissions import permissions_of
from marketplace.parties.models import BillingProfile
from marketplace.payers.agree import PayerLimits, ProposeAgreement, accept_agreement, end_agreement, propose_agreement
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.models import Purchase
from orders.checkout.payer_models import BY_PAYER, PayerCharge
from orders.checkout.place_purchase import PlacePurchase, place_purchase
from orders.payers.decide_charge import PayerWay, set_standing_method
from tests.circle_stage import make_circle
from tests.factories_marketplace import Org, make_org
from tests.loop_stage import Stage
from tests.races.crowd import at_once


class Bound:
    """A circle and its owner, acting for it, and the company that is to pay."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            founder = make_org(uow).owner
            self.company: Org = make_org(uow)
            self.circle_id = make_circle(uow, founder).org_id
        allowed = permissions_of(["owner"])
        self.owner = Principal(PrincipalKind.PERSON, self.circle_id, founder.person_id, allowed, label="circle's owner")

    def do(self, who: Principal, work: Callable[[Any], Any]) -> Any:
        return transact(self.stage.services.db, who, work)

    def bind(self) -> UUID:
        asked = ProposeAgreement(self.company.id, by_payer=False, currency="CNY")
        agreement: UUID = self.do(self.owner, lambda uow: propose_agreement(uow, asked, known=True).id)
        self.do(self.company.owner, lambda uow: accept_agreement(uow, agreement, PayerLimits()).id)
        way = PayerWay("sandbox", "sbx_ok")
        self.do(self.company.owner, lambda uow: set_standing_method(uow, agreement, way))
        return agreement

    def unbind(self, agreement: UUID) -> None:
        self.do(self.company.owner, lambda uow: end_agreement(uow, agreement).id)

    def quote(self) -> UUID:
        command = CreateQuote((QuoteItem(self.stage.seat_plan, 20),))
        found: UUID = self.do(self.owner, lambda uow: create_quote(uow, command).id)
        return found

    def buy(self, agreement: UUID | None, quote_id: UUID | None = None) -> UUID | str:
        """The id of the purchase, or why not."""
        way = (BY_PAYER, str(agreement)) if agreement is not None else ("sandbox", "sbx_ok")
        command = PlacePurchase(quote_id or self.quote(), None, *way)
        try:
            found: UUID = self.do(self.owner, lambda uow: place_purchase(uow, command).purchase.id)
        except DomainError as refused:
            return refused.code
        return found


def test_a_circle_binds_and_buys_until_it_is_unbound(stage: Stage) -> None:
    bound = Bound(stage)
    assert bound.buy(None) == "payer_needed"
    assert bound.buy(uuid7()) == "payer_agreement_over"
    agreement = bound.bind()
    assert bound.buy(None) == "payer_needed"
    purchase_id = bound.buy(agreement)
    assert isinstance(purchase_id, UUID)
    stage.run()
    (order,) = stage.orders_of(purchase_id)
    assert (order.state, order.buyer_org_id) == ("active", bound.circle_id)
    titles = select(BillingProfile.legal_name).where(BillingProfile.org_id == bound.company.id)
    assert [one.buyer["legal_name"] for one in stage.papers(order.id)] == stage.rows(titles)
    bound.unbind(agreement)
    assert bound.buy(agreement) == "payer_agreement_over"
    assert bound.buy(None) == "payer_needed"
    assert isinstance(bound.buy(bound.bind()), UUID)


def test_nothing_is_charged_to_a_company_that_has_just_left(stage: Stage) -> None:
    """Purchases and the end of the agreement at once: what was placed has its charge, what came later is refused."""
    bound = Bound(stage)
    agreement = bound.bind()
    quotes = [bound.quote() for _ in range(4)]
    acts: list[Callable[[], UUID | str | None]] = [partial(bound.buy, agreement, quote_id) for quote_id in quotes]
    acts.append(partial(bound.unbind, agreement))
    outcomes = at_once(acts)
    placed = {one for one in outcomes if isinstance(one, UUID)}
    assert {one for one in outcomes if isinstance(one, str)} <= {"payer_agreement_over", "payer_needed"}
    made = stage.rows(select(Purchase.id).where(Purchase.buyer_org_id == bound.circle_id))
    charged = stage.rows(select(PayerCharge.purchase_id).where(PayerCharge.payer_org_id == bound.company.id))
    assert set(made) == set(charged) == placed
    assert bound.buy(agreement) == "payer_agreement_over"
