"""Lists of dealers in the reader's words."""

from __future__ import annotations

from uuid import UUID

from api.pages.dealer_lists.views import (
    DealerFaultItem,
    DealerLineItem,
    DealerListRow,
    DealerListsView,
    DealerListView,
    InvitedItem,
)
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.phrases import reason
from api.pages.frame.site import PageRequest
from marketplace.relations.check_dealers import CheckedDealer
from marketplace.relations.dealer_list_queries import InvitedDealer, get_dealer_list, list_dealer_lists
from marketplace.relations.dealer_lists import MOST_MAILINGS
from marketplace.relations.partner_queries import list_tiers

MOST_WRONG = 50
"""Wrong lines to correct at once."""
MOST_LINES = 100
A_PAGE = 100
STATES = ("open", "used_up", "expired", "revoked")


def lists_view(page_request: PageRequest) -> DealerListsView:
    """The lists, newest first."""
    with page_request.work() as uow:
        found = list_dealer_lists(uow, cursor=page_request.query("cursor", most=200) or None)
        has_tiers = bool(list_tiers(uow))
    partners = addresses.partners
    return DealerListsView(
        rows=tuple(
            DealerListRow(
                one.name or page_request.t("dealer_lists.unnamed"),
                one.state,
                one.lines,
                one.wrong if one.state == "draft" else 0,
                one.ended_at or one.created_at,
                partners.dealer_list(str(one.id)),
            )
            for one in found.items
        ),
        has_tiers=has_tiers,
        next_address=addresses.next_page(partners.DEALER_LISTS, found.next_cursor),
    )


def list_view(page_request: PageRequest, list_id: UUID) -> DealerListView:
    """One list. Raises as `get_dealer_list`."""
    with page_request.work() as uow:
        found = get_dealer_list(uow, list_id)
        tiers = list_tiers(uow) if found.item.state == "draft" else []
    item, lines = found.item, [_line(page_request, one) for one in found.rows]
    asked = page_request.query("state", most=20) or ""
    shown = asked if asked in STATES else ""
    some = [one for one in found.invited if not shown or one.state == shown]
    start = _start(page_request)
    own = addresses.partners.dealer_list(str(item.id))
    more = {"state": shown, "from": str(start + A_PAGE)} if shown else {"from": str(start + A_PAGE)}
    return DealerListView(
        id=str(item.id),
        name=item.name or page_request.t("dealer_lists.unnamed"),
        state=item.state,
        total=item.lines,
        wrong=item.wrong,
        left_out=found.left_out,
        at=item.ended_at or item.created_at,
        mailings=item.mailings,
        mailed_at=item.mailed_at,
        may_mail=item.state == "sent" and item.mailings < MOST_MAILINGS and _waits(found.counts),
        wrong_lines=tuple(one for one in lines if one.faults)[:MOST_WRONG],
        lines=tuple(one for one in lines if not one.faults)[:MOST_LINES] if item.state != "sent" else (),
        tiers=tuple(Choice(one.code, page_request.pick(one.name, one.name_en)) for one in tiers),
        counts={state: found.counts[state] for state in STATES if found.counts.get(state)},
        shown=shown,
        invited=tuple(_invited(page_request, str(item.id), one) for one in some[start : start + A_PAGE]),
        more_address=addresses.with_query(own, **more) if len(some) > start + A_PAGE else "",
    )


def _waits(counts: dict[str, int]) -> bool:
    return bool(counts.get("open") or counts.get("expired"))


def _start(page_request: PageRequest) -> int:
    typed = page_request.query("from", most=5) or ""
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def _line(page_request: PageRequest, one: CheckedDealer) -> DealerLineItem:
    row = one.row
    faults = tuple(
        DealerFaultItem(fault.column, reason(page_request, fault.code, fault.params)) for fault in one.faults
    )
    return DealerLineItem(row.number, row.name, row.tax_id, row.email, row.tier, row.left_out, faults)


def _invited(page_request: PageRequest, list_id: str, one: InvitedDealer) -> InvitedItem:
    public = page_request.services.settings.public_url.rstrip("/")
    invitation_id, is_open, act = str(one.id), one.state == "open", addresses.partners.invited_dealer
    return InvitedItem(
        id=invitation_id,
        line=one.line,
        name=one.name,
        contact=" · ".join(said for said in (one.tax_id, one.email) if said),
        tier=page_request.pick(one.tier_name, one.tier_name_en),
        state=one.state,
        mailed_at=one.mailed_at,
        bounced=one.bounced or "" if is_open else "",
        link=f"{public}{addresses.partners.invitation(one.code)}" if is_open else "",
        mail=act(list_id, invitation_id, "mail") if one.email and one.state in ("open", "expired") else "",
        revoke=act(list_id, invitation_id, "revoke") if is_open else "",
    )
