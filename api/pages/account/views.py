"""One's own account, the organization's members, and the sandbox's outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser that is signed in."""

    id: str
    is_current: bool
    browser: str
    organization: str
    network_address: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OfferedOwnership:
    """An organization that is offered to the reader, or by them."""

    id: str
    organization: str
    from_name: str
    to_name: str
    keeps: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ReceivedInvitation:
    """An organization asks the reader to join; the address is where they answer."""

    address: str
    organization: str
    roles: tuple[str, ...]
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """Name, language of mails, password, second factor, browsers, organizations."""

    template: ClassVar[str] = "account/account.html"
    active: ClassVar[str] = "account"

    name: str
    email: str
    locale: str
    sessions: tuple[OpenSession, ...]
    may_leave: bool
    organization: str
    roles: tuple[str, ...]
    """What the reader is there."""
    invitations: tuple[ReceivedInvitation, ...]
    offered: tuple[OfferedOwnership, ...]
    bounced: str | None
    """Why the reader's own address takes no mail."""
    has_second_factor: bool
    recovery_codes_left: int
    error: str | None = None
    error_field: str = ""
    by_provider: bool = False
    """Whether they came in by their organization's provider, and may have no password here."""


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A member, and what the reader may do about them."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    is_self: bool
    since: datetime
    department_id: str = ""
    departments: tuple[Choice, ...] = ()
    """What may be chosen for them."""

    @property
    def department(self) -> str:
        """What their department is called, where they have one."""
        return next((one.label.strip() for one in self.departments if one.id == self.department_id), "")

    @property
    def is_owner(self) -> bool:
        """Owners need no ownership offered."""
        return "owner" in self.roles


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation that was not answered."""

    id: str
    email: str
    roles: tuple[str, ...]
    is_expired: bool
    expires_at: datetime
    bounced: str | None
    is_declined: bool = False


@dataclass(frozen=True, slots=True)
class MembersView:
    """Who belongs to the organization, who is invited, and the form to invite."""

    template: ClassVar[str] = "account/members.html"
    active: ClassVar[str] = "members"

    members: tuple[MemberShown, ...]
    invitations: tuple[InvitationLine, ...]
    roles: tuple[str, ...]
    may_hand_over: bool
    kept_roles: tuple[str, ...]
    handing_over: OfferedOwnership | None = None
    email: str = ""
    role: str = "purchaser"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MailLine:
    """A mail in the list."""

    id: str
    to: str
    subject: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxView:
    """What a real market would have sent."""

    template: ClassVar[str] = "account/outbox.html"
    active: ClassVar[str] = ""

    mails: tuple[MailLine, ...]
    to: str = ""


@dataclass(frozen=True, slots=True)
class MailView:
    """One mail, as a reader of plain text sees it; links in it can be followed."""

    template: ClassVar[str] = "account/mail.html"
    active: ClassVar[str] = ""

    id: str
    to: str
    subject: str
    sent_at: datetime
    lines: tuple[str, ...]
    link: str
