"""What finance is told: invoices, refunds, statements, payouts; and operators of what gateways did by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.events import GatewayAccountEnabled
from billing.incidents.events import IncidentOpened
from billing.invoices.events import CreditNoteIssued, InvoiceIssued, InvoiceTitleCorrected
from billing.invoices.models import Invoice
from billing.payouts.events import PayoutFailed, PayoutPaid, PayoutReturned
from billing.payouts.models import Payout
from billing.refunds.events import RefundSucceeded
from billing.settlement.close_statements import StatementClosed
from billing.statements.models import Statement
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notification_text import Params
from marketplace.notifications.notify import NewNotification
from marketplace.onboarding.events import PayoutAccountReplaced
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from orders.notifications.about_orders import OrderFacts, orders_of
from orders.notifications.notifiers import RecordedEvent, notifies_of

FINANCE = "billing.manage"


def _documents(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    wanted = select(Invoice).where(Invoice.id.in_([event.uuid("invoice_id") for event in events]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for event in events:
        row = found[event.uuid("invoice_id")]
        params = {
            "number": row.number or "",
            "seller": row.seller["legal_name"],
            "amount_minor": row.gross_minor,
            "currency": row.currency,
        }
        yield NewNotification(
            event.id, event.at, kind, "/invoices", params, org_id=row.buyer_org_id, permission=FINANCE
        )


@notifies_of(InvoiceIssued)
def invoice_issued(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The buyer's finance has a document to book."""
    return _documents(uow, events, "invoice_issued")


@notifies_of(CreditNoteIssued)
def credit_note_issued(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """As an invoice."""
    return _documents(uow, events, "credit_note_issued")


@notifies_of(InvoiceTitleCorrected)
def title_corrected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller's finance has a document to take back and another to book."""
    ids = [event.uuid(name) for event in events for name in ("invoice_id", "corrected_invoice_id")]
    found = {row.id: row for row in uow.session.scalars(select(Invoice).where(Invoice.id.in_(ids)))}
    for event in events:
        before, after = found[event.uuid("invoice_id")], found[event.uuid("corrected_invoice_id")]
        params = {
            "number": before.number or "",
            "buyer": after.buyer["legal_name"],
            "amount_minor": after.gross_minor,
            "currency": after.currency,
        }
        yield NewNotification(
            event.id,
            event.at,
            "title_corrected",
            f"/trace/{before.id}",
            params,
            org_id=before.seller_org_id,
            permission=FINANCE,
        )


@notifies_of(RefundSucceeded)
def refund_sent(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever bought, and the buyer's finance, learn that money comes back, or is credit with the seller now."""
    found = orders_of(uow, [event.uuid("reference") for event in events])
    for event in events:
        one = found[event.uuid("reference")]
        credit_minor = int(event.payload.get("credit_minor", 0))
        parts = {"refund_sent": int(event.payload["amount_minor"]) - credit_minor, "credit_given": credit_minor}
        for kind, amount_minor in parts.items():
            if amount_minor:
                params = {**one.params, "amount_minor": amount_minor, "currency": event.payload["currency"]}
                yield from _to_who_bought(event, kind, one, params)


def _to_who_bought(event: RecordedEvent, kind: str, one: OrderFacts, params: Params) -> Iterable[NewNotification]:
    """Who is both is told once, by the first: by which they read it even without the role."""
    org_id = one.order.buyer_org_id
    if one.requested_by is not None:
        yield NewNotification(event.id, event.at, kind, one.path, params, org_id=org_id, person_id=one.requested_by)
    yield NewNotification(
        event.id, event.at, kind, one.path, params, org_id=org_id, permission=FINANCE, but_not=one.requested_by
    )


@notifies_of(StatementClosed)
def statement_closed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """A party's finance has a statement to look at."""
    found = _statements(uow, [event.uuid("statement_id") for event in events])
    for event in events:
        statement, is_seller = found[event.uuid("statement_id")]
        params: Params = {
            "number": statement.number,
            "amount_minor": statement.net_minor,
            "currency": statement.currency,
        }
        yield _to_finance(event, "statement_closed", _page_of(statement, is_seller=is_seller), params)


def _payouts(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    wanted = select(Payout).where(Payout.id.in_([event.uuid("payout_id") for event in events]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    statements = _statements(uow, [row.statement_id for row in found.values()])
    for event in events:
        row = found[event.uuid("payout_id")]
        statement, is_seller = statements[row.statement_id]
        params: Params = {"number": statement.number, "amount_minor": row.amount_minor, "currency": row.currency}
        is_wrong = kind != "payout_sent" and is_seller
        path = "/seller/start/payout-account" if is_wrong else _page_of(statement, is_seller=is_seller)
        yield _to_finance(event, kind, path, params)


@notifies_of(PayoutPaid)
def payout_sent(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The money is on its way."""
    return _payouts(uow, events, "payout_sent")


@notifies_of(PayoutFailed)
def payout_failed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The account may be wrong."""
    return _payouts(uow, events, "payout_failed")


@notifies_of(PayoutReturned)
def payout_returned(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The account may be wrong."""
    return _payouts(uow, events, "payout_returned")


@notifies_of(PayoutAccountReplaced)
def payout_account_replaced(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever answers for the organization, before anything is paid to the other account. Whoever changed it, too: it may
    not have been they.
    """
    wanted = select(Organization).where(Organization.id.in_([event.uuid("org_id") for event in events]))
    names = {row.id: row.display_name for row in uow.session.scalars(wanted)}
    for event in events:
        org_id = event.uuid("org_id")
        params: Params = {
            "organization": names[org_id],
            "currency": event.payload["currency"],
            "last4": event.payload["account_last4"],
        }
        yield NewNotification(
            event.id,
            event.at,
            "payout_account_replaced",
            "/payouts/settings",
            params,
            org_id=org_id,
            permission="members.manage",
        )


@notifies_of(GatewayAccountEnabled)
def gateway_account_enabled(_: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Finance may choose an account at a gateway for the payouts."""
    for event in events:
        params: Params = {"gateway": str(event.payload["gateway"]).capitalize()}
        org_id = event.uuid("org_id")
        yield NewNotification(
            event.id,
            event.at,
            "gateway_account_enabled",
            "/payouts/settings",
            params,
            org_id=org_id,
            permission=FINANCE,
        )


@notifies_of(IncidentOpened)
def incident_opened(_: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The platform's operators have to look into it."""
    for event in events:
        params = {name: event.payload[name] for name in ("amount_minor", "currency")}
        yield NewNotification(
            event.id,
            event.at,
            "incident_opened",
            "/operator",
            params,
            org_id=PLATFORM_ORG_ID,
            permission="operator.payouts",
        )


def _to_finance(event: RecordedEvent, kind: str, path: str, params: Params) -> NewNotification:
    return NewNotification(event.id, event.at, kind, path, params, org_id=event.uuid("org_id"), permission=FINANCE)


def _statements(uow: UnitOfWork, statement_ids: Sequence[UUID]) -> dict[UUID, tuple[Statement, bool]]:
    rows = uow.session.execute(
        select(Statement, Organization.is_seller)
        .join(Organization, Organization.id == Statement.org_id)
        .where(Statement.id.in_(statement_ids))
    )
    return {statement.id: (statement, is_seller) for statement, is_seller in rows}


def _page_of(statement: Statement, *, is_seller: bool) -> str:
    return f"/seller/statements/{statement.id}" if is_seller else f"/promoter/statements/{statement.id}"
