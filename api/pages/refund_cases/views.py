"""Money that is asked back after the window, as its three sides see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from api.pages.subscriptions.views import LifeEntry
from kernel.money import Money

Side = Literal["buyer", "seller", "operator"]


@dataclass(frozen=True, slots=True)
class RefundCaseItem:
    """One in a list. ``waits``: the reader is the one it waits for. ``others``: the names of the other sides."""

    address: str
    what: str
    order_number: str
    others: str
    state: str
    asked: Money
    granted: Money | None
    deadline_at: datetime | None
    asked_at: datetime
    waits: bool


@dataclass(frozen=True, slots=True)
class RefundCasesView:
    """A buyer's requests; ``state`` is the filter in the address ("" for all)."""

    template: ClassVar[str] = "refund_cases/cases.html"
    active: ClassVar[str] = "refund_cases"
    side: ClassVar[Side] = "buyer"

    rows: tuple[RefundCaseItem, ...]
    states: tuple[str, ...] = ()
    state: str = ""
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class SellerRefundCasesView(RefundCasesView):
    """What customers ask back."""

    active: ClassVar[str] = "seller_refund_cases"
    side: ClassVar[Side] = "seller"


@dataclass(frozen=True, slots=True)
class OperatorRefundCasesView(RefundCasesView):
    """What waits for the operator's decision, the longest first."""

    active: ClassVar[str] = "operator_refund_cases"
    side: ClassVar[Side] = "operator"


@dataclass(frozen=True, slots=True)
class RefundAskView:
    """The form by which money of an order is asked back; what was typed and refused is kept."""

    template: ClassVar[str] = "refund_cases/ask.html"
    active: ClassVar[str] = "orders"

    order_id: str
    order_number: str
    what: str
    seller_name: str
    most: Money
    days: int
    words_most: int
    amount: str
    reason: str = ""
    error: str = ""
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class RefundEvidenceItem:
    """A document of either side."""

    address: str
    file_name: str
    size_bytes: int
    side: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundCasePage:
    """One case for its buyer: whose turn it is until when, what both sides said and show, and what can be done now.

    ``refused``: the form (`decide`, `escalate`, `evidence`, `withdraw`) that was refused, with what was typed into it.
    """

    template: ClassVar[str] = "refund_cases/case.html"
    active: ClassVar[str] = "refund_cases"
    side: ClassVar[Side] = "buyer"

    id: str
    what: str
    order_number: str
    order_address: str
    buyer_name: str
    seller_name: str
    state: str
    asked: Money
    left: Money
    granted: Money | None
    deadline_at: datetime | None
    is_disputed: bool
    is_owed: bool
    course: tuple[LifeEntry, ...]
    evidence: tuple[RefundEvidenceItem, ...]
    most_evidence: int
    max_bytes: int
    words_most: int
    may_decide: bool = False
    may_escalate: bool = False
    may_withdraw: bool = False
    may_show: bool = False
    amount: str = ""
    words: str = ""
    refused: str = ""
    error: str = ""
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class SellerRefundCasePage(RefundCasePage):
    """One for its seller, who decides it first."""

    active: ClassVar[str] = "seller_refund_cases"
    side: ClassVar[Side] = "seller"


@dataclass(frozen=True, slots=True)
class OperatorRefundCasePage(RefundCasePage):
    """One for the operator, who decides what the two do not agree on."""

    active: ClassVar[str] = "operator_refund_cases"
    side: ClassVar[Side] = "operator"
