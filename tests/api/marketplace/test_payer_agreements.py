"""One organization agrees to pay for another: one payer each, no chain, whatever is accepted at once; and who reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api.context import Services
from app.verify.payers import NO_CHAIN
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.jobs.runner import drain
from kernel.principal import SYSTEM
from marketplace.groups.memberships import AskGroup, accept_group, ask_group, change_rights, end_group
from marketplace.parties.models import Organization
from marketplace.payers.agree import (
    PayerLimits,
    ProposeAgreement,
    accept_agreement,
    change_limits,
    end_agreement,
    propose_agreement,
)
from marketplace.payers.models import PayerAgreement
from marketplace.payers.queries import active_payer, get_agreement, list_agreements
from tests.factories_marketplace import Org, make_member, make_org


def orgs(services: Services, number: int) -> list[Org]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return [make_org(uow) for _ in range(number)]


def proposed(services: Services, payer: Org, orderer: Org, *, by_payer: bool = True, **terms: Any) -> UUID:
    own, other = (payer, orderer) if by_payer else (orderer, payer)
    command = ProposeAgreement(other.id, by_payer=by_payer, currency="CNY", **terms)
    return transact(services.db, own.owner, lambda uow: propose_agreement(uow, command, known=True).id)


def told(services: Services, org: Org, work: Any) -> str:
    """The state that it is in afterwards, or the refusal's code."""
    try:
        state: str = transact(services.db, org.owner, lambda uow: work(uow).state)
        return state
    except DomainError as refused:
        return refused.code


def accepted(services: Services, org: Org, agreement_id: UUID, limits: PayerLimits | None = None) -> str:
    return told(services, org, lambda uow: accept_agreement(uow, agreement_id, limits))


def at_once(works: Sequence[Any]) -> list[str]:
    """All of them begin together."""
    barrier = Barrier(len(works))

    def begin(work: Any) -> str:
        barrier.wait(10)
        answer: str = work()
        return answer

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def chains(services: Services, *ids: UUID) -> list[Any]:
    """What the rule names of these."""
    with unit_of_work(services.db, SYSTEM) as uow:
        found = uow.session.execute(text(NO_CHAIN.sql)).all()
    return [one for one in found if {one.agreement_id, one.other_id} & set(ids)]


def test_the_other_side_answers_and_the_payer_alone_sets_limits(services: Services) -> None:
    payer, orderer = orgs(services, 2)
    one = proposed(services, payer, orderer, by_payer=False, limits=PayerLimits(monthly_limit_minor=9))
    assert accepted(services, orderer, one) == "payer_agreement_not_yours"
    assert accepted(services, payer, one, PayerLimits(100, 10)) == "active"
    assert accepted(services, payer, one) == "active"
    with unit_of_work(services.db, orderer.owner) as uow:
        found = active_payer(uow, orderer.id)
        assert found is not None
        assert (found.payer_org_id, found.monthly_limit_minor, found.order_limit_minor) == (payer.id, 100, 10)
        assert active_payer(uow, payer.id) is None
    changed = partial(change_limits, agreement_id=one, limits=PayerLimits(50))
    assert told(services, orderer, changed) == "payer_limits_not_yours"
    assert told(services, payer, changed) == "active"
    assert (
        told(services, payer, partial(change_limits, agreement_id=one, limits=PayerLimits(-1))) == "payer_limit_invalid"
    )
    ends = partial(end_agreement, agreement_id=one)
    assert [told(services, who, ends) for who in (orderer, payer)] == ["ended", "ended"]
    with unit_of_work(services.db, payer.owner) as uow:
        row = get_agreement(uow, one)
        assert (row.ended_by_payer, row.monthly_limit_minor, active_payer(uow, orderer.id)) == (False, 50, None)
    assert accepted(services, payer, one) == "payer_agreement_over"
    # History stays, and another may follow.
    again = proposed(services, payer, orderer)
    assert accepted(services, orderer, again, PayerLimits()) == "payer_limits_not_yours"
    assert accepted(services, orderer, again) == "active"
    with unit_of_work(services.db, payer.owner) as uow:
        assert [one.state for one in list_agreements(uow).items] == ["active", "ended"]


def test_nobody_pays_for_itself_or_in_a_chain(services: Services) -> None:
    top, middle, bottom = orgs(services, 3)
    assert told(
        services, top, lambda uow: propose_agreement(uow, ProposeAgreement(top.id, by_payer=True, currency="CNY"))
    ) == ("payer_is_oneself")
    first, second = proposed(services, top, middle), proposed(services, middle, bottom)
    assert accepted(services, middle, first) == "active"
    assert accepted(services, bottom, second) == "payer_is_paid_for"
    with pytest.raises(DomainError, match="payer_pays_for_others"):
        proposed(services, bottom, top)
    with pytest.raises(DomainError, match="payer_there_already"):
        proposed(services, bottom, middle)
    with pytest.raises(DomainError, match="organization_not_found"):
        transact(
            services.db,
            top.owner,
            lambda uow: propose_agreement(uow, ProposeAgreement(bottom.id, by_payer=True, currency="CNY")),
        )


@pytest.mark.parametrize("_round", range(3))
def test_of_those_accepted_at_once_no_chain_and_no_second_payer_comes(services: Services, _round: int) -> None:
    """A payer that is about to be paid for, a circle of three, and two payers for one."""
    first, second, third = orgs(services, 3)
    pairs = ((first, second), (second, third), (third, first), (first, third))
    ids = [proposed(services, payer, orderer) for payer, orderer in pairs]
    answers = at_once([partial(accepted, services, orderer, one) for (_, orderer), one in zip(pairs, ids, strict=True)])
    assert set(answers) <= {"active", "payer_is_paid_for", "payer_pays_for_others", "payer_there_already"}
    assert 1 <= answers.count("active") <= 2
    assert chains(services, *ids) == []


def test_only_who_looks_after_the_bills_of_a_side_reads_it(services: Services) -> None:
    payer, orderer, stranger = orgs(services, 3)
    one = proposed(services, payer, orderer)
    with unit_of_work(services.db, SYSTEM) as uow:
        purchaser = make_member(uow, payer, "purchaser")
    for principal, code in ((purchaser, "permission_missing"), (stranger.owner, "payer_agreement_not_found")):
        with unit_of_work(services.db, principal) as uow, pytest.raises(DomainError, match=code):
            get_agreement(uow, one)
    with unit_of_work(services.db, stranger.owner) as uow:
        assert uow.session.get(PayerAgreement, one) is None
        assert not list_agreements(uow).items


class TestByRight:
    """A subsidiary let its headquarters pay: nobody has to accept what that proposes."""

    def group(self, services: Services, *rights: str) -> tuple[Org, Org, UUID]:
        top, below = orgs(services, 2)
        with unit_of_work(services.db, SYSTEM) as uow:
            uow.session.get_one(Organization, top.id).tax_id_verified_at = clock.now()
        asked = AskGroup(top.id, as_hq=False, rights=rights)
        membership_id: UUID = transact(services.db, below.owner, lambda uow: ask_group(uow, asked).id)
        transact(services.db, top.owner, lambda uow: accept_group(uow, membership_id).id)
        return top, below, membership_id

    def pays(self, services: Services, top: Org, below: Org) -> str:
        """The state in which it begins, or the refusal's code."""
        return told(services, top, lambda uow: propose_agreement(uow, ProposeAgreement(below.id, True, "CNY")))

    def payer_of(self, services: Services, org: Org) -> UUID | None:
        with unit_of_work(services.db, org.owner) as uow:
            found = active_payer(uow, org.id)
        return found.payer_org_id if found is not None else None

    def test_it_pays_at_once_until_the_right_or_the_group_ends(self, services: Services) -> None:
        top, below, membership_id = self.group(services, "see_orders", "pay")
        assert self.pays(services, top, below) == "active"
        assert self.payer_of(services, below) == top.id
        with unit_of_work(services.db, below.owner) as uow:
            (row,) = list_agreements(uow).items
            assert (row.by_right, row.may_answer, row.is_payer) == (True, False, False)
        transact(services.db, below.owner, lambda uow: change_rights(uow, membership_id, ("see_orders",)).id)
        drain(services.db)
        assert self.payer_of(services, below) is None
        # The name of a subsidiary without a checked tax identifier is nobody's to find.
        assert self.pays(services, top, below) == "organization_not_found"
        transact(services.db, below.owner, lambda uow: change_rights(uow, membership_id, ("pay",)).id)
        assert self.pays(services, top, below) == "active"
        transact(services.db, top.owner, lambda uow: end_group(uow, membership_id).id)
        drain(services.db)
        assert self.payer_of(services, below) is None

    def test_the_subsidiary_ends_it_and_is_never_the_payer_by_right(self, services: Services) -> None:
        top, below, _ = self.group(services, "pay")
        assert (
            told(services, below, lambda uow: propose_agreement(uow, ProposeAgreement(top.id, True, "CNY")))
            == "proposed"
        )
        assert self.pays(services, top, below) == "active"
        with unit_of_work(services.db, below.owner) as uow:
            one = list_agreements(uow, is_payer=False).items[0].id
        assert told(services, below, lambda uow: end_agreement(uow, one)) == "ended"

    @pytest.mark.parametrize("_round", range(3))
    def test_while_the_right_is_taken_back_none_is_left(self, services: Services, _round: int) -> None:
        top, below, membership_id = self.group(services, "pay")
        taken = partial(told, services, below, lambda uow: change_rights(uow, membership_id, ()))
        begun, _ = at_once([partial(self.pays, services, top, below), taken])
        assert begun in ("active", "organization_not_found")
        drain(services.db)
        assert self.payer_of(services, below) is None
