"""What happens in a market's past: each act is one step, done at its instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Seen = Literal["bought_inside", "clicked", "viewed", "never"]
"""How the buyer came to what it bought: in the player, after a click, after a view, or without a video."""


@dataclass(frozen=True, slots=True)
class Join:
    """An organization registers; a seller lists its products, too."""

    organization: str


@dataclass(frozen=True, slots=True)
class Post:
    """A clip is uploaded and published."""

    clip: str


@dataclass(frozen=True, slots=True)
class Browse:
    """Visitors look at videos for a day. `seed` decides at which."""

    seed: int


@dataclass(frozen=True, slots=True)
class Buy:
    """A purchase. It is found again by its buyer and PO number."""

    buyer: str
    po_number: str
    product: str
    quantity: int = 1
    method: str = "sbx_ok"
    clip: str | None = None
    seen: Seen = "never"
    coupon: str = ""
    gateway: str = "sandbox"


@dataclass(frozen=True, slots=True)
class Decide:
    """The approver decides, if the purchase waits for that."""

    buyer: str
    po_number: str
    reason: str | None = None
    """Of a rejection; None approves."""


@dataclass(frozen=True, slots=True)
class PayAgain:
    """After a failed payment, another method."""

    buyer: str
    po_number: str


@dataclass(frozen=True, slots=True)
class Accept:
    """The buyer accepts a service."""

    buyer: str
    po_number: str


@dataclass(frozen=True, slots=True)
class AskRefund:
    """The buyer asks for money back: `percent` of the order, 100 for all that is left."""

    buyer: str
    po_number: str
    percent: int
    reason: str


@dataclass(frozen=True, slots=True)
class AskBack:
    """A step about money that is asked back after the window; what is done says which of the three sides does it.

    `percent` of the order: what is asked for, or granted.
    """

    buyer: str
    po_number: str
    product: str
    does: Literal["ask", "grant", "refuse", "escalate", "reject", "withdraw"]
    words: str = ""
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Service:
    """What people do for each other after something was bought."""

    buyer: str


@dataclass(frozen=True, slots=True)
class Serve(Service):
    """A service is taken on by its seller; a milestone of it (`number` counts from 1) delivered, accepted or sent back."""

    po_number: str
    product: str
    number: int
    does: Literal["take_on", "deliver", "accept", "rework"]
    words: str = ""


@dataclass(frozen=True, slots=True)
class GiveSeats(Service):
    """Members of the buyer, by their roles, are given seats of what was bought under a PO number."""

    po_number: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WatchLesson(Service):
    """A member comes so far in a lesson of a course (`lesson` counts from 1)."""

    product: str
    role: str
    lesson: int
    percent: int


@dataclass(frozen=True, slots=True)
class Use:
    """A seller reports usage of what was bought under a PO number."""

    product: str
    po_number: str
    dimension: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Behave:
    """A seller's system works from now on, refuses, or fails."""

    vendor: str
    how: Literal["well", "refuses", "fails"]


@dataclass(frozen=True, slots=True)
class PayOuts:
    """The operator pays the closed statements, but for those of `not_yet`; `closed_account`: whose bank refuses."""

    not_yet: tuple[str, ...] = ()
    closed_account: str | None = None


Words = tuple[str, str]
"""The same in Chinese and in English: said in the buyer's language."""


@dataclass(frozen=True, slots=True)
class Talk:
    """Something between a buyer and the seller of a product."""

    buyer: str
    product: str


@dataclass(frozen=True, slots=True)
class RequestTalk(Talk):
    """About the buyer's latest request."""


@dataclass(frozen=True, slots=True)
class PublicTalk(Talk):
    """In everybody's sight: about the buyer's review, or its question."""


@dataclass(frozen=True, slots=True)
class Ask(RequestTalk):
    """The buyer asks for a demo, a quote or advice. `slot`: which of the seller's free times it books, -1 for the last."""

    kind: Literal["demo", "quote", "consult"]
    words: Words
    quantity: int | None = None
    slot: int | None = None
    clip: str | None = None
    gives_contact: bool = False


@dataclass(frozen=True, slots=True)
class Reply(RequestTalk):
    """One side writes to the other; with a note the seller takes care of the request from now on."""

    by_seller: bool
    words: Words
    note: str = ""


@dataclass(frozen=True, slots=True)
class OfferPrice(RequestTalk):
    """The seller offers what was asked for, so much cheaper, for so many days."""

    discount_ppm: int
    days: int


@dataclass(frozen=True, slots=True)
class TakeBack(RequestTalk):
    """The seller takes its offer back."""


@dataclass(frozen=True, slots=True)
class TakeOffer(RequestTalk):
    """The buyer buys at the offered price."""

    po_number: str


@dataclass(frozen=True, slots=True)
class GiveUp(RequestTalk):
    """The request comes to nothing: lost to the seller, or withdrawn by the buyer."""

    by_seller: bool


@dataclass(frozen=True, slots=True)
class GiveStars(PublicTalk):
    """The buyer reviews the product, or changes what it said."""

    stars: int
    words: Words


@dataclass(frozen=True, slots=True)
class AnswerReview(PublicTalk):
    """The seller answers the buyer's review."""

    words: Words


@dataclass(frozen=True, slots=True)
class ReportReview(PublicTalk):
    """Another buyer reports it to the platform."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wonder(PublicTalk):
    """The buyer asks a question in everybody's sight."""

    words: Words


@dataclass(frozen=True, slots=True)
class Explain(PublicTalk):
    """The seller answers it."""

    words: Words


@dataclass(frozen=True, slots=True)
class GiveDemos:
    """A seller says at which hours it gives demos: on working days."""

    seller: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """A seller takes a share off a product for so many days: for whoever names the code, without one for everybody."""

    product: str
    name: str
    percent_ppm: int
    days: int
    code: str = ""
    most_uses: int | None = None


@dataclass(frozen=True, slots=True)
class Ally:
    """A product's seller has two tiers with prices for it, and asks a buyer into the higher one."""

    product: str
    buyer: str


@dataclass(frozen=True, slots=True)
class Agree:
    """The buyer agrees to be the partner of whoever asked it."""

    buyer: str


@dataclass(frozen=True, slots=True)
class AskPromoters:
    """A product's seller has a plan for everybody who promotes it and a better one, into which it asks promoters."""

    product: str
    promoters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TakePart:
    """The promoter says yes to a seller that asked it."""

    promoter: str


@dataclass(frozen=True, slots=True)
class OfferPartners:
    """A product's seller offers it to its higher tier for so many days: each partner in it may accept once."""

    product: str
    quantity: int
    discount_ppm: int
    days: int
    words: Words


@dataclass(frozen=True, slots=True)
class Deputise:
    """A buyer's approver is away for two weeks: the owner decides. More rules of buying come with it."""

    buyer: str


@dataclass(frozen=True, slots=True)
class Confide:
    """A clip is shown to one partner alone from now on."""

    clip: str
    partner: str


@dataclass(frozen=True, slots=True)
class Banking:
    """Where transfers are taken: something between the platform, its bank and those who pay by it (`bank_acts`)."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The scheduler does what is due."""


Act = (
    Join
    | Post
    | Browse
    | Buy
    | Decide
    | PayAgain
    | Accept
    | AskRefund
    | AskBack
    | Service
    | Use
    | Behave
    | PayOuts
    | RequestTalk
    | PublicTalk
    | GiveDemos
    | Reduce
    | Ally
    | Agree
    | AskPromoters
    | TakePart
    | Deputise
    | Confide
    | OfferPartners
    | Banking
    | Tick
)


@dataclass(frozen=True, slots=True)
class Step:
    """An act and its instant."""

    at: datetime
    act: Act
