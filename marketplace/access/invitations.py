"""Joining an organization: a member asks, the person asked accepts or declines. Nobody becomes a member without consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.signing import BadToken, TokenExpired, TokenSigner
from marketplace.access.add_person import NewPerson, add_person, find_person_id
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.events import MemberInvited, MemberJoined
from marketplace.access.members import checked_roles, join
from marketplace.access.models import INVITATION, Invitation, Member, Person
from marketplace.access.permissions import permissions_of
from marketplace.access.returning import find_returning, has_organization
from marketplace.input_text import checked_email
from marketplace.mail.bounces import Bounce, find_bounces
from marketplace.mail.compose import Proof, proof_params
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.models import Organization

LASTS = timedelta(days=14)
A_DAY = Limit(50, timedelta(days=1))
"""Invitations that one organization may send: mails go to people who did not ask for them."""
PATH = "/invitations/accept"
SIGNED_FOR = "invitation"
DECLINED_SHOWN = timedelta(days=30)
"""How long after its last day an invitation is listed that was declined."""
MOST_LISTED = 200
GONE = {
    "accepted": "invitation_accepted",
    "declined": "invitation_declined",
    "withdrawn": "invitation_withdrawn",
    "expired": "invitation_expired",
    "over": "invitation_over",
}
"""Codes by what became of an invitation."""


@dataclass(frozen=True, slots=True)
class Invite:
    """Whom to ask and for what. The mail is in `locale`."""

    email: str
    roles: Sequence[str]
    locale: str = "zh-CN"


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation as the organization sees it. One that was not answered in time is `expired`."""

    id: UUID
    email: str
    roles: tuple[str, ...]
    state: str
    expires_at: datetime
    created_at: datetime
    bounced: str | None = None
    """Why its address takes no mail (`bounces.Reason`); None where nothing is known against it."""


@dataclass(frozen=True, slots=True)
class InvitationShown:
    """What the person asked is shown before they answer."""

    org_id: UUID
    organization: str
    email: str
    roles: tuple[str, ...]
    invited_by: str
    expires_at: datetime
    has_account: bool
    may_sign_in: bool
    """Whether that account has an organization to sign in for. One without accepts by its password."""


@dataclass(frozen=True, slots=True)
class OwnInvitation:
    """An open invitation as whom it went to finds it in the product: `token` answers it, like the mail's link."""

    id: UUID
    organization: str
    roles: tuple[str, ...]
    invited_by: str
    expires_at: datetime
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An invited person who is new here; or who has an account, by its password, and no organization to sign in for any more."""

    name: str
    password: str = field(repr=False)
    locale: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Who is a member now, and of what."""

    org_id: UUID
    person_id: UUID


def invite(uow: UnitOfWork, command: Invite) -> InvitationRow:
    """Ask somebody to join the acting organization. Asked again, the open invitation is sent again and lasts anew.

    Raises:
        Invalid: `email_invalid`, `role_unknown`. Forbidden: `role_beyond_own`, `person_required`.
        Conflict: `member_exists`. TooMany: `invitations_too_often`.

    Emits: MemberInvited.
    Locks: the open invitation to that address.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    email, roles = checked_email(command.email), checked_roles(uow, org_id, command.roles)
    if _is_member(uow, org_id, email):
        raise Conflict("member_exists")
    with as_platform(uow):
        count_within(uow, A_DAY, "invitations_too_often", "invitations", str(org_id))
    row = uow.session.scalar(
        select(Invitation)
        .where(Invitation.org_id == org_id, Invitation.email == email, Invitation.state == "pending")
        .with_for_update()
    )
    now = clock.now()
    if row is None:
        row = Invitation(id=uuid7(), org_id=org_id, email=email, created_at=now)
        INVITATION.begin(uow, row, org_ids=[org_id])
        uow.session.add(row)
    row.roles, row.invited_by, row.expires_at = roles, person_id, now + LASTS
    audit.record(uow, "member.invited", subject_id=row.id, roles=" ".join(roles))
    emit(uow, MemberInvited(invitation_id=row.id, org_id=org_id))
    uow.flush()
    organization = uow.session.get_one(Organization, org_id)
    inviter = uow.session.get_one(Person, person_id)
    shown = Proof(SIGNED_FOR, str(row.id), PATH, row.expires_at, has_code=False)
    params = {
        "organization": organization.display_name,
        "inviter": inviter.name,
        "days": str(LASTS.days),
        "email": email,
    }
    queue_mail(uow, NewMail(email, "invitation", command.locale, proof_params(shown) | params))
    return _row(row)


def withdraw_invitation(uow: UnitOfWork, invitation_id: UUID) -> None:
    """Take an invitation back; its link is of no use any more. Taken back already, nothing changes.

    Raises:
        NotFound: `invitation_not_found`. Conflict: `invalid_transition`: it was answered.

    Locks: the invitation.
    """
    row = lock_row(uow.session, Invitation, invitation_id)
    if row is None or row.org_id != uow.principal.organization():
        raise NotFound("invitation_not_found")
    if INVITATION.move(uow, row, "withdrawn", org_ids=[row.org_id]):
        audit.record(uow, "member.invitation_withdrawn", subject_id=row.id)
    uow.flush()


def list_invitations(uow: UnitOfWork) -> list[InvitationRow]:
    """The acting organization's open, expired and lately declined invitations, the newest first."""
    rows = uow.session.scalars(
        select(Invitation)
        .where(
            Invitation.org_id == uow.principal.organization(),
            or_(
                Invitation.state == "pending",
                and_(Invitation.state == "declined", Invitation.expires_at > clock.now() - DECLINED_SHOWN),
            ),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
        .limit(MOST_LISTED)
    )
    found = list(rows)
    bounces = find_bounces(uow, {row.email for row in found})
    return [_row(row, bounces.get(row.email)) for row in found]


def list_own_invitations(uow: UnitOfWork, signer: TokenSigner, email: str) -> list[OwnInvitation]:
    """Open invitations to somebody's own proved address, each with what its mail's link carries.

    The unit of work is the platform's own.
    """
    rows = uow.session.execute(
        select(Invitation, Organization.display_name, Person.name)
        .join(Organization, Organization.id == Invitation.org_id)
        .join(Person, Person.id == Invitation.invited_by)
        .where(Invitation.email == email, Invitation.state == "pending", Invitation.expires_at > clock.now())
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
        .limit(MOST_LISTED)
    )
    return [
        OwnInvitation(
            id=row.id,
            organization=organization,
            roles=tuple(row.roles),
            invited_by=inviter,
            expires_at=row.expires_at,
            token=signer.sign_token(SIGNED_FOR, {"id": str(row.id)}, row.expires_at),
        )
        for row, organization, inviter in rows
    ]


def read_invitation(uow: UnitOfWork, signer: TokenSigner, token: str) -> InvitationShown:
    """What an open invitation's link is about. The unit of work is the platform's own.

    Raises:
        Invalid, Gone: as of `_open`; `invitation_over`: whoever invited may not give these roles any more.
    """
    row = _open(uow, signer, token, lock=False)
    if not _still_gives(uow, row):
        raise _gone(uow, row, "over")
    organization = uow.session.get_one(Organization, row.org_id)
    inviter = uow.session.get_one(Person, row.invited_by)
    account_id = find_person_id(uow, row.email)
    return InvitationShown(
        org_id=row.org_id,
        organization=organization.display_name,
        email=row.email,
        roles=tuple(row.roles),
        invited_by=inviter.name,
        expires_at=row.expires_at,
        has_account=account_id is not None,
        may_sign_in=account_id is not None and has_organization(uow, account_id),
    )


def accept_invitation(uow: UnitOfWork, signer: TokenSigner, token: str, who: UUID | Newcomer) -> Joined:
    """Become a member: as the person who is signed in, or as somebody new, whose mailbox the link has proved.

    The unit of work is the platform's own.

    Raises:
        Invalid, Gone: as of `read_invitation`; those of `add_person`.
        Forbidden: `invitation_for_another`: it went to another address;
            `provider_required`: signing in by the organization's provider accepts it.
        Unauthenticated: `credentials_invalid`: another password than that of the account.
        Conflict: `email_taken`: the address has an account, which has to sign in to accept; `member_exists`.

    Locks: the invitation, then the membership.
    """
    row = _open(uow, signer, token, lock=True)
    if not _still_gives(uow, row):
        raise _gone(uow, row, "over")
    if uow.session.get_one(Organization, row.org_id).requires_provider and "owner" not in row.roles:
        raise Forbidden("provider_required")
    if isinstance(who, UUID):
        if uow.session.get_one(Person, who).email != row.email:
            raise Forbidden("invitation_for_another")
        person_id = who
    else:
        returning_id = find_returning(uow, row.email, who.password)
        newcomer = NewPerson(row.email, who.name, who.password, who.locale)
        person_id = add_person(uow, newcomer).id if returning_id is None else returning_id
    member = join(uow, row.org_id, person_id, row.roles)
    row.person_id = person_id
    INVITATION.move(uow, row, "accepted", org_ids=[row.org_id])
    audit.record(uow, "member.joined", subject_id=member.id)
    emit(uow, MemberJoined(member_id=member.id, org_id=row.org_id, person_id=person_id))
    uow.flush()
    return Joined(row.org_id, person_id)


def decline_invitation(uow: UnitOfWork, signer: TokenSigner, token: str) -> None:
    """Say no. The unit of work is the platform's own.

    Raises:
        Invalid, Gone: as of `_open`.

    Locks: the invitation.
    """
    row = _open(uow, signer, token, lock=True)
    INVITATION.move(uow, row, "declined", org_ids=[row.org_id])
    uow.flush()


def _still_gives(uow: UnitOfWork, row: Invitation) -> bool:
    """Whether whoever invited is a member still who may give these roles: what somebody handed out ends with their own."""
    inviter = uow.session.scalars(
        select(Member).where(Member.org_id == row.org_id, Member.person_id == row.invited_by, Member.state == "active")
    ).one_or_none()
    return inviter is not None and permissions_of(row.roles) <= permissions_of(inviter.roles)


def _is_member(uow: UnitOfWork, org_id: UUID, email: str) -> bool:
    found = select(Member.id).join(Person, Person.id == Member.person_id)
    return (
        uow.session.scalar(found.where(Member.org_id == org_id, Person.email == email, Member.state == "active"))
        is not None
    )


def _open(uow: UnitOfWork, signer: TokenSigner, token: str, *, lock: bool) -> Invitation:
    """The invitation whose link this is, which waits for an answer.

    Raises:
        Invalid: `invitation_link_invalid`: cut short, or not ours. Gone: `invitation_accepted`, `invitation_declined`,
            `invitation_withdrawn`, `invitation_expired`, with the `organization` and who invited.
    """
    is_late = False
    try:
        invitation_id = UUID(signer.open_token(SIGNED_FOR, token)["id"])
    except TokenExpired as late:
        # Sent again, an invitation lasts anew, and by the newer mail alone.
        invitation_id, is_late = UUID(late.payload["id"]), True
    except (BadToken, ValueError, KeyError):
        raise Invalid("invitation_link_invalid") from None
    row = lock_row(uow.session, Invitation, invitation_id) if lock else uow.session.get(Invitation, invitation_id)
    if row is None:
        raise Invalid("invitation_link_invalid")
    if row.state != "pending":
        raise _gone(uow, row, row.state)
    if is_late or row.expires_at <= clock.now():
        raise _gone(uow, row, "expired")
    return row


def _gone(uow: UnitOfWork, row: Invitation, why: str) -> Gone:
    """What became of it, and whom to ask for another: told to whoever holds its link, which names both anyway."""
    organization = uow.session.get_one(Organization, row.org_id)
    inviter = uow.session.get_one(Person, row.invited_by)
    return Gone(GONE[why], organization=organization.display_name, inviter=inviter.name)


def _row(row: Invitation, bounce: Bounce | None = None) -> InvitationRow:
    is_late = row.state == "pending" and row.expires_at <= clock.now()
    state = "expired" if is_late else row.state
    bounced = bounce.reason if bounce else None
    return InvitationRow(row.id, row.email, tuple(row.roles), state, row.expires_at, row.created_at, bounced)
