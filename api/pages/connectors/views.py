"""A seller's connectors as their pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from fulfillment.connectors.views import ConnectorView


@dataclass(frozen=True, slots=True)
class ConnectorsView:
    """The seller's connectors and the form for another. ``key`` makes a form that is sent twice make one."""

    template: ClassVar[str] = "connectors/connectors.html"
    active: ClassVar[str] = "seller_start"

    connectors: tuple[ConnectorView, ...]
    key: str
    typed: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class TestStep:
    """A step of a connector's test; its words are under ``connector_test.<key>``. ``failure`` is a ready sentence."""

    key: str
    state: Literal["done", "failed", "todo", "live"]
    status: int | None = None
    elapsed_ms: int | None = None
    sent: str = ""
    answered: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class OneConnectorView:
    """A connector: where it is, how its test went, its secret. ``secret`` only in the answer that made it."""

    template: ClassVar[str] = "connectors/connector.html"
    active: ClassVar[str] = "seller_start"

    connector: ConnectorView
    steps: tuple[TestStep, ...]
    secret: str | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_field: str = ""
