"""One corruption for every rule about tax invoices (数电票): what it names, and nothing else, is wrong afterwards."""

from __future__ import annotations

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
