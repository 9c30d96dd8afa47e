"""The feed and its player."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from api.pages.frame.link_preview import LinkPreview
from api.pages.frame.partner_prices import OwnPrice
from api.pages.frame.prices import Per
from kernel.money import Money
from marketplace.catalog.show_reliability import Reliability
from marketplace.placements.claim_checks import TRIAL
from marketplace.service_windows.response_time import ResponseTime

Verdict = Literal["kept", "differs", "no_trial", "trial_used"]


@dataclass(frozen=True, slots=True)
class FeedCard:
    """A placement: shown from ``from_s`` up to ``to_s`` seconds of its video.

    ``cta`` is one of ``publishing.edit_placements.ACTIONS``. ``owned`` means the viewer's organization already has it.
    """

    placement_id: str
    listing_id: str
    from_s: int
    to_s: int
    cta: str
    listing_name: str
    plan_name: str
    seller_name: str
    price: Money | None
    per: Per
    owned: bool = False
    sold_by_seat: bool = False
    rating_tenths: int | None = None
    rating_count: int = 0
    reliability: Reliability | None = None
    response_time: ResponseTime | None = None
    own: OwnPrice | None = None
    """What the viewer's organization pays as a partner."""
    promotion: str = ""
    """What is off its price at the moment, and until when."""


@dataclass(frozen=True, slots=True)
class FeedResponseCard:
    """A card that sells nothing: shown from ``from_s`` up to ``to_s``; it is answered at its address."""

    id: str
    address: str
    kind: str
    title: str
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class FeedClaim:
    """Something said in the video at a second, and whether what is sold keeps it.

    `no_trial`: the plan has the trial that was promised, but this purchase begins none and is charged from the start;
    `trial_used`: because the organization has had its own.
    """

    second: int
    text: str
    verdict: Verdict


def verdict_of(kind: str, ok: bool, *, tried: bool = True) -> Verdict:  # noqa: FBT001 - what the plan says of the claim
    """What a buyer is told of a claim of this kind which the plan keeps, or not; `tried`: not of a purchase without a trial."""
    if not ok:
        return "differs"
    return "no_trial" if kind == TRIAL and not tried else "kept"


@dataclass(frozen=True, slots=True)
class FeedCaptions:
    """Captions in a language, which has a `name` for itself; `chosen` are the reader's own from the start."""

    language: str
    name: str
    src: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FeedChapter:
    """Where a part of the video begins, and what it is about."""

    second: int
    title: str


@dataclass(frozen=True, slots=True)
class FeedVideo:
    """One video of the feed. ``src`` and ``poster`` are addresses (signed where the video is not public)."""

    id: str
    title: str
    channel_id: str
    channel_name: str
    src: str
    poster: str
    width: int
    height: int
    duration_s: int
    cards: tuple[FeedCard, ...] = ()
    claims: tuple[FeedClaim, ...] = ()
    description: str = ""
    followed: bool = False
    likes: int = 0
    liked: bool = False
    captions: tuple[FeedCaptions, ...] = ()
    chapters: tuple[FeedChapter, ...] = ()
    #: The reasons for its place in the feed, in words.
    why: tuple[str, ...] = ()
    response_cards: tuple[FeedResponseCard, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedView:
    """The vertical feed, of one channel where it is named.

    ``start_s`` opens the first video at that second; ``next_address`` loads more without script.
    """

    template: ClassVar[str] = "feed/feed.html"
    active: ClassVar[str] = "feed"

    videos: tuple[FeedVideo, ...]
    start_s: int = 0
    share: str | None = None
    channel_name: str = ""
    next_address: str | None = None
    preview: LinkPreview | None = None
    #: Only of channels that one follows.
    followed: bool = False
    #: Where the live sessions of the one channel are.
    live_address: str = ""
    #: Where the link of the one channel is, and its poster.
    share_address: str = ""
    #: Where its seller is asked to get in touch; empty where it has nothing on sale, and on one's own.
    contact_address: str = ""
