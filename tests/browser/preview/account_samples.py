"""Sample view models in Chinese and English: coming in, and what becomes of memberships."""

from api.pages.frame.choices import country_choices
from api.pages.sign_in.views import OrganizationLeftView, SampleAccount, SignInView
from api.pages.sign_up.views import CompleteView, DeadLinkView, OrganizationTyped
from tests.browser.preview.buying_samples import Samples


class AccountSamples(Samples):
    """Views in one language."""

    def dead_link(self) -> DeadLinkView:
        """A link that was followed too late."""
        return DeadLinkView("sign_up", "expired", "/sign-up", "wang.fang@lanchuan.example")

    def new_account(self) -> CompleteView:
        """The form behind a link that died while it was filled in."""
        return CompleteView(
            country_choices(self.language),
            "wang.fang@lanchuan.example",
            name=self.pick("王芳", "Wang Fang"),
            typed=OrganizationTyped(self.pick("岚川科技有限公司", "Lanchuan Technology"), tax_id="91310000MA1FL0000X"),
            error=self.pick("链接无效、已使用或已过期。", "The link is not valid, was used, or is too old."),
            link_died=True,
        )

    def organization_left(self) -> OrganizationLeftView:
        """Removed from one of two organizations."""
        return OrganizationLeftView(self.seller, self.buyer, ("purchaser", "finance"))

    def sign_in(self) -> SignInView:
        """The sandbox's sign-in."""
        return SignInView(
            samples=(
                SampleAccount("lin@yuanshan.example", self.buyer, "purchaser"),
                SampleAccount("chen@yuanshan.example", self.buyer, "approver"),
                SampleAccount("wu@zhipin.example", self.seller, "owner"),
                SampleAccount("ops@market.example", self.pick("平台", "Platform"), "operator"),
            )
        )
