"""An organization's own sign-in, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ProviderTyped:
    """What the form holds; never the secret."""

    issuer: str = ""
    client_id: str = ""
    default_role: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class DomainShown:
    """A claim to a domain. `organization` for the platform's people."""

    id: str
    domain: str
    state: str
    at: datetime
    organization: str = ""
    #: The text record that proves it while it waits; empty where nobody looks for one.
    record_name: str = ""
    record_value: str = ""


@dataclass(frozen=True, slots=True)
class IdentityProviderView:
    """The settings: the provider and the domains."""

    template: ClassVar[str] = "identity_provider/settings.html"
    active: ClassVar[str] = "identity_provider"

    is_set: bool
    is_owner: bool
    typed: ProviderTyped
    redirect_uri: str
    roles: tuple[str, ...]
    domains: tuple[DomainShown, ...]
    domain: str = ""
    """As it was typed."""
    error: str = ""
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class ProviderFoundView:
    """By whom people of an address sign in, with the way there; `address` empty as long as none is known."""

    template: ClassVar[str] = "identity_provider/way_in.html"
    active: ClassVar[str] = ""

    email: str
    next_path: str
    organization: str = ""
    host: str = ""
    address: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class WaitingDomainsView:
    """Claims that wait for the platform's word."""

    template: ClassVar[str] = "identity_provider/waiting.html"
    active: ClassVar[str] = "email_domains"

    waiting: tuple[DomainShown, ...]
    error: str = ""
