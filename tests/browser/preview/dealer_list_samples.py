"""Lists of dealers: the list with its form, one with wrong lines, one that is right, one that was sent."""

from __future__ import annotations

from dataclasses import replace

from api.pages.dealer_lists.views import (
    DealerFaultItem,
    DealerLineItem,
    DealerListRow,
    DealerListsView,
    DealerListView,
    InvitedItem,
)
from api.pages.frame.choices import Choice
from tests.browser.preview.buying_samples import NOW
from tests.browser.preview.selling_samples import DeskSamples

LINK = "https://market.example/partner-invitations/n3Kx0uQ2v8pTz1YwR7sLdA"


def dealer_lists(s: DeskSamples) -> DealerListsView:
    """A draft with wrong lines, one that was sent, one that was discarded."""
    rows = (
        DealerListRow("dealers-of-north-and-east-china-2026.xlsx", "draft", 3_000, 7, NOW, "/1"),
        DealerListRow(s.pick("华南经销商", "South"), "sent", 42, 0, NOW, "/2"),
        DealerListRow("test.csv", "discarded", 1, 0, NOW, "/3"),
    )
    return DealerListsView(rows, has_tiers=True)


def wrong_dealers(s: DeskSamples) -> DealerListView:
    """Two of the lines are to be corrected."""
    tier = s.pick(
        "没有名为“铂金”的等级。 请填写您的等级代码或名称，或剔除这一行。",
        "You have no tier called “platinum”. Write the code or the name of one of your tiers, or leave the line out.",
    )
    contact = s.pick(
        "税号和邮箱都没有填写。 请至少填写一项，或剔除这一行。",
        "There is neither a tax id nor a mail address. Write one of them, or leave the line out.",
    )
    north, south = s.pick("哈尔滨北方贸易", "Harbin North Trade"), s.pick("广州南方科技", "Guangzhou South")
    return DealerListView(
        "1",
        "dealers-of-north-and-east-china-2026.xlsx",
        "draft",
        3_000,
        7,
        2,
        NOW,
        wrong_lines=(
            DealerLineItem(
                17, north, "91330100799655058B", "", s.pick("铂金", "platinum"), faults=(DealerFaultItem("tier", tier),)
            ),
            DealerLineItem(118, south, "", "", "GOLD", faults=(DealerFaultItem("tax_id", contact),)),
        ),
        lines=(
            DealerLineItem(2, north, "", "buying@north.example", "GOLD"),
            DealerLineItem(3, south, "91330100799655058B", "", "SILVER", left_out=True),
        ),
        tiers=(Choice("GOLD", s.pick("金牌", "Gold")),),
    )


def right_dealers(s: DeskSamples) -> DealerListView:
    """Every line is right."""
    return replace(wrong_dealers(s), wrong=0, wrong_lines=())


def sent_dealers(s: DeskSamples) -> DealerListView:
    """One accepted, one did not answer, of one the mail came back."""
    gold = s.pick("金牌", "Gold")
    north, south = s.pick("哈尔滨北方贸易", "Harbin North Trade"), s.pick("广州南方科技", "Guangzhou South")
    open_ = InvitedItem("i1", 2, north, "buying@north.example", gold, "open", NOW, "", LINK, "/mail", "/revoke")
    invited = (
        open_,
        InvitedItem("i2", 3, south, "91330100799655058B · a@south.example", gold, "used_up", NOW),
        replace(open_, id="i3", line=4, name=s.pick("东方软件", "East Software"), bounced="address_unknown"),
    )
    counts = {"open": 2, "used_up": 1}
    return replace(
        wrong_dealers(s), state="sent", wrong=0, wrong_lines=(), lines=(), invited=invited, counts=counts, may_mail=True
    )
