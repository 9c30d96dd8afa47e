"""Endpoints, what was sent to them, the log of events and the catalogue, as their pages show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from marketplace.webhooks.views import DeliveryView, EndpointView


@dataclass(frozen=True, slots=True)
class TypeGroup:
    """Types of one subject that the visitor may have sent; `types` are names with their words."""

    key: str
    types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EndpointItem:
    """An endpoint and the word for how it is: active, failing or disabled."""

    one: EndpointView
    state: str


@dataclass(frozen=True, slots=True)
class EndpointsPage:
    """The endpoints and the form for another. ``key`` makes a form that is sent twice make one."""

    template: ClassVar[str] = "webhooks/endpoints.html"
    active: ClassVar[str] = "webhooks"

    endpoints: tuple[EndpointItem, ...]
    key: str
    groups: tuple[TypeGroup, ...]
    typed: Mapping[str, str] = field(default_factory=dict)
    chosen: Collection[str] = ()
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """One endpoint: how it is, its settings, its secret, what was sent. ``secret`` only in the answer that made it."""

    template: ClassVar[str] = "webhooks/endpoint.html"
    active: ClassVar[str] = "webhooks"

    endpoint: EndpointView
    state: str
    groups: tuple[TypeGroup, ...]
    deliveries: tuple[DeliveryView, ...]
    next_address: str | None
    states: tuple[str, ...]
    current: str
    typed: Mapping[str, str]
    chosen: Collection[str]
    today: str
    missed_since: str
    """The day from which a replay is suggested."""
    secret: str | None = None
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class AttemptItem:
    """One call; ``reason`` is a ready sentence."""

    number: int
    succeeded: bool
    status: int | None
    reason: str
    answered: str
    elapsed_ms: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One event for one endpoint. ``body`` None: the visitor may not read what it says."""

    template: ClassVar[str] = "webhooks/delivery.html"
    active: ClassVar[str] = "webhooks"

    endpoint: EndpointView
    delivery: DeliveryView
    attempts: tuple[AttemptItem, ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class EventItem:
    """One event of the log, its body ready to be read."""

    id: str
    position: int
    type: str
    says: str
    at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class EventsPage:
    """The newest events first."""

    template: ClassVar[str] = "webhooks/events.html"
    active: ClassVar[str] = "webhooks"

    events: tuple[EventItem, ...]
    next_address: str | None


@dataclass(frozen=True, slots=True)
class TypeItem:
    """One type of the catalogue: side, schema and sample as text."""

    name: str
    says: str
    may_read: bool
    sides: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class TypesPage:
    """The catalogue, and how what is sent is tried again."""

    template: ClassVar[str] = "webhooks/types.html"
    active: ClassVar[str] = "webhooks"

    types: tuple[TypeItem, ...]
    waits_s: tuple[int, ...]
    most_tries: int
    kept_days: int
