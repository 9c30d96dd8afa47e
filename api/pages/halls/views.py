"""Exhibition halls as pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.products.views import ProductItem


@dataclass(frozen=True, slots=True)
class HallItem:
    """A hall in a list, and at the head of its pages."""

    id: str
    title: str
    organizer: str
    about: str
    phase: str
    visibility: str
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class BoothItem:
    """A booth in a hall. `address`: where the reader sees it."""

    id: str
    number: int
    exhibitor: str
    state: str
    words: str
    shows: int
    address: str


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One thing of an agenda. `video`: where it is watched."""

    id: str
    starts_at: datetime
    ends_at: datetime
    title: str
    speaker: str
    video: str


@dataclass(frozen=True, slots=True)
class ShownVideo:
    """A video of a booth."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class HallsView:
    """Halls that everybody may see, and those that the reader has a badge for."""

    template: ClassVar[str] = "halls/halls.html"
    active: ClassVar[str] = "halls"

    rows: tuple[HallItem, ...]
    badges: tuple[HallItem, ...] = ()
    may_organize: bool = False
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class HallPage:
    """A hall with its booths and agenda. `badge`: the reader is registered."""

    template: ClassVar[str] = "halls/hall.html"
    active: ClassVar[str] = "halls"

    hall: HallItem
    booths: tuple[BoothItem, ...]
    agenda: tuple[AgendaRow, ...]
    zone: str
    badge: bool = False
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class BoothPage:
    """A booth. `exchange`: where the reader's badge stands with it: "", asked, given, declined, revoked."""

    template: ClassVar[str] = "halls/booth.html"
    active: ClassVar[str] = "halls"

    hall: HallItem
    id: str
    exhibitor: str
    words: str
    channel: str
    products: tuple[ProductItem, ...]
    videos: tuple[ShownVideo, ...]
    consent: str
    consent_version: str
    badge: bool
    is_own: bool
    exchange: str = ""
    choices: tuple[Choice, ...] = ()
    text: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class BadgeTyped:
    """The form of a registration, as it was typed."""

    name: str = ""
    company: str = ""
    job_title: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeItem:
    """A booth that asked for the reader's badge or has it."""

    id: str
    exhibitor: str
    state: str
    by_exhibitor: bool
    at: datetime
    booth: str
    request: str


@dataclass(frozen=True, slots=True)
class BadgePage:
    """The reader's badge with its code, and who has it; or the form that registers (`code` is empty)."""

    template: ClassVar[str] = "halls/badge.html"
    active: ClassVar[str] = "halls"

    hall: HallItem
    typed: BadgeTyped
    consent: str
    consent_version: str
    code: str = ""
    qr_code: str = ""
    contact: tuple[str, ...] = ()
    agreed: str = ""
    exchanges: tuple[ExchangeItem, ...] = ()
    exchange_consent: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class ScanPage:
    """What an exhibitor sees who read a badge: at which of its booths it asks."""

    template: ClassVar[str] = "halls/scan.html"
    active: ClassVar[str] = "own_halls"

    code: str
    booths: tuple[Choice, ...]
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class HallTyped:
    """The form of a hall, as it was typed; instants in the organizer's zone."""

    title: str = ""
    title_en: str = ""
    about: str = ""
    about_en: str = ""
    visibility: str = "public"
    opens_at: str = ""
    closes_at: str = ""


@dataclass(frozen=True, slots=True)
class AgendaTyped:
    """The form of one thing of an agenda, as it was typed."""

    starts_at: str = ""
    ends_at: str = ""
    title: str = ""
    title_en: str = ""
    speaker: str = ""
    video_id: str = ""


@dataclass(frozen=True, slots=True)
class InvitationItem:
    """A booth of the reader's in somebody's hall."""

    id: str
    state: str
    hall: HallItem
    address: str


@dataclass(frozen=True, slots=True)
class OwnHallsView:
    """The halls that the reader organizes, its booths, and the form that opens another."""

    template: ClassVar[str] = "halls/own_halls.html"
    active: ClassVar[str] = "own_halls"

    rows: tuple[HallItem, ...]
    booths: tuple[InvitationItem, ...]
    typed: HallTyped
    zone: str
    visibilities: tuple[Choice, ...]
    idempotency_key: str = ""
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class DeskPage:
    """A hall as its organizer works on it. `form`: which form was refused."""

    template: ClassVar[str] = "halls/desk.html"
    active: ClassVar[str] = "own_halls"

    hall: HallItem
    state: str
    booths: tuple[BoothItem, ...]
    agenda: tuple[AgendaRow, ...]
    typed: HallTyped
    item: AgendaTyped
    zone: str
    visibilities: tuple[Choice, ...]
    videos: tuple[Choice, ...]
    link: str
    may_exhibit: bool
    own_id: str
    who: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""


@dataclass(frozen=True, slots=True)
class VisitorItem:
    """A registered visitor."""

    name: str
    company: str
    contact: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class BoothFigures:
    """What came of a booth."""

    exhibitor: str
    visits: int
    exchanges: int
    leads: int
    won: int
    orders: int


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What came of a hall. `figures`: key and number, each with its definition."""

    template: ClassVar[str] = "halls/report.html"
    active: ClassVar[str] = "own_halls"

    hall: HallItem
    figures: tuple[tuple[str, int], ...]
    booths: tuple[BoothFigures, ...]
    visitors: tuple[VisitorItem, ...]
    days: int
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class OfferedItem:
    """A product or a video that a booth may show, and at which place it does (empty: it does not)."""

    id: str
    label: str
    place: str


@dataclass(frozen=True, slots=True)
class MetItem:
    """A badge that a booth asked for or was given. `lead`: where it is worked on."""

    state: str
    contact: tuple[str, ...]
    consent: str
    at: datetime
    lead: str


@dataclass(frozen=True, slots=True)
class OwnBoothPage:
    """A booth as its exhibitor works on it."""

    template: ClassVar[str] = "halls/own_booth.html"
    active: ClassVar[str] = "own_halls"

    id: str
    state: str
    hall: HallItem
    public: str
    words: str
    words_en: str
    channel: str
    channels: tuple[Choice, ...]
    products: tuple[OfferedItem, ...]
    videos: tuple[OfferedItem, ...]
    met: tuple[MetItem, ...]
    figures: tuple[tuple[str, int], ...]
    amounts: tuple[str, ...]
    days: int
    code: str = ""
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
    field_error: str = ""
