"""An order's way as the vertical line: what has happened, what is under way, what is still to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.pages.frame import addresses
from api.pages.frame.phrases import money
from api.pages.frame.site import Visit
from api.pages.frame.timeline import Attempt, Fact, Link, LinkState, Timeline
from api.pages.frame.translations import translations
from billing.invoices.queries import InvoiceFilter, InvoiceRow, list_invoices
from billing.payments.queries import PaymentRow, latest_payment
from billing.refunds.queries import RefundRow, refunds_received
from fulfillment.runs.queries import deliveries_of
from fulfillment.runs.views import AttemptRow, Delivery
from kernel.db.uow import UnitOfWork
from marketplace.videos.queries import VideoSummary, summaries_of
from orders import queries
from orders.checkout.views import PurchaseView
from orders.order.views import OrderView
from orders.queries import Step

OVER = frozenset({"rejected", "expired", "cancelled"})
ATTEMPTS = {
    "started": "unknown",
    "succeeded": "ok",
    "accepted": "accepted",
    "refused": "failed",
    "retry": "failed",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known of an order on behalf of its buyer."""

    order: OrderView
    purchase: PurchaseView
    quoted_at: datetime | None
    steps: tuple[Step, ...]
    payment: PaymentRow | None
    deliveries: tuple[Delivery, ...]
    invoices: tuple[InvoiceRow, ...]
    refunds: tuple[RefundRow, ...]
    video: VideoSummary | None

    @property
    def invoice(self) -> InvoiceRow | None:
        """The order's invoice, numbered or not."""
        return next((one for one in self.invoices if one.kind == "invoice"), None)

    @property
    def is_live(self) -> bool:
        """Whether something more is about to happen by itself, the invoice's drawing included."""
        order = self.order
        if order.state in {"active", "completed"}:
            return order.gross_minor > 0 and not (self.invoice and self.invoice.has_pdf)
        return order.state not in OVER | {"refunded"}

    def at(self, state: str) -> datetime | None:
        """When the order first came into a state."""
        return next((step.at for step in self.steps if step.machine == "order" and step.to_state == state), None)


def read(uow: UnitOfWork, order_id: UUID) -> Known:
    """Read an order of the acting buyer with all that follows from it. Raises NotFound."""
    order = queries.get_order(uow, order_id)
    video_id = order.lines[0].video_id if order.lines else None
    papers = (
        list_invoices(uow, InvoiceFilter(order_id=order.id), limit=50) if uow.principal.may("invoices.read") else None
    )
    return Known(
        order=order,
        purchase=queries.get_purchase(uow, order.purchase_id),
        quoted_at=order.created_at,
        steps=tuple(queries.steps_of(uow, [order.id], since=order.created_at)),
        payment=latest_payment(uow, order.purchase_id),
        deliveries=tuple(deliveries_of(uow, [line.id for line in order.lines]).values()),
        invoices=tuple(papers.items) if papers else (),
        refunds=tuple(refunds_received(uow, order.id)),
        video=summaries_of(uow, [video_id]).get(video_id) if video_id else None,
    )


def timeline(visit: Visit, known: Known) -> Timeline:
    """The links in the order of the loop. What an order that has ended never came to is left out."""
    links = [*_origin(visit, known), *_approval(visit, known), _payment(visit, known)]
    links += _runs(visit, known)
    links += _entitlements(visit, known)
    links += _invoices(visit, known)
    links += [_refund(visit, one) for one in known.refunds]
    if known.order.state in OVER or known.order.state in {"refunded", "delivery_failed"}:
        links = [link for link in links if link.state != "todo"]
    return Timeline(tuple(links))


def _origin(visit: Visit, known: Known) -> list[Link]:
    order, links = known.order, []
    line = order.lines[0]
    if line.video_id is not None:
        second = (line.second_ms or 0) // 1000
        title = visit.pick(known.video.title, known.video.title_en) if known.video else ""
        said = visit.t("order.said_at", at=visit.formats.second(second))
        links.append(
            Link(
                "video",
                "done",
                text=" · ".join(part for part in (title, said) if part),
                address=addresses.video(str(line.video_id), second) if known.video else None,
            )
        )
    gross = visit.formats.money(money(order.gross_minor, order.currency))
    return [*links, Link("quote", "done", known.quoted_at, gross)]


def _approval(visit: Visit, known: Known) -> list[Link]:
    asked = known.at("pending_approval")
    if asked is None:
        return []
    purchase = known.purchase
    name = purchase.decided_by_name or ""
    if purchase.decision == "approved":
        return [Link("approval", "done", known.at("pending_payment"), visit.t("order.approved_by", name=name))]
    if purchase.decision == "rejected":
        text = visit.t("order.rejected_by", name=name, reason=purchase.decision_reason or "")
        return [Link("approval", "failed", known.at("rejected"), text)]
    if known.order.state == "pending_approval":
        return [Link("approval", "waiting", asked, visit.t("order.approval_waits"))]
    return [Link("approval", "failed", known.at("expired"), visit.t("order.approval_expired"))]


def _payment(visit: Visit, known: Known) -> Link:
    payment = known.payment
    if payment is None:
        return Link("payment", "done" if known.order.paid_at else "todo", known.order.paid_at)
    facts = (Fact("amount", visit.formats.money(money(payment.amount_minor, payment.currency))),)
    method = translations(visit.language).word("gateway", payment.gateway)
    if payment.state == "succeeded":
        return Link("payment", "done", payment.captured_at, method, facts=facts)
    if payment.state == "failed":
        return Link("payment", "failed", payment.created_at, pay_error(visit, payment.error_code), facts=facts)
    text = visit.t("order.payment_doubt" if payment.state == "unknown" else "order.payment_waits")
    return Link("payment", "live", payment.created_at, text, facts=facts)


def pay_error(visit: Visit, code: str | None) -> str:
    """Why a payment failed: what happened, what is safe, what to do."""
    texts = translations(visit.language).texts
    return texts.get(f"word.pay_error.{code}", texts["word.pay_error.other"])


_RUNS: dict[str, LinkState] = {
    "queued": "live",
    "calling": "live",
    "waiting": "live",
    "succeeded": "done",
    "failed": "failed",
    "dead": "failed",
}


def _runs(visit: Visit, known: Known) -> list[Link]:
    if not known.deliveries:
        return [Link("run", "todo", text=visit.t("order.run_waits"))]
    return [
        Link(
            "run",
            _RUNS.get(one.run_state, "live"),
            one.attempts[0].started_at if one.attempts else known.at("fulfilling"),
            _run_text(visit, one),
            str(one.run_id),
            attempts=_attempts(visit, one.attempts),
            percent=one.percent,
        )
        for one in known.deliveries
    ]


def _run_text(visit: Visit, one: Delivery) -> str:
    if one.run_state == "succeeded":
        return visit.t("order.run_done")
    return visit.pick(one.message, one.message_en)


def _attempts(visit: Visit, rows: Sequence[AttemptRow]) -> tuple[Attempt, ...]:
    words = translations(visit.language)
    return tuple(
        Attempt(
            row.started_at,
            ATTEMPTS[row.outcome],  # type: ignore[arg-type]  # the values are exactly the view's words
            words.word("attempt_reason", row.reason) if row.reason else f"HTTP {row.status}" if row.status else "",
            row.elapsed_ms,
        )
        for row in rows
    )


def _entitlements(visit: Visit, known: Known) -> list[Link]:
    links = []
    for one in known.deliveries:
        state: LinkState = {"active": "done", "ended": "done", "suspended": "failed"}.get(one.entitlement_state, "todo")  # type: ignore[assignment]  # literals of the mapping
        text = {"todo": visit.t("order.entitlement_waits")}.get(state, "")
        if one.entitlement_state == "ended":
            text = visit.t("order.entitlement_ended")
        links.append(
            Link(
                "entitlement",
                state,
                one.valid_from if state == "done" else None,
                text,
                str(one.entitlement_id),
                addresses.entitlement(str(one.entitlement_id)) if state == "done" else None,
            )
        )
    return links or [Link("entitlement", "todo", text=visit.t("order.entitlement_waits"))]


def _invoices(visit: Visit, known: Known) -> list[Link]:
    if known.order.gross_minor == 0 or not visit.principal.may("invoices.read"):
        return []
    links = [_paper(visit, one) for one in known.invoices]
    return sorted(links, key=lambda link: link.kind != "invoice") or [
        Link("invoice", "todo", text=visit.t("order.invoice_waits"))
    ]


def _paper(visit: Visit, row: InvoiceRow) -> Link:
    kind = "credit_note" if row.kind == "credit_note" else "invoice"
    if not row.has_pdf:
        return Link(kind, "live", row.created_at, visit.t("order.invoice_drawing"), str(row.id))  # type: ignore[arg-type]  # one of two literals
    gross = Fact("amount", visit.formats.money(money(row.gross_minor, row.currency)))
    address = addresses.invoice_pdf(str(row.id))
    return Link(kind, "done", row.issued_at, row.number or "", str(row.id), address, (gross,))  # type: ignore[arg-type]  # one of two literals


def _refund(visit: Visit, row: RefundRow) -> Link:
    states: dict[str, LinkState] = {"succeeded": "done", "failed": "failed"}
    key = {"succeeded": "refund_done", "failed": "refund_failed"}.get(row.state, "refund_running")
    facts = (Fact("amount", visit.formats.money(money(row.amount_minor, row.currency))),)
    at = row.ended_at or row.created_at
    return Link("refund", states.get(row.state, "live"), at, visit.t(f"order.{key}"), str(row.id), facts=facts)
