"""One corruption for every rule about tax invoices (数电票): what it names, and nothing else, is wrong afterwards."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def fapiao_lines(p: Planter, _: World) -> None:
    p.change("UPDATE billing.fapiao SET net_minor = net_minor + 1, tax_minor = tax_minor - 1 WHERE direction = 'blue'")


def fapiao_sources(p: Planter, _: World) -> None:
    p.change("UPDATE billing.fapiao_source SET gross_minor = gross_minor - 1")


def fapiao_numbered(p: Planter, _: World) -> None:
    p.change("UPDATE billing.fapiao SET xml_sha256 = NULL WHERE direction = 'blue'")


def red_letters_within(p: Planter, _: World) -> None:
    p.change("UPDATE billing.red_letter SET gross_minor = gross_minor + 1")


def red_letters_before_credit(p: Planter, _: World) -> None:
    p.change("UPDATE billing.red_letter SET number = NULL WHERE state = 'unneeded'")


def red_letters_before_refund(p: Planter, _: World) -> None:
    """No operator let it go."""
    p.change("UPDATE billing.refund SET red_waiver = NULL WHERE red_waiver = 'operator'")


def invoice_forwards_own(p: Planter, w: World) -> None:
    """Somebody sent on what is between two others."""
    p.change(
        """INSERT INTO billing.invoice_forward (id, org_id, to_address, invoice_ids, created_at, expires_at)
           SELECT :id, :promoter, 'x@y.example', ARRAY[i.id], :now, :later
           FROM billing.invoice i WHERE i.buyer_org_id = :buyer AND i.number IS NOT NULL LIMIT 1""",
        id=uuid7(),
        promoter=w.promoter.id,
        buyer=w.buyer.id,
        now=clock.now(),
        later=clock.now() + timedelta(days=14),
    )
