"""Take a refunded part of a line back from everybody who had a share in it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.ledger.post import AccountKind, Leg
from billing.shares.models import SHARE, Share, ShareReversal
from billing.shares.promotion import PROMOTION
from billing.shares.split import reverse_parts
from kernel import clock
from kernel.db.uow import UnitOfWork

_ORDER = ("seller", "commission", *PROMOTION)


def reverse_shares(uow: UnitOfWork, refund_id: UUID, charge_id: UUID, gross_minor: int) -> list[Leg]:
    """Lower the shares of a charge by their parts of a refund, `gross_minor` of what was shared; answers the debits for the
    books.

    The caller has locked the shares. A share that is wholly taken back before it was in a statement ends as reversed;
    one that was in a statement keeps its state, and the reversal is a negative line of the next statement.
    """
    found = {share.kind: share for share in uow.session.scalars(select(Share).where(Share.charge_id == charge_id))}
    left = [found[kind].amount_minor - found[kind].reversed_minor if kind in found else 0 for kind in _ORDER]
    legs = [
        _reverse(uow, found[kind], refund_id, part_minor, gross_minor)
        for kind, part_minor in zip(_ORDER, reverse_parts(gross_minor, left), strict=True)
        if kind in found
    ]
    # Parts of zero end with their line, not before it.
    if all(share.reversed_minor == share.amount_minor for share in found.values()):
        for share in found.values():
            if share.state in {"pending", "releasable"}:
                parties = sorted({share.org_id, share.seller_org_id})
                SHARE.move(uow, share, "reversed", org_ids=parties, reason="refunded")
    uow.flush()
    return legs


def _reverse(uow: UnitOfWork, share: Share, refund_id: UUID, part_minor: int, gross_minor: int) -> Leg:
    share.reversed_minor += part_minor
    uow.session.add(
        ShareReversal(
            org_id=share.org_id,
            seller_org_id=share.seller_org_id,
            share_id=share.id,
            refund_id=refund_id,
            amount_minor=part_minor,
            gross_minor=gross_minor,
            currency=share.currency,
            created_at=clock.now(),
        )
    )
    return Leg(share.org_id, _account(share), part_minor)


def _account(share: Share) -> AccountKind:
    if share.kind == "commission":
        return "commission"
    return "party_pending" if share.state == "pending" else "party_available"
