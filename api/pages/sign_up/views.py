"""Coming in, and coming back in with a new password."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class AskView:
    """The form that asks for an address. ``purpose`` chooses its words."""

    template: ClassVar[str] = "sign_up/ask.html"
    active: ClassVar[str] = ""

    purpose: Literal["sign_up", "reset"]
    address: str
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class OrganizationTyped:
    """What was typed of an organization, kept for when something of it was wrong."""

    legal_name: str = ""
    display_name: str = ""
    country: str = "CN"
    tax_id: str = ""
    is_seller: bool = False


@dataclass(frozen=True, slots=True)
class CompleteView:
    """Code, name, password and organization; with a link the code is not asked for.

    `link_died`: it was good when the form was shown, and a code of another mail goes into the same form.
    """

    template: ClassVar[str] = "sign_up/complete.html"
    active: ClassVar[str] = ""

    countries: tuple[Choice, ...]
    email: str = ""
    code: str = ""
    token: str = ""
    name: str = ""
    typed: OrganizationTyped = OrganizationTyped()
    error: str | None = None
    error_field: str = ""
    shows_outbox: bool = False
    link_died: bool = False


@dataclass(frozen=True, slots=True)
class NewPasswordView:
    """Code and new password; with a link the code is not asked for. `link_died`: as of `CompleteView`."""

    template: ClassVar[str] = "sign_up/new_password.html"
    active: ClassVar[str] = ""

    email: str = ""
    code: str = ""
    token: str = ""
    error: str | None = None
    error_field: str = ""
    shows_outbox: bool = False
    link_died: bool = False


@dataclass(frozen=True, slots=True)
class DeadLinkView:
    """A mail's link that is of no use any more: why, and another mail, to the address where it is known."""

    template: ClassVar[str] = "sign_up/dead_link.html"
    active: ClassVar[str] = ""

    purpose: Literal["sign_up", "reset"]
    why: Literal["used", "expired", "unknown"]
    address: str
    email: str


@dataclass(frozen=True, slots=True)
class InvitationView:
    """What an invitation is about, and how it is answered by whoever looks at it."""

    template: ClassVar[str] = "sign_up/invitation.html"
    active: ClassVar[str] = ""

    token: str
    organization: str
    invited_by: str
    email: str
    roles: tuple[str, ...]
    way: Literal["join", "newcomer", "returning", "sign_in", "other_account"]
    """Who looks: the person asked, somebody new, somebody whose account has no organization left, somebody who has to sign in
    first, or somebody else."""
    name: str = ""
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class OrganizationView:
    """Another organization of who is signed in."""

    template: ClassVar[str] = "sign_up/organization.html"
    active: ClassVar[str] = ""

    countries: tuple[Choice, ...]
    typed: OrganizationTyped = OrganizationTyped()
    error: str | None = None
    error_field: str = ""
