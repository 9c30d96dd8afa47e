"""Sample view models in Chinese and English: coming in, and what becomes of memberships."""

from api.pages.account.views import (
    AccountView,
    InvitationLine,
    MemberShown,
    MembersView,
    OfferedOwnership,
    OpenSession,
    ReceivedInvitation,
)
from api.pages.frame.choices import country_choices
from api.pages.sign_in.views import OrganizationLeftView, SampleAccount, SignInView
from api.pages.sign_up.views import CompleteView, DeadLinkView, OrganizationTyped
from marketplace.access.ownership import KEPT_ROLES
from marketplace.access.permissions import ROLES
from tests.browser.preview.buying_samples import ID, NOW, Samples


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

    def members(self, *, handing_over: bool = False) -> MembersView:
        """An owner and a colleague with a long address; an invitation that did not arrive, or an offered ownership."""
        me = MemberShown(ID.format(61), self.pick("吴桐", "Wu Tong"), "wu@zhipin.example", ("owner",), True, NOW)
        address = "lin.zhixia.of.finance@yuanshan-technology.example"
        roles = ("finance", "purchaser", "approver")
        colleague = MemberShown(
            ID.format(62), self.pick("林知夏", "Lin Zhixia"), address, roles, False, NOW, "d0", self.departments()
        )
        open_one = InvitationLine(
            ID.format(64), "new@yuanshan.example", ("purchaser",), True, NOW, bounced="address_unknown"
        )
        offer = OfferedOwnership(ID.format(63), self.buyer, me.name, colleague.name, "viewer", NOW)
        return MembersView(
            members=(me, colleague),
            invitations=() if handing_over else (open_one,),
            roles=tuple(ROLES),
            may_hand_over=True,
            kept_roles=KEPT_ROLES,
            handing_over=offer if handing_over else None,
        )

    def account(self) -> AccountView:
        """Somebody who is invited elsewhere, and offered what they work for."""
        inviter = self.pick("吴桐", "Wu Tong")
        address = "/invitations/accept?token=sample"
        return AccountView(
            name=self.pick("林知夏", "Lin Zhixia"),
            email="lin@yuanshan.example",
            locale=self.language,
            sessions=(OpenSession(ID.format(65), True, "Safari · macOS", self.buyer, "2001:db8::", NOW),),
            may_leave=True,
            organization=self.buyer,
            roles=("finance", "purchaser"),
            invitations=(ReceivedInvitation(address, self.seller, ("viewer", "finance"), inviter, NOW),),
            offered=(OfferedOwnership(ID.format(63), self.buyer, inviter, "", "viewer", NOW),),
            bounced=None,
            has_second_factor=True,
            recovery_codes_left=8,
        )
