"""Proof that somebody reads a mailbox: asked for, mailed, brought back once.

A code may be typed five times; what is typed counts before it is looked at, in a transaction of its own, so that guesses
sent in parallel are never more. Whether an address is known here is told to its mailbox alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, select, update

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from kernel.ids import uuid7
from kernel.signing import BadToken, TokenExpired, TokenSigner
from marketplace.access.models import EmailProof
from marketplace.mail.compose import Proof, proof_params
from marketplace.mail.queue_mail import NewMail, queue_mail

Purpose = Literal["sign_up", "reset_password"]
Standing = Literal["open", "used", "expired", "unknown"]
"""`unknown`: cut short on its way, or not ours."""
LASTS = timedelta(minutes=30)
MOST_TRIES = 5
KEPT = timedelta(days=1)
PATHS: dict[Purpose, str] = {"sign_up": "/sign-up/complete", "reset_password": "/password/complete"}


@dataclass(frozen=True, slots=True)
class Presented:
    """What somebody brings back: the link's `token`, or the address with the `code` that was typed."""

    token: str = field(default="", repr=False)
    email: str = ""
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LinkShown:
    """How a mail's link stands, and to which address it went, where that is known."""

    standing: Standing
    email: str = ""


def mail_proof(
    uow: UnitOfWork,
    purpose: Purpose,
    email: str,
    locale: str,
    person_id: UUID | None = None,
    *,
    instead: NewMail | None = None,
) -> None:
    """Send a code and a link to an address that was checked and counted.

    `instead`: the mail that goes there in their place. A proof is written all the same, and its code is in no mail: who asks
    for it, or brings a code back, cannot tell by the time it takes whether the address has an account.
    """
    now = clock.now()
    proof = EmailProof(
        id=uuid7(),
        purpose=purpose,
        email=email,
        locale=locale,
        person_id=person_id,
        expires_at=now + LASTS,
        created_at=now,
    )
    uow.session.add(proof)
    if instead is not None:
        queue_mail(uow, instead)
        return
    shown = Proof(_signed_for(purpose), str(proof.id), PATHS[purpose], proof.expires_at, has_code=True)
    params = proof_params(shown) | {"minutes": str(int(LASTS.total_seconds() // 60)), "email": email}
    queue_mail(uow, NewMail(email, purpose, locale, params, person_id))


def look_at_link(uow: UnitOfWork, signer: TokenSigner, purpose: Purpose, token: str) -> LinkShown:
    """What a link is good for, said before its form is filled in. Nothing is used up by looking."""
    try:
        proof_id = UUID(_payload(signer, purpose, token)["id"])
    except (BadToken, ValueError, KeyError):
        return LinkShown("unknown")
    proof = uow.session.get(EmailProof, proof_id)
    if proof is None:
        # Deleted a day after its time (`purge_proofs`).
        return LinkShown("expired")
    if proof.used_at is not None:
        return LinkShown("used", proof.email)
    return LinkShown("open" if _is_open(proof) else "expired", proof.email)


def _payload(signer: TokenSigner, purpose: Purpose, token: str) -> dict[str, Any]:
    try:
        return signer.open_token(_signed_for(purpose), token)
    except TokenExpired as late:
        return late.payload


def count_try(uow: UnitOfWork, purpose: Purpose, presented: Presented) -> UUID | None:
    """Count a typed code against the address's newest proof; its id, None when there is none or it was tried too often.

    To be committed before the code is looked at. A link's token cannot be guessed and is not counted.
    """
    if presented.token:
        return None
    newest = (
        select(EmailProof.id)
        .where(
            EmailProof.email == presented.email.strip().lower(),
            EmailProof.purpose == purpose,
            EmailProof.expires_at > clock.now(),
        )
        .order_by(EmailProof.created_at.desc(), EmailProof.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    counted: UUID | None = uow.session.scalar(
        update(EmailProof)
        .where(EmailProof.id == newest, EmailProof.used_at.is_(None), EmailProof.tries < MOST_TRIES)
        .values(tries=EmailProof.tries + 1)
        .returning(EmailProof.id)
    )
    return counted


def give_try_back(uow: UnitOfWork, counted_id: UUID) -> None:
    """What was wrong was not the code: the try does not count. It was refused before, or beside, what the code says."""
    uow.session.execute(
        update(EmailProof).where(EmailProof.id == counted_id, EmailProof.tries > 0).values(tries=EmailProof.tries - 1)
    )


def take_proof(
    uow: UnitOfWork, signer: TokenSigner, purpose: Purpose, presented: Presented, counted_id: UUID | None
) -> EmailProof:
    """The proof that was brought back, used up by this with every other of its purpose. `counted_id`: as of `count_try`.

    Raises:
        Invalid: `link_invalid`, or `code_invalid`, whatever was wrong with a code: unknown address, wrong, tried too often,
            used, or too late.

    Locks: the proof.
    """
    if presented.token:
        proof = lock_row(uow.session, EmailProof, _id_in(signer, purpose, presented.token))
        if proof is None or not _is_open(proof):
            raise Invalid("link_invalid")
    else:
        proof = None if counted_id is None else lock_row(uow.session, EmailProof, counted_id)
        code = "".join(presented.code.split())
        # Made for a proof that is not there as well: the time taken tells nothing.
        is_right = signer.is_short_code(_signed_for(purpose), str(counted_id), code)
        if proof is None or not is_right or not _is_open(proof):
            raise Invalid("code_invalid", field="code")
    proof.used_at = clock.now()
    uow.flush()
    # Whatever else was mailed for the same purpose is of no use to anybody any more.
    others = (EmailProof.email == proof.email, EmailProof.purpose == purpose, EmailProof.used_at.is_(None))
    uow.session.execute(update(EmailProof).where(*others).values(used_at=proof.used_at))
    return proof


def purge_proofs(uow: UnitOfWork) -> None:
    """Delete proofs that are long over."""
    uow.session.execute(delete(EmailProof).where(EmailProof.expires_at < clock.now() - KEPT))


def _is_open(proof: EmailProof) -> bool:
    return proof.used_at is None and proof.expires_at > clock.now()


def _id_in(signer: TokenSigner, purpose: Purpose, token: str) -> UUID:
    try:
        return UUID(signer.open_token(_signed_for(purpose), token)["id"])
    except (BadToken, ValueError, KeyError):
        raise Invalid("link_invalid") from None


def _signed_for(purpose: Purpose) -> str:
    return f"email_proof {purpose}"
