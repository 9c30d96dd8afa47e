"""Cards that sell nothing, as pages show them: to answer, to edit, and to work through what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.seller.views import FunnelStep
from marketplace.response_cards.queries import CardFile, CardPage, OwnCard, ResponseRow


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A card with the form that answers it. `signed_in`: name and address are known; `may_answer`: the form is shown."""

    template: ClassVar[str] = "response_cards/card.html"
    active: ClassVar[str] = "feed"

    card: CardPage
    address: str
    video: str
    title: str
    text: str
    consent: str
    typed: Mapping[str, str]
    second: int
    signed_in: bool
    is_closed: bool
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class SentView:
    """The answer was taken; its receipt is on its way by mail."""

    template: ClassVar[str] = "response_cards/sent.html"
    active: ClassVar[str] = "feed"

    title: str
    owner_name: str
    video: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What somebody gave, as they see it again."""

    template: ClassVar[str] = "response_cards/receipt.html"
    active: ClassVar[str] = "feed"

    answer: ResponseRow
    title: str
    delete: str
    file: str
    learn: str


@dataclass(frozen=True, slots=True)
class CardEditView:
    """The editor of a card, new or present. `typed` is what stands in the form."""

    template: ClassVar[str] = "response_cards/edit.html"
    active: ClassVar[str] = "seller_videos"

    address: str
    video: str
    video_title: str
    duration_s: int
    kinds: tuple[str, ...]
    typed: Mapping[str, str]
    videos: tuple[Choice, ...]
    time_zone: str
    card: OwnCard | None = None
    funnel: tuple[FunnelStep, ...] = ()
    responses: str = ""
    remove: str = ""
    file_address: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""

    @property
    def file(self) -> CardFile | None:
        """Of a download."""
        return self.card.file if self.card else None


@dataclass(frozen=True, slots=True)
class ResponseItem:
    """An answer in its owner's list."""

    address: str
    kind: str
    title: str
    who: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ResponsesView:
    """Answers to the organization's cards."""

    template: ClassVar[str] = "response_cards/responses.html"
    active: ClassVar[str] = "card_responses"

    path: str
    states: tuple[str, ...]
    current: str
    rows: tuple[ResponseItem, ...]
    csv: str
    videos: str
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseView:
    """One of them. `states` are those it can be brought to."""

    template: ClassVar[str] = "response_cards/response.html"
    active: ClassVar[str] = "card_responses"

    row: ResponseRow
    title: str
    address: str
    erase: str
    back: str
    video: str
    states: tuple[str, ...]
    note: str
    said: tuple[tuple[str, str], ...] = field(default=())
    error: str = ""
    error_field: str = ""
    field_error: str = ""
