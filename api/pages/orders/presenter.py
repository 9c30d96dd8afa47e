"""An order's way as the vertical line: what has happened, what is under way, what is still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from api.pages.frame import addresses
from api.pages.frame.choices import Choice, department_choices
from api.pages.frame.codes import in_words
from api.pages.frame.phrases import money, several
from api.pages.frame.site import PageRequest
from api.pages.frame.timeline import Link, LinkState, Timeline, TimelineAttempt, TimelineFact
from api.pages.frame.translations import translations
from api.pages.orders.approval_links import approval_links
from api.pages.orders.papers import paper_links
from api.pages.refund_cases.presenter import course_of
from api.v1.departments import ASSIGN
from billing.invoices.queries import InvoiceFilter, InvoiceRow, list_invoices
from billing.payments.queries import PaymentRow, latest_payment
from billing.refunds.queries import RefundRow, refunds_received
from fulfillment.runs.queries import deliveries_of
from fulfillment.runs.views import AttemptRow, Delivery
from kernel.db.uow import UnitOfWork
from marketplace.catalog.edit_terms import versions_with_terms
from marketplace.departments.queries import DepartmentRow, list_departments
from marketplace.videos.queries import VideoSummary, summaries_of
from orders import queries
from orders.approval_apps.queries import OutsideApprovalView, outside_approvals
from orders.approval_rules.find_rule import month_began
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.views import PurchaseView
from orders.disputes.queries import LatestDispute, latest_dispute
from orders.invoicing.unbilled import ToBeInvoiced, find_to_be_invoiced
from orders.milestones.queries import MilestoneView, list_milestones
from orders.order.views import LineView, OrderView
from orders.queries import StateChange
from orders.refunds.queries import RefundCaseView, cases_of_order
from orders.tracing.model import Node
from orders.tracing.paper_nodes import paper_nodes

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
class OrderPageData:
    """Everything that is known of an order on behalf of its buyer."""

    order: OrderView
    purchase: PurchaseView
    quoted_at: datetime | None
    steps: tuple[StateChange, ...]
    payment: PaymentRow | None
    dispute: LatestDispute | None
    """What the payer's bank decides or has decided about the payment."""
    deliveries: tuple[Delivery, ...]
    invoices: tuple[InvoiceRow, ...]
    to_be_invoiced: ToBeInvoiced | None
    """On which month's invoice it comes, where it waits for that."""
    refunds: tuple[RefundRow, ...]
    refund_cases: tuple[RefundCaseView, ...]
    """What was asked back after the window, the latest first."""
    videos: Mapping[UUID, VideoSummary]
    """Those that lines were bought from and that the buyer may still see."""
    milestones: tuple[MilestoneView, ...] = ()
    papers: tuple[Node, ...] = ()
    """Requests for its payment, reminders, and what was drawn of it, as a trace has them."""
    departments: tuple[DepartmentRow, ...] = ()
    """What its purchase may be said to be the spending of, where the reader may say so."""
    outside: tuple[OutsideApprovalView, ...] = ()
    """Of its purchase, where it was to be approved."""
    terms: Mapping[UUID, str] = field(default_factory=dict)
    """The seller's name for the terms of the lines' versions, by version."""

    @property
    def invoice(self) -> InvoiceRow | None:
        """The invoice that stands for the order, numbered or not."""
        return next((one for one in self.invoices if one.kind == "invoice" and one.superseded_at is None), None)

    @property
    def is_live(self) -> bool:
        """Whether something more is about to happen by itself, the invoice's drawing included."""
        order = self.order
        if order.state in {"active", "completed"}:
            waits = self.to_be_invoiced is not None
            return order.gross_minor > 0 and not waits and not (self.invoice and self.invoice.has_pdf)
        return order.state not in OVER | {"refunded"}

    @property
    def waits_for_payer(self) -> bool:
        """Whether another organization was asked to pay it, and has not agreed yet."""
        asked = self.purchase.gateway == BY_PAYER and self.payment is None
        return asked and self.order.state == "pending_payment"

    @property
    def may_ask_back(self) -> bool:
        """Whether it is worth asking what of it could be asked back: it was delivered, and no request is open."""
        return self.order.state in {"active", "completed"} and all(one.ended_at for one in self.refund_cases)

    def delivery_of(self, line: LineView) -> Delivery | None:
        """How far the delivery of a line is, None before it begins."""
        return next((one for one in self.deliveries if one.reference == line.id), None)

    def at(self, state: str) -> datetime | None:
        """When the order first came into a state."""
        return next((step.at for step in self.steps if step.machine == "order" and step.to_state == state), None)


def read(uow: UnitOfWork, order_id: UUID) -> OrderPageData:
    """Read an order of the acting buyer with all that follows from it. Raises NotFound."""
    order = queries.get_order(uow, order_id)
    papers = (
        list_invoices(uow, InvoiceFilter(order_id=order.id), limit=50) if uow.principal.may("invoices.read") else None
    )
    payment = latest_payment(uow, order.purchase_id)
    purchase = queries.get_purchase(uow, order.purchase_id)
    outside = outside_approvals(uow, [purchase.id]) if purchase.approval_steps else {}
    return OrderPageData(
        order=order,
        purchase=purchase,
        outside=tuple(outside.get(purchase.id, ())),
        quoted_at=order.created_at,
        steps=tuple(queries.steps_of(uow, [order.id], since=order.created_at)),
        payment=payment,
        dispute=latest_dispute(uow, order.id) if payment is not None else None,
        deliveries=tuple(deliveries_of(uow, [line.id for line in order.lines]).values()),
        invoices=tuple(papers.items) if papers else (),
        to_be_invoiced=find_to_be_invoiced(uow, order.id) if papers and not papers.items and order.active_at else None,
        refunds=tuple(refunds_received(uow, order.id)),
        refund_cases=tuple(cases_of_order(uow, order.id, side="buyer")) if order.active_at is not None else (),
        videos=summaries_of(uow, {line.video_id for line in order.lines if line.video_id}),
        milestones=_milestones(uow, order),
        papers=tuple(paper_nodes(uow, [order.id])) if order.gross_minor else (),
        departments=tuple(list_departments(uow, archived=True)) if uow.principal.may(ASSIGN) else (),
        terms=versions_with_terms(uow, [line.listing_version_id for line in order.lines]),
    )


def _milestones(uow: UnitOfWork, order: OrderView) -> tuple[MilestoneView, ...]:
    """Of what is bought once; nothing else is delivered in such."""
    once = order.paid_at is not None and any(line.term_months == 0 for line in order.lines)
    return tuple(list_milestones(uow, order.id, of_buyer=True)) if once else ()


def timeline(page_request: PageRequest, data: OrderPageData) -> Timeline:
    """The links in the order of the loop. What an order that has ended never came to is left out."""
    links = [
        *_origin(page_request, data),
        *approval_links(page_request, data.purchase, data.order, data.at, data.outside),
    ]
    if data.order.gross_minor or data.payment is not None:
        links.append(_payment(page_request, data))
    links += paper_links(page_request, data.papers)
    links += _runs(page_request, data)
    links += _entitlements(page_request, data)
    links += _invoices(page_request, data)
    links += [one for case in reversed(data.refund_cases) for one in _asked_back(page_request, case)]
    links += [_refund(page_request, one) for one in data.refunds]
    if data.order.state in OVER or data.order.state in {"refunded", "delivery_failed"}:
        links = [link for link in links if link.state != "todo"]
    return Timeline(tuple(links))


def _origin(page_request: PageRequest, data: OrderPageData) -> list[Link]:
    order, links = data.order, list[Link]()
    if any(line.rule != "none" and line.video_id is None and line.live_session_id is None for line in order.lines):
        links.append(Link("attribution", "done", text=page_request.t("share.sold_by")))
    sold_at = ((line.video_id, (line.second_ms or 0) // 1000, line.live_session_id) for line in order.lines)
    for video_id, second, live_id in dict.fromkeys(sold_at):
        if video_id is None and live_id is None:
            continue
        video = data.videos.get(video_id) if video_id is not None else None
        title = page_request.pick(video.title, video.title_en) if video else ""
        title = page_request.t("live.sold_in") if live_id else title
        said = page_request.t("order.said_at", at=page_request.formats.second(second))
        links.append(
            Link(
                "video",
                "done",
                text=" · ".join(part for part in (title, said) if part),
                address=addresses.live.room(str(live_id))
                if live_id
                else addresses.video(str(video_id), second)
                if video
                else None,
            )
        )
    gross = page_request.formats.money(money(order.gross_minor, order.currency))
    return [*links, Link("quote", "done", data.quoted_at, gross)]


def _payment(page_request: PageRequest, data: OrderPageData) -> Link:
    payment = data.payment
    if payment is None:
        return Link("payment", "done" if data.order.paid_at else "todo", data.order.paid_at)
    facts: tuple[TimelineFact, ...] = (_amount(page_request, "amount", payment.amount_minor, payment.currency),)
    if payment.credit_minor:
        facts += (_amount(page_request, "credit", payment.credit_minor, payment.currency),)
    method = translations(page_request.language).word("gateway", payment.gateway)
    if data.dispute is not None and data.dispute.state == "open":
        return Link("payment", "waiting", payment.captured_at, page_request.t("order.payment_disputed"), facts=facts)
    if payment.state == "reversed":
        said, tag = (
            page_request.t("order.payment_reversed"),
            translations(page_request.language).word("payment", "reversed"),
        )
        return Link("payment", "failed", payment.captured_at, said, facts=facts, tag=tag)
    if payment.state == "succeeded":
        return Link("payment", "done", payment.captured_at, method, facts=facts)
    if payment.state == "failed":
        over = data.order.state in OVER
        said = page_request.t("order.payment_over") if over else pay_error(page_request, payment.error_code)
        return Link("payment", "failed", payment.created_at, said, facts=facts)
    if payment.state == "requires_action":
        return Link("payment", "waiting", payment.created_at, page_request.t("order.payment_waits"), facts=facts)
    text = page_request.t("order.payment_doubt" if payment.state == "unknown" else "order.payment_runs")
    return Link("payment", "live", payment.created_at, text, facts=facts)


def pay_error(page_request: PageRequest, code: str | None) -> str:
    """Why a payment failed: what happened, what is safe, what to do."""
    texts = translations(page_request.language).texts
    return texts.get(f"word.pay_error.{code}", texts["word.pay_error.other"])


_RUNS: dict[str, LinkState] = {
    "queued": "live",
    "calling": "live",
    "waiting": "live",
    "succeeded": "done",
    "failed": "failed",
    "dead": "failed",
}


def _runs(page_request: PageRequest, data: OrderPageData) -> list[Link]:
    if not data.deliveries:
        if data.order.subscription_id is not None:
            # It pays for what was delivered before.
            return []
        return [Link("run", "todo", text=page_request.t("order.run_waits"))]
    return [
        Link(
            "run",
            _RUNS.get(one.run_state, "live"),
            one.attempts[0].started_at if one.attempts else data.at("fulfilling"),
            _of_line(page_request, data, one, _run_text(page_request, one)),
            str(one.run_id),
            attempts=_attempts(page_request, one.attempts),
            percent=one.percent,
            line=str(one.reference),
        )
        for one in data.deliveries
    ]


def _of_line(page_request: PageRequest, data: OrderPageData, one: Delivery, text: str) -> str:
    """Where an order has several lines, what is said of one names it."""
    names = dict(zip((line.id for line in data.order.lines), several(page_request, data.order.lines), strict=False))
    return " · ".join(part for part in (names.get(one.reference, ""), text) if part)


def _run_text(page_request: PageRequest, one: Delivery) -> str:
    if one.run_state == "succeeded":
        return page_request.t("order.run_done")
    if one.failure and not one.attempts:
        # Nobody was asked: the seller did not take the order on.
        return in_words(page_request.language, one.failure)
    return page_request.pick(one.message, one.message_en)


def _attempts(page_request: PageRequest, rows: Sequence[AttemptRow]) -> tuple[TimelineAttempt, ...]:
    return tuple(
        TimelineAttempt(
            row.started_at,
            ATTEMPTS[row.outcome],  # type: ignore[arg-type]  # the values are exactly the view's words
            in_words(page_request.language, row.reason) if row.reason else f"HTTP {row.status}" if row.status else "",
            row.elapsed_ms,
        )
        for row in rows
    )


def _entitlements(page_request: PageRequest, data: OrderPageData) -> list[Link]:
    links = []
    may_open = page_request.principal.may("entitlements.read")
    for one in data.deliveries:
        state: LinkState = {"active": "done", "ended": "done", "suspended": "failed"}.get(one.entitlement_state, "todo")  # type: ignore[assignment]  # literals of the mapping
        text = {"todo": page_request.t("order.entitlement_waits")}.get(state, "")
        if one.entitlement_state == "ended":
            text = page_request.t("order.entitlement_ended")
        elif one.entitlement_state == "active" and one.valid_to is not None:
            text = page_request.t("order.entitlement_until", day=page_request.formats.day(one.valid_to))
        links.append(
            Link(
                "entitlement",
                state,
                one.valid_from if state == "done" else None,
                _of_line(page_request, data, one, text),
                str(one.entitlement_id),
                addresses.entitlement(str(one.entitlement_id)) if state == "done" and may_open else None,
            )
        )
    if not links and data.order.subscription_id is not None and data.order.failure:
        # A change that was not made, and why.
        return [Link("entitlement", "failed", text=in_words(page_request.language, data.order.failure))]
    if not links and data.order.subscription_id is not None:
        paid = data.order.active_at is not None
        words = page_request.t("order.goes_on" if paid else "order.goes_on_once_paid")
        address = (
            addresses.subscription(str(data.order.subscription_id))
            if page_request.principal.may("orders.read")
            else None
        )
        return [Link("entitlement", "done" if paid else "todo", data.order.active_at, words, address=address)]
    return links or [Link("entitlement", "todo", text=page_request.t("order.entitlement_waits"))]


def _invoices(page_request: PageRequest, data: OrderPageData) -> list[Link]:
    if data.order.gross_minor == 0 or not page_request.principal.may("invoices.read"):
        return []
    if data.to_be_invoiced is not None and data.order.state != "refunded":
        formats = page_request.formats
        month, at = formats.month(data.to_be_invoiced.month), formats.moment(data.to_be_invoiced.due_at)
        words = page_request.t("order.invoice_of_month", month=month, at=at)
        return [Link("invoice", "waiting", text=words, address=addresses.payments.UNBILLED)]
    links = [_paper(page_request, one) for one in data.invoices]
    return sorted(links, key=lambda link: link.kind != "invoice") or [
        Link("invoice", "todo", text=page_request.t("order.invoice_waits"))
    ]


def _paper(page_request: PageRequest, row: InvoiceRow) -> Link:
    kind = "credit_note" if row.kind == "credit_note" else "invoice"
    if not row.has_pdf:
        return Link(kind, "live", row.created_at, page_request.t("order.invoice_drawing"), str(row.id))  # type: ignore[arg-type]  # one of two literals
    gross = TimelineFact("amount", page_request.formats.money(money(row.gross_minor, row.currency)))
    address = addresses.invoice_pdf(str(row.id))
    return Link(kind, "done", row.issued_at, row.number or "", str(row.id), address, (gross,))  # type: ignore[arg-type]  # one of two literals


def _asked_back(page_request: PageRequest, case: RefundCaseView) -> list[Link]:
    """What was said and done about a request, each step a link of its own."""
    address = addresses.refunds.case("buyer", str(case.id))
    states: dict[str, LinkState] = {"todo": "waiting"}
    return [
        Link(
            "refund_case",
            states.get(one.state, one.state),
            one.at,
            f"{one.title} · {one.text}" if one.text else one.title,
            str(case.id),
            address,
        )
        for one in course_of(page_request, case)
    ]


def _refund(page_request: PageRequest, row: RefundRow) -> Link:
    states: dict[str, LinkState] = {"succeeded": "done", "settled": "done", "failed": "failed"}
    key = f"refund_{row.state}" if row.state in {"failed", "returned", "settled", "held"} else "refund_running"
    if row.error_code == "withdrawn_by_buyer":
        key = "refund_withdrawn"
    if row.state == "succeeded":
        key = f"refund_by_{row.origin}" if row.origin in {"dispute", "reversal"} else "refund_done"
    facts: tuple[TimelineFact, ...] = (_amount(page_request, "amount", row.amount_minor, row.currency),)
    if row.credit_minor:
        facts += (_amount(page_request, "credit", row.credit_minor, row.currency),)
        key = "refund_as_credit" if row.state == "succeeded" and row.credit_minor == row.amount_minor else key
    at = row.ended_at or row.created_at
    shown = states.get(row.state, "waiting" if row.state in {"returned", "held"} else "live")
    address = addresses.fapiao.FAPIAO if row.state == "held" else None
    return Link("refund", shown, at, page_request.t(f"order.{key}"), str(row.id), address, facts)


def _amount(page_request: PageRequest, label: str, amount_minor: int, currency: str) -> TimelineFact:
    return TimelineFact(label, page_request.formats.money(money(amount_minor, currency)))


def departments(page_request: PageRequest, data: OrderPageData) -> tuple[Choice, ...]:
    """Whose spending it can be said to be: while its month lasts."""
    order, whose = data.order, data.purchase.department
    if order.paid_at is not None and order.paid_at < month_began(page_request.time_zone):
        return ()
    return department_choices(data.departments, page_request.language, whose.id if whose else None)
