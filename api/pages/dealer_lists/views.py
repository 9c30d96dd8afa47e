"""Lists of dealers, as pages show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class DealerListRow:
    """A list in the list of them."""

    name: str
    state: str
    lines: int
    wrong: int
    at: datetime
    address: str


@dataclass(frozen=True, slots=True)
class DealerListsView:
    """The seller's lists, and the form that makes one. `has_tiers`: without one nobody can be invited."""

    template: ClassVar[str] = "dealer_lists/dealer_lists.html"
    active: ClassVar[str] = "seller_partners"

    rows: tuple[DealerListRow, ...]
    has_tiers: bool
    lines: str = ""
    name: str = ""
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class DealerFaultItem:
    """What is wrong in a column of a line, in words."""

    column: str
    text: str


@dataclass(frozen=True, slots=True)
class DealerLineItem:
    """A line as it was written."""

    number: int
    name: str
    tax_id: str
    email: str
    tier: str
    left_out: bool = False
    faults: tuple[DealerFaultItem, ...] = ()

    def is_wrong(self, column: str) -> bool:
        """Whether what is wrong is in this column."""
        return any(one.column == column for one in self.faults)


@dataclass(frozen=True, slots=True)
class InvitedItem:
    """Whom a line of a sent list invited; `link`, `mail` and `revoke` are empty where there is nothing to do by them."""

    id: str
    line: int
    name: str
    contact: str
    tier: str
    state: str
    mailed_at: datetime | None = None
    bounced: str = ""
    link: str = ""
    mail: str = ""
    revoke: str = ""


@dataclass(frozen=True, slots=True)
class DealerListView:
    """One list: of a draft its wrong lines to correct, then the button that sends it; of a sent one what became of each line."""

    template: ClassVar[str] = "dealer_lists/dealer_list.html"
    active: ClassVar[str] = "seller_partners"

    id: str
    name: str
    state: str
    total: int
    wrong: int
    left_out: int
    at: datetime
    mailings: int = 0
    mailed_at: datetime | None = None
    may_mail: bool = False
    wrong_lines: tuple[DealerLineItem, ...] = ()
    lines: tuple[DealerLineItem, ...] = ()
    tiers: tuple[Choice, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    shown: str = ""
    """The state that the invitations are narrowed to; empty for all."""
    invited: tuple[InvitedItem, ...] = ()
    more_address: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
