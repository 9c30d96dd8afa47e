"""From a dispute as it is read to what its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from api.pages.disputes.views import (
    PAGES,
    AssignableLine,
    DisputeFile,
    DisputePageView,
    DisputePartItem,
    DisputeRowItem,
)
from api.pages.frame import addresses
from api.pages.frame.dispute_addresses import DisputeSide
from api.pages.frame.phrases import failure, money
from api.pages.frame.site import PageRequest
from billing.disputes.models import Dispute
from kernel import clock
from kernel.errors import DomainError
from orders.disputes.compose import chosen_documents, compose_evidence, documents_of
from orders.disputes.queries import DisputeCaseView, DisputedPart, assignable_lines, get_dispute
from orders.disputes.say import MAX_DOCUMENT_BYTES, Side

_SAYS = {"buyer": "orders.buy", "seller": "billing.manage"}


def dispute_row(side: DisputeSide, one: DisputeCaseView) -> DisputeRowItem:
    """One in its side's list."""
    numbers = tuple(dict.fromkeys(part.order_number for part in one.parts))
    names = [part.seller_name if side == "buyer" else part.buyer_name for part in one.parts]
    if side == "operator":
        names += [part.seller_name for part in one.parts]
    deadline = one.due_by if side == "operator" else one.answer_by
    waits = one.state == "open" and one.submitted_at is None
    return DisputeRowItem(
        address=addresses.disputes.one_of(side, str(one.id)),
        orders=numbers,
        parties=" · ".join(dict.fromkeys(names)),
        reason=one.reason,
        state=one.state,
        amount=money(one.amount_minor, one.currency),
        left_s=_left_s(deadline) if waits else None,
        is_sent=one.submitted_at is not None,
    )


@dataclass(frozen=True, slots=True)
class DisputeTyped:
    """What was typed before a refusal; none where nothing was."""

    words: str | None = None
    withdraws: bool = False
    text: str | None = None
    chosen: Sequence[str] | None = None
    lines: Mapping[str, str] = field(default_factory=dict)


NOTHING_TYPED = DisputeTyped()


def dispute_page(
    page_request: PageRequest,
    dispute_id: UUID,
    side: Side | None,
    typed: DisputeTyped = NOTHING_TYPED,
    refused: DomainError | None = None,
) -> DisputePageView:
    """One dispute for its side; after a refusal with what was typed."""
    may = page_request.principal.may
    with page_request.work() as uow:
        found = get_dispute(uow, dispute_id, side=side)
        names = _names(found)
        may_send = side is None and may("operator.payouts") and found.state == "open" and not _is_told(found)
        composed, ticked = "", set[str]()
        lines: tuple[AssignableLine, ...] = ()
        if may_send:
            composed = (
                compose_evidence(uow, uow.session.get_one(Dispute, dispute_id)) if typed.text is None else typed.text
            )
            ticked = {str(one.id) for one in chosen_documents(documents_of(uow, dispute_id))}
        if side is None and may("operator.payouts") and found.state == "open" and found.basis == "pro_rata":
            lines = tuple(
                AssignableLine(
                    id=str(line.line_id),
                    order_number=line.order_number,
                    title=page_request.pick(line.title, line.title_en),
                    seller_name=line.seller_name,
                    gross=money(line.amount_minor, found.currency),
                    typed=typed.lines.get(f"line-{line.line_id}", ""),
                )
                for line in assignable_lines(uow, dispute_id)
            )
    shown: DisputeSide = side or "operator"
    own = next((one for one in found.words if one.side == side and one.org_id == page_request.principal.org_id), None)
    return PAGES[shown](
        side=shown,
        found=found,
        here=addresses.disputes.one_of(shown, str(found.id)),
        amount=money(found.amount_minor, found.currency),
        frozen=money(found.frozen_minor, found.currency),
        fee=money(found.fee_minor, found.fee_currency) if found.fee_currency else None,
        loss=money(found.loss_minor, found.currency),
        loss_left=money(found.loss_left_minor, found.currency),
        parts=tuple(_part(page_request, shown, part, found.currency) for part in found.parts),
        files=_files(found, shown, names, set(typed.chosen) if typed.chosen is not None else ticked),
        names=names,
        may_say=side is not None and found.is_answerable and may(_SAYS[side]),
        may_send=may_send,
        text=composed,
        lines=lines,
        words=typed.words if typed.words is not None else (own.words if own else ""),
        withdraws=typed.withdraws if typed.words is not None else bool(own and own.withdraws),
        max_bytes=MAX_DOCUMENT_BYTES,
        error=failure(page_request, refused) if refused else None,
        error_field=(getattr(refused, "field", None) or "") if refused else "",
    )


def _files(
    found: DisputeCaseView, side: DisputeSide, names: Mapping[str, str], ticked: set[str]
) -> tuple[DisputeFile, ...]:
    return tuple(
        DisputeFile(
            id=str(one.id),
            side=one.side,
            name=one.file_name,
            size_bytes=one.size_bytes,
            address=addresses.disputes.document(side, str(found.id), str(one.id)),
            who=names.get(str(one.org_id), ""),
            ticked=str(one.id) in ticked,
        )
        for one in found.documents
    )


def _names(found: DisputeCaseView) -> dict[str, str]:
    """Whoever says or shows something, as the orders name it."""
    names = {str(part.seller_org_id): part.seller_name for part in found.parts}
    buyers = {one.org_id for one in found.words if one.side == "buyer"}
    buyers |= {one.org_id for one in found.documents if one.side == "buyer"}
    return names | {str(org_id): found.parts[0].buyer_name for org_id in buyers if found.parts}


def _is_told(found: DisputeCaseView) -> bool:
    return found.submitted_at is not None or any(one.state != "failed" for one in found.sent)


def _left_s(at: datetime) -> int:
    return int((at - clock.now()).total_seconds())


def _part(page_request: PageRequest, side: DisputeSide, part: DisputedPart, currency: str) -> DisputePartItem:
    names = {"buyer": [part.seller_name], "seller": [part.buyer_name]}.get(side, [part.buyer_name, part.seller_name])
    order_id = str(part.order_id)
    return DisputePartItem(
        address=addresses.order(order_id) if side == "buyer" else addresses.trace(order_id),
        order_number=part.order_number,
        parties=" · ".join(names),
        title=page_request.pick(part.title, part.title_en),
        amount=money(part.amount_minor, currency),
    )
