"""Referrals: the organization's page, before and after its link was made, and what whoever opens it reads."""

from __future__ import annotations

from api.pages.referrals.views import ReferralItem, ReferralsView, ReferredView
from tests.browser.preview.buying_samples import NOW
from tests.browser.preview.selling_samples import DeskSamples


def referrals(s: DeskSamples) -> ReferralsView:
    """One has registered, one bought, one sold."""
    rows = (
        ReferralItem(s.pick("北辰人力科技", "Beichen Hiring"), "registered", NOW, NOW),
        ReferralItem(s.pick("海港科技", "Harbor Technology"), "bought", NOW, NOW),
        ReferralItem(s.pick("云帆软件", "Yunfan Software"), "sold", NOW, NOW),
    )
    return ReferralsView(rows, "/referrals", "https://market.example/referral-links/n3Kx0uQ2v8pTz1Yw")


def no_referrals(s: DeskSamples) -> ReferralsView:
    """There is no link yet."""
    del s
    return ReferralsView((), "/referrals")


def referred(s: DeskSamples) -> ReferredView:
    """What a visitor reads."""
    return ReferredView(s.pick("远山制造", "Yuanshan"))
