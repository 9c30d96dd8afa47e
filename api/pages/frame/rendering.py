"""Turn a view model into HTML: one Jinja environment, autoescaped, strict about names that do not exist."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import ClassVar, Literal, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.language import LANGUAGES, Language
from api.pages.frame import addresses, assets, navigation
from api.pages.frame.codes import in_words
from api.pages.frame.formats import Formats
from api.pages.frame.status_colors import tone
from api.pages.frame.translations import translations
from kernel.money import exponents_besides_two
from kernel.written_amounts import SIGNS
from marketplace.placements.claim_checks import KINDS
from marketplace.publishing.edit_placements import ACTIONS

TEMPLATES = Path(__file__).parents[1]


class View(Protocol):
    """A page's data. ``template`` names its file; ``active`` is its key in the navigation, or empty."""

    template: ClassVar[str]
    active: ClassVar[str]


@dataclass(frozen=True, slots=True)
class OrganizationChoice:
    """An organization the person belongs to."""

    id: str
    name: str
    current: bool


@dataclass(frozen=True, slots=True)
class FlashMessage:
    """What just happened, told once on the next page."""

    tone: Literal["good", "bad", "info"]
    text: str


@dataclass(frozen=True, slots=True)
class Chrome:
    """What surrounds every page: who is looking, in which language, and the tokens its forms and scripts carry.

    ``path`` is the address being shown with its query, so that switching language or organization comes back to it.
    """

    language: Language
    nonce: str
    csrf: str
    path: str = "/"
    time_zone: str = "Asia/Shanghai"
    sandbox: bool = True
    person: str | None = None
    organizations: tuple[OrganizationChoice, ...] = ()
    areas: frozenset[navigation.Area] = frozenset()
    badges: Mapping[str, int] = field(default_factory=dict)
    notice: FlashMessage | None = None
    #: Seconds after which a page without JavaScript reloads itself while work is under way; 0 means never.
    refresh_s: int = 0
    #: How much of the sandbox's past is made, in percent; None when none is being made.
    history_percent: int | None = None
    #: Where the visitor's organization stands that has a time of its own.
    own_time: datetime | None = None


@cache
def environment() -> Environment:
    """The one environment. Autoescape is always on; whitespace is trimmed so that pages stay small."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(at=addresses, asset=assets.address, tone=tone, languages=LANGUAGES)
    made.globals.update(claim_kinds=KINDS, actions=ACTIONS)
    return made


def render(view: View, chrome: Chrome, *, part: str | None = None) -> str:
    """Render a whole page, or only one ``part`` of it (a template under ``parts/``) for a module to put in place."""
    words = translations(chrome.language)
    formats = Formats(words.locale, chrome.time_zone)
    template = environment().get_template(f"frame/parts/{part}.html" if part else view.template)
    return template.render(
        view=view,
        chrome=chrome,
        f=formats,
        t=words.text,
        tn=words.count,
        word=words.word,
        in_words=partial(in_words, chrome.language),
        script_texts={
            **words.under("js."),
            "digits": exponents_besides_two(),
            "signs": SIGNS,
            "zone": chrome.time_zone,
        },
        rail=navigation.rail(chrome.areas),
        bottom_bar=navigation.bottom_bar(chrome.areas, view.active),
    )
