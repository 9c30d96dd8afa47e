"""Sample views of kept payment methods."""

from __future__ import annotations

from datetime import timedelta

from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from api.pages.payment_methods.views import PaymentMethodItem, PaymentMethodsView
from tests.browser.preview.buying_samples import ID, NOW
from tests.browser.preview.selling_samples import DeskSamples


def buyers_pages(s: DeskSamples) -> dict[str, View]:
    """The buyer's pages by name."""
    unionpay = s.pick("银联 •••• 0005", "UnionPay •••• 0005")
    kept = (
        PaymentMethodItem(
            ID.format(80),
            "Visa •••• 4242",
            "Stripe",
            "12/2031",
            has_expired=False,
            is_default=True,
            kept_at=NOW - timedelta(days=40),
            pays=(s.pick("招聘专业版", "Recruiting Pro"), s.pick("考勤团队版", "Attendance for teams")),
            others=(Choice(ID.format(81), unionpay),),
        ),
        PaymentMethodItem(
            ID.format(81), unionpay, "Stripe", "03/2026", has_expired=True, is_default=False, kept_at=NOW
        ),
    )
    stripe = (Choice("stripe", "Stripe"),)
    refused = s.pick(
        "此支付方式正用于支付 2 项订阅。没有移除，订阅照常。请选择另一种支付方式来替代后再移除。",
        "Subscriptions are paid by this method: 2. It was not removed, and they go on. Choose another that takes its place.",
    )
    return {
        "payment-methods": PaymentMethodsView(kept, stripe, may_change=True),
        "payment-methods-refused": PaymentMethodsView(kept, stripe, may_change=True, error=refused),
        "payment-methods-none": PaymentMethodsView((), stripe, may_change=True),
        "payment-methods-nowhere": PaymentMethodsView((), (), may_change=True),
    }
