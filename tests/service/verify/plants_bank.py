"""One corruption for every rule of bank transfers."""

from __future__ import annotations

from kernel.ids import uuid7
from tests.service.verify.planting import PLATFORM, Planter
from tests.verify_world import World


def bank_lines(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.bank_line SET open_minor = 5
           WHERE id = (SELECT id FROM billing.bank_line WHERE open_minor = 0 AND amount_minor > 5 LIMIT 1)"""
    )
    p.book((PLATFORM, "suspense", -5), (PLATFORM, "gateway_fee", 5))


def bank_balance(p: Planter, _: World) -> None:
    p.change("UPDATE billing.bank_account SET balance_minor = balance_minor + 1")


def bank_transfers(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.bank_transfer SET received_minor = received_minor - 1, written_off_minor = written_off_minor + 1
           WHERE state = 'received'"""
    )


def bank_paid(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.bank_transfer t SET payment_id = (
               SELECT p.id FROM billing.payment p WHERE p.payer_org_id = t.payer_org_id AND p.gateway = 'sandbox' LIMIT 1)
           WHERE state = 'received' AND gateway = 'bank_transfer'"""
    )


def bank_outgoing(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.bank_outgoing SET amount_minor = amount_minor + 1
           WHERE id NOT IN (SELECT outgoing_id FROM billing.bank_return WHERE outgoing_id IS NOT NULL)"""
    )


def bank_booked(p: Planter, _: World) -> None:
    legs = (PLATFORM, "gateway_fee", 5), (PLATFORM, "gateway_fee", -5)
    p.book(*legs, key=f"bank_line:{uuid7()}", kind="bank_line")


def bank_returns_approved(p: Planter, _: World) -> None:
    p.change("UPDATE billing.bank_return SET asked_by = decided_by WHERE state = 'approved'")
