"""The heads of the ledger's chain are written down outside, and a chain that was made anew does not fit them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.verify.check import snapshot
from app.verify.heads import HEADS
from app.verify.rule import Example, Outside
from billing.ledger.heads import HeadsFile, HeadsMailbox, keep_heads
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.signing import TokenSigner
from marketplace.mail.compose import Composer, MailContent
from tests.service.verify.conftest import Market
from tests.service.verify.planting import Planter

SIGNER = TokenSigner([bytes(32)])


def said(market: Market) -> list[Example]:
    with snapshot(market.db) as uow:
        return HEADS.collect(uow)


def kept(owner: UnitOfWork, path: Path) -> HeadsFile:
    found = HeadsFile(path, SIGNER)
    assert keep_heads(lambda work: work(owner), found) > 1
    assert keep_heads(lambda work: work(owner), found) == 0
    return found


def faults(rows: list[Example], heads: HeadsFile) -> list[tuple[int, str]]:
    return [(fault["seal_number"], fault["what"]) for fault in HEADS.compare(rows, Outside(heads=heads))]


def test_what_was_kept_fits_the_chain(market: Market, owner: UnitOfWork, tmp_path: Path) -> None:
    rows = said(market)
    assert faults(rows, kept(owner, tmp_path / "away" / "heads.jsonl")) == []
    assert list(HEADS.compare(rows, Outside())) == []


def test_a_chain_that_was_made_anew_is_named(market: Market, owner: UnitOfWork, tmp_path: Path) -> None:
    heads = kept(owner, tmp_path / "heads.jsonl")
    planter = Planter(owner)
    with planter.unguarded():
        planter.change("UPDATE billing.ledger_seal SET hash = repeat('0', 64) WHERE number = 1")
    rows = HEADS.collect(owner)
    assert faults(rows, heads) == [(1, "hash_differs")]
    assert faults(rows[1:], heads)[0][0] == min(row["seal_number"] for row in said(market) if row not in rows[1:])


def test_a_line_that_was_written_by_somebody_else_is_named(market: Market, owner: UnitOfWork, tmp_path: Path) -> None:
    path = tmp_path / "heads.jsonl"
    heads = kept(owner, path)
    first, *rest = path.read_text("utf-8").splitlines()
    forged = json.dumps(json.loads(first) | {"hash": "0" * 64})
    path.write_text("\n".join([forged, *rest, "no json", "[]"]) + "\n", "utf-8")
    assert faults(said(market), heads) == [(1, "signature_invalid"), (0, "signature_invalid"), (0, "signature_invalid")]
    other = HeadsFile(path, TokenSigner([bytes(31) + b"1"]))
    assert {what for _, what in faults(said(market), other)} == {"signature_invalid"}


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_line_of_the_mail_is_a_line_of_the_file(
    market: Market, owner: UnitOfWork, tmp_path: Path, locale: str
) -> None:
    rows, mail = said(market), HeadsMailbox("auditor@example.com", SIGNER).newest(owner)
    content = MailContent(uuid7(), mail.to_address, mail.kind, locale, clock.now(), mail.params)
    message = Composer(SIGNER, public_url="https://market.example", sender="a@market.example").compose(content)
    body = message.get_body(("plain",))
    assert body is not None
    (line,) = [one for one in body.get_content().splitlines() if one.startswith("{")]
    path = tmp_path / "from-mail.jsonl"
    path.write_text(f"{line}\n", "utf-8")
    heads = HeadsFile(path, SIGNER)
    assert heads.last_number() == max(row["seal_number"] for row in rows)
    assert faults(rows, heads) == []
    forged: list[Example] = [{**row, "hash": "0" * 64} for row in rows]
    assert faults(forged, heads) == [(heads.last_number(), "hash_differs")]
