"""An organization's referral link and whom it brought; what whoever opens the link reads."""

from __future__ import annotations

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC
from api.pages.frame import addresses, referral_addresses
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from api.pages.referrals.followed_referral import remember_referral
from api.pages.referrals.views import ReferralItem, ReferralsView, ReferredView
from marketplace.referrals.refer import PERMISSION, find_own_referral_link, get_referrer, own_referral_link
from orders.referrals import list_referrals

Answer = Response[str] | Response[bytes]


@page(referral_addresses.REFERRALS, PERMISSION)
def show_referrals(page_request: Given[PageRequest]) -> Answer:
    """The link, and whom it brought."""
    with page_request.work() as uow:
        code = find_own_referral_link(uow)
        found = list_referrals(uow, cursor=page_request.query("cursor", most=200) or None)
    public = page_request.services.settings.public_url.rstrip("/")
    view = ReferralsView(
        rows=tuple(
            ReferralItem(
                one.name, one.state, one.registered_at, one.first_sold_at or one.first_bought_at or one.registered_at
            )
            for one in found.items
        ),
        action=referral_addresses.REFERRALS,
        link=f"{public}{referral_addresses.referral_link(code)}" if code else "",
        next_address=addresses.next_page(referral_addresses.REFERRALS, found.next_cursor),
    )
    return page_request.render(view)


@form_post(referral_addresses.REFERRALS, PERMISSION)
def make_referral_link(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make the link; pressed twice, it is the same one."""
    del form
    page_request.transact(own_referral_link)
    return page_request.redirect(referral_addresses.REFERRALS, notice="referral_link_made")


@page("/referral-links/{code:str}", PUBLIC)
def show_referral_link(code: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """Whose link it is. A visitor's browser remembers it until they sign up."""
    with page_request.work() as uow:
        referrer = get_referrer(uow, code)
    signed_in = page_request.signed_in
    view = ReferredView(referrer.name, signed_in.organization.display_name if signed_in is not None else "")
    answer = page_request.render(view, headers={**NOT_INDEXED, "Referrer-Policy": "no-referrer"})
    if signed_in is None and (cookie := remember_referral(page_request.request, code)) is not None:
        answer.set_cookie(cookie)
    return answer


routes = [show_referrals, make_referral_link, show_referral_link]
