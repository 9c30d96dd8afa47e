"""What sellers are told of the reviews of their listings and documents, and reviewers of what waits for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.events import (
    ListingPaused,
    ListingPublished,
    ListingRejected,
    ListingResumed,
    ListingSubmitted,
    ListingSuspended,
)
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.notifications.notify import NewNotification
from marketplace.onboarding.events import LegalProofReviewed, LegalProofSubmitted
from marketplace.onboarding.models import LegalProof
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of

REVIEWS = "operator.reviews"


def _versions(
    uow: UnitOfWork, events: Sequence[RecordedEvent]
) -> Iterable[tuple[RecordedEvent, ListingVersion, dict[str, str]]]:
    wanted = [event.uuid("version_id") for event in events]
    rows = uow.session.execute(
        select(ListingVersion, Organization.display_name)
        .join(Organization, Organization.id == ListingVersion.org_id)
        .where(ListingVersion.id.in_(wanted))
    )
    found = {version.id: (version, seller) for version, seller in rows}
    for event in events:
        version, seller = found[event.uuid("version_id")]
        yield event, version, {"what": version.title, "what_en": version.title_en, "seller": seller}


def _to_catalog(event: RecordedEvent, kind: str, params: dict[str, str]) -> NewNotification:
    path = f"/seller/listings/{event.uuid('listing_id')}"
    return NewNotification(
        event.id, event.at, kind, path, params, org_id=event.uuid("org_id"), permission="catalog.write"
    )


@notifies_of(ListingSubmitted)
def listing_waiting(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Reviewers are told of what waits; where a rule decides at once, nothing does."""
    for event, version, params in _versions(uow, events):
        if version.state == "in_review":
            yield NewNotification(
                event.id,
                event.at,
                "listing_waiting",
                "/operator/reviews",
                params,
                org_id=PLATFORM_ORG_ID,
                permission=REVIEWS,
            )


@notifies_of(ListingPublished)
def listing_published(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The seller's catalogue people learn that it sells."""
    for event, _, params in _versions(uow, events):
        yield _to_catalog(event, "listing_published", params)


@notifies_of(ListingRejected)
def listing_rejected(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """They learn that there is something to mend."""
    for event, _, params in _versions(uow, events):
        yield _to_catalog(event, "listing_rejected", params)


@notifies_of(ListingSuspended)
def listing_suspended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """They learn that nobody can buy it."""
    return _of_listings(uow, events, "listing_suspended")


@notifies_of(ListingResumed)
def listing_resumed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """They learn that it sells again."""
    return _of_listings(uow, events, "listing_resumed")


@notifies_of(ListingPaused)
def listing_paused(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """They learn that deliveries failed, and where the way back is; so do those who retry deliveries."""
    for event, one in zip(events, _of_listings(uow, events, "listing_paused"), strict=True):
        figures = {name: str(event.payload[name]) for name in ("failed", "counted")}
        path = f"/seller/reliability/{event.uuid('listing_id')}"
        yield replace(one, path=path, params={**one.params, **figures}, permission="seller.orders.read")


def _of_listings(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    rows = uow.session.execute(
        select(Listing.id, ListingVersion.title, ListingVersion.title_en)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .where(Listing.id.in_([event.uuid("listing_id") for event in events]))
    )
    titles = {listing_id: {"what": title, "what_en": title_en} for listing_id, title, title_en in rows}
    for event in events:
        yield _to_catalog(
            event, kind, titles[event.uuid("listing_id")] | {"reason": str(event.payload.get("reason", ""))}
        )


def _proofs(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, LegalProof, str]]:
    rows = uow.session.execute(
        select(LegalProof, Organization.display_name)
        .join(Organization, Organization.id == LegalProof.org_id)
        .where(LegalProof.id.in_([event.uuid("proof_id") for event in events]))
    )
    found = {proof.id: (proof, seller) for proof, seller in rows}
    return ((event, *found[event.uuid("proof_id")]) for event in events)


@notifies_of(LegalProofSubmitted)
def legal_proof_waiting(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Reviewers are told of a document that waits."""
    for event, proof, seller in _proofs(uow, events):
        if proof.state == "submitted":
            yield NewNotification(
                event.id,
                event.at,
                "legal_proof_waiting" if proof.transfer_reference is None else "transfer_waiting",
                f"/operator/sellers/{proof.id}",
                {"seller": seller} | _transfer(proof),
                org_id=PLATFORM_ORG_ID,
                permission=REVIEWS,
            )


def _transfer(proof: LegalProof) -> dict[str, str | int]:
    if proof.transfer_reference is None or proof.transfer_minor is None or proof.currency is None:
        return {}
    return {
        "reference": proof.transfer_reference,
        "amount_minor": proof.transfer_minor,
        "currency": proof.currency,
    }


@notifies_of(LegalProofReviewed)
def legal_proof_reviewed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever handed it in, and their fellows, learn whether the document will do."""
    for event, proof, _ in _proofs(uow, events):
        if proof.state in ("approved", "rejected"):
            yield NewNotification(
                event.id,
                event.at,
                f"legal_proof_{proof.state}",
                "/organization/verification",
                {"reason": proof.reason},
                org_id=proof.org_id,
                permission="members.manage",
            )
