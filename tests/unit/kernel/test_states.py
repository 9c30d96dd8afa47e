"""What may follow what, in every aggregate: written here a second time, so that no edge is added or lost unseen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any, cast, get_args
from uuid import UUID

import pytest

from api.pages.money.presenter import SHARE_STATES
from api.pages.orders.handlers import STATES as SHOWN_TO_BUYERS
from api.pages.seller.presenter import ORDER_STATES as SHOWN_TO_SELLERS
from api.v1.purchases import WAITING
from api.v1.seller_money import ShareState
from api.v1.seller_runs import RunState
from bench.checkout import PAID
from billing.payments import models as payments
from billing.payouts import models as payouts
from billing.refunds import models as refunds
from fulfillment.runs.models import LIVE, STATES
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.states import Machine, StateHistory, machines
from marketplace.videos.media.receive_media import REPLACEABLE
from orders.progress import FINAL, REACHED, STEPS

TRANSITIONS = """
bank_transfer: awaited > received withdrawn credited
bank_outgoing: to_send > sent failed; sent > returned
bank_return: asked > approved withdrawn
credit_line: asked > open declined; declined > asked open; open > closed; closed > asked open
credit_hold: held > drawn released
invoice: queued > issued
fapiao_request: requested > queued; queued > issued failed; failed > requested
red_letter: unneeded > revoked; awaiting_buyer > confirmed denied_by_buyer expired withdrawn;
    awaiting_seller > confirmed denied_by_seller expired withdrawn; confirmed > revoked
payout_batch: drafted > approved discarded; approved > sent discarded; sent > settled partly failed;
    settled > partly failed; partly > failed
incident: open > resending closed; resending > open closed
accounting_period: closed > reopened; reopened > closed
reconciliation_difference: open > explained resolved; explained > open resolved
connected_account: opening > onboarding enabled restricted closed; onboarding > enabled restricted closed;
    enabled > restricted onboarding closed; restricted > enabled onboarding closed
transfer_reversal: sending > succeeded failed
dispute: open > won lost; won > lost; lost > won
dispute_submission: sending > sent failed
payment: processing > requires_action unknown succeeded failed; requires_action > processing unknown succeeded failed;
    unknown > processing requires_action succeeded failed; succeeded > reversed
refund_case: asked > granted credit_offered refused escalated closed withdrawn;
    credit_offered > granted asked closed withdrawn; refused > escalated closed withdrawn;
    escalated > granted rejected closed withdrawn
refund: requested > held processing failed; held > requested failed; processing > unknown succeeded failed;
    unknown > processing succeeded failed; succeeded > returned; returned > resending settled; resending > succeeded returned
payout: scheduled > sent failed; sent > unknown paid failed; unknown > sent paid failed; paid > returned
share_policy_version: draft > published discarded
promoter_membership: invited > accepted declined ended; applied > accepted declined ended; accepted > ended
share: pending > releasable reversed; releasable > in_statement reversed; in_statement > paid; paid > in_statement
statement: closed > paying carried; paying > paid closed; paid > closed
order: pending_approval > pending_payment rejected expired cancelled; pending_payment > paid expired cancelled;
    paid > fulfilling refunded; fulfilling > active delivery_failed refunded; active > completed delivery_failed refunded;
    completed > refunded; delivery_failed > refunded
subscription: active > past_due ended; past_due > active ended
milestone: pending > open cancelled; open > delivered cancelled; delivered > accepted rework cancelled;
    rework > delivered cancelled
amendment: pending > applied void; applied > reversed
instalment: scheduled > asked cancelled; asked > paid cancelled; paid > cancelled
offer: open > accepted withdrawn declined superseded; accepted > open withdrawn superseded;
    awaiting_approval > open rejected withdrawn superseded
order_sheet: draft > ordered discarded
dealer_list: draft > sent discarded
announcement: sending > sent withdrawn
outside_approval: asking > asked withdrawn failed; asked > answered withdrawn
tier_offer: awaiting_approval > open rejected withdrawn; open > withdrawn
group_membership: requested > active declined withdrawn; active > ended
partner_link: asked > accepted declined withdrawn; accepted > ended
end_customer: asked > active ended; active > ended
payer_agreement: proposed > active ended; active > ended
payer_charge: asked > approved declined released; approved > asked released
purchase: pending_approval > pending_payment rejected expired cancelled; pending_payment > paid expired cancelled
entitlement: pending > active ended; active > suspended ended; suspended > active ended
usage_period: open > closed; closed > invoiced
usage_challenge: open > confirmed corrected overdue; overdue > confirmed corrected
run: queued > calling succeeded failed dead; calling > waiting succeeded queued failed dead;
    waiting > succeeded failed dead queued; failed > queued; dead > queued
marketplace.listing: draft > in_review; in_review > published rejected; rejected > in_review;
    published > suspended paused retired; suspended > published retired; paused > published suspended retired
marketplace.listing_version: draft > in_review; in_review > published rejected draft; rejected > draft; published > superseded
marketplace.plan: active > withdrawn
marketplace.video: draft > processing; processing > ready refused; refused > processing; ready > processing published;
    published > withdrawn removed; withdrawn > published removed
marketplace.comment: shown > hidden removed; hidden > shown removed
marketplace.card_response: new > working done declined; working > done declined; done > working; declined > working
marketplace.content_report: open > upheld dismissed
marketplace.product_question: shown > hidden removed; hidden > shown removed
listing_pause: paused > released
customer_review: shown > withdrawn removed; withdrawn > shown removed
marketplace.organization: active > suspended; suspended > active
marketplace.invitation: pending > accepted declined withdrawn
marketplace.ownership_transfer: pending > accepted declined withdrawn
marketplace.legal_proof: submitted > approved rejected superseded
marketplace.tax_id_dispute: open > evidence_asked settled dismissed; evidence_asked > settled dismissed
conversation: open > closed; closed > open
ticket: open > waiting_buyer resolved closed; waiting_seller > waiting_buyer resolved closed;
    waiting_buyer > waiting_seller resolved closed; resolved > waiting_seller closed
marketplace.demo_booking: booked > cancelled; cancelled > booked
marketplace.email_domain: pending > approved refused removed; approved > removed
marketplace.live_question: waiting > shown hidden removed; shown > hidden removed; hidden > shown removed
marketplace.live_session: scheduled > live cancelled; live > ended
marketplace.lead: new > working answered won lost withdrawn; working > answered won lost withdrawn;
    answered > working won lost withdrawn; lost > won; withdrawn > won
marketplace.circle_member: asked > active declined left; active > left removed; declined > asked active;
    left > asked active; removed > asked
marketplace.circle_post: waiting > shown hidden removed; shown > hidden removed; hidden > shown removed
marketplace.hall: draft > published; published > archived; archived > published
marketplace.hall_booth: invited > accepted declined removed; accepted > removed
marketplace.hall_badge: registered > withdrawn; withdrawn > registered
marketplace.hall_exchange: asked > given declined; given > revoked
marketplace.member: active > removed; removed > active
marketplace.test_clock: ready > advancing deleting; advancing > ready; deleting > deleted
marketplace.webhook_endpoint: active > disabled removed; disabled > active removed
marketplace.group_robot: active > disabled removed; disabled > active removed
"""


def expected() -> dict[str, set[tuple[str, str]]]:
    """The edges of each machine, as written above."""
    found: dict[str, set[tuple[str, str]]] = {}
    for line in TRANSITIONS.strip().replace("\n    ", " ").splitlines():
        name, _, text = line.partition(": ")
        edges = [edge.split(" > ") for edge in text.split("; ")]
        found[name] = {(source, target) for source, targets in edges for target in targets.split()}
    return found


@dataclass
class Row:
    """Something with a state."""

    state: str
    id: UUID = field(default_factory=uuid7)


class Kept:
    """A unit of work that keeps what is appended."""

    principal = SYSTEM

    def __init__(self) -> None:
        self.rows: list[tuple[type, dict[str, Any]]] = []

    def append(self, kind: type, **values: Any) -> None:
        self.rows.append((kind, values))


def moved(machine: Machine, source: str, target: str) -> tuple[str, list[tuple[str, str]]]:
    """What became of a row, and the histories that were written."""
    row, kept = Row(source), Kept()
    try:
        told = str(machine.move(cast("UnitOfWork", kept), row, target, org_ids=[]))
    except Conflict as refused:
        told = refused.code
    assert all(kind is StateHistory for kind, _ in kept.rows)
    histories = [(values["from_state"], values["to_state"]) for _, values in kept.rows]
    assert row.state == (target if histories else source)
    return told, histories


def test_every_machine_is_written_down() -> None:
    assert set(expected()) == set(machines)


@pytest.mark.parametrize("name", sorted(expected()))
def test_a_row_goes_where_the_table_says_and_nowhere_else(name: str) -> None:
    """Every state × every state, one that is of no machine included: moved with one history, there already, or refused."""
    machine, edges = machines[name], expected()[name]
    assert {state for edge in edges for state in edge} == machine.states
    for source, target in product(sorted(machine.states), [*sorted(machine.states), "elsewhere"]):
        if source == target:
            assert moved(machine, source, target) == ("False", [])
        elif (source, target) in edges:
            assert moved(machine, source, target) == ("True", [(source, target)])
        else:
            assert moved(machine, source, target) == ("invalid_transition", [])


@pytest.mark.parametrize("name", sorted(expected()))
def test_every_state_is_reached_and_nothing_begins_elsewhere(name: str) -> None:
    machine = machines[name]
    reached, waiting = set[str](), list(machine.initial)
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += machine.edges[state]
    assert reached == machine.states
    for state in machine.states:
        row, kept = Row(""), Kept()
        if state in machine.initial:
            machine.begin(cast("UnitOfWork", kept), row, state, org_ids=[])
            assert [(values["from_state"], values["to_state"]) for _, values in kept.rows] == [(None, state)]
            continue
        with pytest.raises(Conflict, match="invalid_transition"):
            machine.begin(cast("UnitOfWork", kept), row, state, org_ids=[])
        assert (row.state, kept.rows) == ("", [])


WHOLE: dict[str, tuple[str, Iterable[str]]] = {
    "columns of runs": ("run", STATES),
    "the filter of runs": ("run", get_args(RunState)),
    "the filter of shares": ("share", get_args(get_args(get_args(ShareState)[0])[0])),
    "the page of shares": ("share", SHARE_STATES),
    "payments at and before their end": ("payment", [*payments.ENDS, *payments.UNRESOLVED]),
    "refunds at and before their end": ("refund", [*refunds.ENDS, *refunds.UNRESOLVED, "held"]),
    "payouts at and before their end": ("payout", [*payouts.ENDS, *payouts.UNRESOLVED]),
    "steps of an order": ("order", [*REACHED, "refunded", "rejected", "expired", "cancelled"]),
}
"""Lists in the code that name every state of a machine, each once."""

PART: dict[str, tuple[str, Iterable[str]]] = {
    "runs under way": ("run", LIVE),
    "refunds that undo a sale": ("refund", refunds.EFFECTIVE),
    "orders at their end": ("order", FINAL),
    "what an order's steps are reached by": ("order", filter(None, STEPS.values())),
    "orders that count as paid in the bench": ("order", PAID),
    "the buyer's filter of orders": ("order", SHOWN_TO_BUYERS),
    "the seller's filter of orders": ("order", SHOWN_TO_SELLERS),
    "purchases that wait for somebody": ("purchase", WAITING),
    "videos whose file may be replaced": ("marketplace.video", REPLACEABLE),
}
"""Lists in the code that name some."""


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_list_of_all_states_is_one(name: str) -> None:
    machine, listed = WHOLE[name]
    assert sorted(listed) == sorted(machines[machine].states)


@pytest.mark.parametrize("name", sorted(PART))
def test_a_list_of_some_states_names_no_others(name: str) -> None:
    machine, listed = PART[name]
    named = list(listed)
    assert set(named) < machines[machine].states
    assert len(set(named)) == len(named)


def test_what_may_be_replaced_is_what_may_be_processed_again() -> None:
    machine = machines["marketplace.video"]
    assert {state for state in machine.states if machine.allows(state, "processing")} == REPLACEABLE


def test_a_purchase_waits_until_it_is_paid_or_at_an_end() -> None:
    machine = machines["purchase"]
    assert {state for state in machine.states if not machine.is_final(state)} == WAITING
