"""One's own account, the organization's members, and the sandbox's outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


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
class AccountView:
    """Name, language of mails, password, browsers, organizations."""

    template: ClassVar[str] = "account/account.html"
    active: ClassVar[str] = "account"

    name: str
    email: str
    locale: str
    sessions: tuple[OpenSession, ...]
    may_leave: bool
    organization: str
    error: str | None = None
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class MemberShown:
    """A member, and what the reader may do about them."""

    id: str
    name: str
    email: str
    roles: tuple[str, ...]
    is_self: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation that was not answered."""

    id: str
    email: str
    roles: tuple[str, ...]
    is_expired: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MembersView:
    """Who belongs to the organization, who is invited, and the form to invite."""

    template: ClassVar[str] = "account/members.html"
    active: ClassVar[str] = "members"

    members: tuple[MemberShown, ...]
    invitations: tuple[InvitationLine, ...]
    roles: tuple[str, ...]
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
