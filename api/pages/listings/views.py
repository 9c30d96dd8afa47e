"""The listing editor as pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from api.pages.frame.choices import Choice
from api.pages.frame.partner_groups import GroupFields
from api.pages.listings.compared import Change
from api.pages.listings.shown import ShownImage, ShownListing


@dataclass(frozen=True, slots=True)
class SectionForm:
    """One form of the editor: what its fields hold (as stored, or as typed), and what is to be said at each.

    `base` names the content it began from; `wrong` are refusals, `returned` a reviewer's reasons, `elsewhere` what another
    window has saved meanwhile, each by the field's name.
    """

    key: str
    values: Mapping[str, str]
    base: str = ""
    wrong: Mapping[str, str] = field(default_factory=dict)
    returned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    html: Mapping[str, str] = field(default_factory=dict)
    """Restricted Markdown of the values as it will be shown, by the field's name."""
    error: str | None = None
    previewed: bool = False
    """Whether it was typed to be looked at, and is not saved."""
    prefix: str = ""
    """What the names of its fields begin with, where it is part of another form."""


@dataclass(frozen=True, slots=True)
class PriceRows:
    """How much room the form of a price of components offers, and which of its parts are in use."""

    seats_tiers: int = 2
    dimensions: tuple[int, ...] = (2,)
    """Rows of tiers of each metered dimension."""
    milestones: int = 2
    seats_used: bool = False
    usage_used: bool = False
    milestones_used: bool = False


@dataclass(frozen=True, slots=True)
class PlanSection:
    """The form of one plan; `summary` is how its price will be said. `code` is empty for the plan that is being added."""

    form: SectionForm
    code: str
    summary: str
    features: int
    """Rows of features the form offers, blank ones included."""
    opened: bool = False
    price: PriceRows = PriceRows()
    sentences: tuple[str, ...] = ()
    """What each component of the stored price costs."""


@dataclass(frozen=True, slots=True)
class DraftImage:
    """A picture of the draft with the form of its words in both languages."""

    shown: ShownImage
    form: SectionForm


@dataclass(frozen=True, slots=True)
class ListingOptions:
    """What the editor's selects offer."""

    kinds: tuple[Choice, ...]
    categories: tuple[Choice, ...]
    tax_categories: tuple[Choice, ...]
    selling_models: tuple[Choice, ...]
    price_units: tuple[Choice, ...]
    currencies: tuple[Choice, ...]
    connectors: tuple[Choice, ...]
    deadline_units: tuple[Choice, ...]
    price_kinds: tuple[Choice, ...]
    """One figure, or of components."""
    intervals: tuple[Choice, ...]
    modes: tuple[Choice, ...]
    """How tiers count: each unit at its own, or all at that of the total."""


@dataclass(frozen=True, slots=True)
class NewListingView:
    """The form that begins a listing. `key` makes it safe to send twice."""

    template: ClassVar[str] = "listings/listing_new.html"
    active: ClassVar[str] = "seller_listings"

    form: SectionForm
    options: ListingOptions
    key: str


@dataclass(frozen=True, slots=True)
class ListingEditView:
    """The editor of one listing. `state` is that of its latest version; `waiting_s` how long a reviewer has had it."""

    template: ClassVar[str] = "listings/listing_edit.html"
    active: ClassVar[str] = "seller_listings"

    id: str
    name: str
    state: str
    version: int
    published: int | None
    """The number of the version on sale."""
    editable: bool
    kind_fixed: bool
    text: SectionForm
    plans: tuple[PlanSection, ...]
    new_plan: PlanSection | None
    options: ListingOptions
    missing: tuple[str, ...]
    """What the automatic checks find, as ready sentences; nothing may be submitted before it is empty."""
    returned: tuple[str, ...] = ()
    """A reviewer's reasons that are about no field shown here."""
    waiting_s: int = 0
    late: bool = False
    retired: bool = False
    suspended: bool = False
    suspension: str = ""
    """Why, in the platform's words."""
    may_retire: bool = False
    is_service: bool = False
    """Whether it may be a course."""
    by_rule: bool = False
    """Whether what is handed in is approved by rule: no reviewer is waited for."""
    customers: int = 0
    images: tuple[DraftImage, ...] = ()
    most_images: int = 0
    image_error: str | None = None
    terms: SectionForm = SectionForm("terms", {})
    visibility: str = "public"
    groups: GroupFields = field(default_factory=GroupFields)
    readers_error: str | None = None
    terms_pdf: str = ""
    """What the sender called the document that the draft's terms have."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ListingPreviewView:
    """The latest version as buyers will meet it, and what it changes of the one on sale."""

    template: ClassVar[str] = "listings/listing_preview.html"
    active: ClassVar[str] = "seller_listings"

    id: str
    state: str
    version: int
    shown: ShownListing
    changes: tuple[Change, ...] | None
    published: int | None
