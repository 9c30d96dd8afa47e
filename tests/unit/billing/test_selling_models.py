"""Of both selling models: the parts of a line and its tax are its gross, and refunds in parts take back exactly that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.charges.record_charge import RecordCharge
from billing.refunds.allocate_refund import LineLeft, allocate_refund
from billing.shares.split import ShareTerms, reverse_parts, split
from billing.statements.supplies import SupplyToInvoice
from kernel.money import PPM, net_of_included
from marketplace.catalog.selling_model import AGENCY, RESELLER, SELLING_MODELS, issuer_of
from marketplace.parties.models import PLATFORM_ORG_ID

RATES = st.sampled_from([0, 10_000, 60_000, 130_000, 190_000, 255_000])
SELLER = UUID(int=7)


def charged(net_minor: int, tax_minor: int, rate_ppm: int, model: str, terms: ShareTerms) -> RecordCharge:
    same: dict[str, Any] = dict.fromkeys(
        ("reference", "group_reference", "payment_id", "buyer_org_id", "seller_org_id"), SELLER
    )
    return RecordCharge(
        **same,
        promoter_org_id=None,
        video_id=None,
        net_minor=net_minor,
        tax_minor=tax_minor,
        gross_minor=net_minor + tax_minor,
        tax_rate_ppm=rate_ppm,
        currency="CNY",
        terms=terms,
        selling_model=model,
    )


@given(st.data(), st.sampled_from(SELLING_MODELS), st.integers(1, 10**9), RATES)
def test_shares_and_payable_tax_are_the_gross_through_all_refunds(
    data: st.DataObject, model: str, gross_minor: int, rate_ppm: int
) -> None:
    commission_ppm = data.draw(st.integers(0, 300_000))
    terms = ShareTerms(1, commission_ppm, data.draw(st.integers(0, 300_000)), 7)
    net_minor = net_of_included(gross_minor, rate_ppm)
    line = charged(net_minor, gross_minor - net_minor, rate_ppm, model, terms)
    assert line.payable_tax_minor == (line.tax_minor if model == RESELLER else 0)
    parts = split(line.net_minor, line.shared_tax_minor, terms)
    assert parts.total_minor + line.payable_tax_minor == gross_minor
    # The platform's and the promoter's parts are of the net, whoever sold it.
    agency = split(line.net_minor, line.tax_minor, terms)
    assert (parts.commission_minor, parts.promoter_minor) == (agency.commission_minor, agency.promoter_minor)
    left, owed = list(parts.parts()), line.payable_tax_minor
    gross_left, net_left = gross_minor, net_minor
    for asked in [*data.draw(st.lists(st.integers(1, gross_minor), max_size=3)), gross_minor]:
        # The last one takes all that is left.
        if not gross_left:
            break
        back = allocate_refund(min(asked, gross_left), LineLeft(gross_left, net_left, rate_ppm))
        payable = back.tax_minor if model == RESELLER else 0
        taken = reverse_parts(back.gross_minor - payable, left)
        assert all(0 <= part <= had for part, had in zip(taken, left, strict=True))
        left = [had - part for part, had in zip(taken, left, strict=True)]
        owed, gross_left, net_left = owed - payable, gross_left - back.gross_minor, net_left - back.net_minor
        assert owed >= 0
        assert sum(left) + owed == gross_left
    assert left == [0, 0, 0]
    assert owed == 0


@given(st.integers(-(10**9), 10**9), RATES)
def test_what_the_seller_invoices_the_platform_for_is_what_it_gets(gross_minor: int, rate_ppm: int) -> None:
    supply = SupplyToInvoice("S", rate_ppm, gross_minor)
    assert supply.net_minor + supply.tax_minor == gross_minor
    assert 2 * abs(supply.net_minor * (PPM + rate_ppm) - gross_minor * PPM) <= PPM + rate_ppm


def test_who_invoices() -> None:
    assert issuer_of(AGENCY, SELLER) == SELLER
    assert issuer_of(RESELLER, SELLER) == PLATFORM_ORG_ID
