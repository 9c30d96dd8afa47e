"""Sample views of documents that are sent on: the form, what was sent, and what the link in a mail opens."""

from __future__ import annotations

from datetime import timedelta

from api.pages.frame.rendering import View
from api.pages.invoice_forwards.views import ForwardableItem, ForwardedView, ForwardItem, ForwardsView, NewForwardView
from tests.browser.preview.buying_samples import ID, NOW, Samples, cny


def documents(s: Samples) -> tuple[ForwardableItem, ...]:
    """An invoice, and a credit note that is still being drawn."""
    return (
        ForwardableItem(ID.format(80), "INV-2026-000912", s.seller, NOW.date(), cny(398_000)),
        ForwardableItem(ID.format(83), "CN-2026-000031", s.seller, NOW.date(), cny(-63_600), False),
    )


def buyers_pages(s: Samples) -> dict[str, View]:
    """What finance sees."""
    sent = tuple(
        ForwardItem(
            ID.format(90 + n),
            to,
            s.pick("陈晓", "Xiao Chen"),
            2 - n % 2,
            "INV-2026-000912",
            state,
            NOW - timedelta(days=n * 9),
            NOW + timedelta(days=14 - n * 9),
        )
        for n, (to, state) in enumerate(
            (("books@accountants.example", "open"), ("old@accountants.example", "revoked"), ("a@b.example", "expired"))
        )
    )
    refused = s.pick(
        "邮箱地址不正确。没有数据被改动。请检查拼写后重试。",
        "The e-mail address is not valid. Nothing was changed. Check its spelling and try again.",
    )
    return {
        "invoice-forward": NewForwardView(documents(s), 14, ID.format(1)),
        "invoice-forward-refused": NewForwardView(documents(s), 14, ID.format(1), "books@", refused, "to"),
        "invoice-forwards": ForwardsView(sent, may_revoke=True),
        "invoice-forwards-none": ForwardsView((), may_revoke=True),
    }


def opened(s: Samples) -> View:
    """What the link opens."""
    return ForwardedView(s.buyer, NOW + timedelta(days=13), documents(s), "token")
