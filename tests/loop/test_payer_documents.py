"""All invoices of what a payer paid for others in a month, as one file: those of its own purchases, and nobody else's."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO, StringIO

from kernel import clock
from kernel.ids import uuid7
from marketplace.payers.agree import PayerLimits
from tests.loop.test_payer_limits_property import signed_in
from tests.loop.test_payers import Paid
from tests.loop_stage import Stage


def test_a_payer_has_all_invoices_of_a_month_and_the_buyer_its_own(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits())
    paid.pays_at_once()
    first, second, own = paid.buy(), paid.buy(), stage.buy()
    stage.run(documents=True)
    stage.refund(second)
    stage.run(documents=True)
    papers = [*stage.papers(first), *stage.papers(second), *stage.papers(second, "credit_note")]
    numbers = {one.number for one in papers}
    assert len(numbers) == 3, "two invoices and a credit note"
    (month,) = paid.months()
    path = f"/v1/payer-months/{month.month:%Y-%m}/documents"
    with signed_in(stage, paid.payer.owner, paid.payer.id) as payer:
        for query in ("", f"?org_id={stage.buyer.id}"):
            answer = payer.get(path + query)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
            with zipfile.ZipFile(BytesIO(answer.content)) as archive:
                assert archive.testzip() is None
                names = archive.namelist()
                rows = list(csv.DictReader(StringIO(archive.read("index.csv").decode("utf-8-sig"))))
                for row in rows:
                    assert archive.read(row["pdf"]).startswith(b"%PDF-")
            assert {row["number"] for row in rows} == numbers
            assert not any(str(one.number) in name for one in stage.papers(own) for name in names)
        assert path in payer.get("/payers/charges").text
        for nothing in (
            f"{path}?org_id={uuid7()}",
            "/v1/payer-months/1999-01/documents",
            "/v1/payer-months/soon/documents",
        ):
            assert payer.get(nothing).status_code == 404
    with signed_in(stage, stage.buyer.owner, stage.buyer.id) as buyer:
        assert buyer.get(path).status_code == 404


def test_what_is_not_drawn_yet_is_named(stage: Stage) -> None:
    paid = Paid(stage, PayerLimits())
    paid.pays_at_once()
    drawn = paid.buy()
    stage.run(documents=True)
    late = paid.buy()
    stage.run()
    with signed_in(stage, paid.payer.owner, paid.payer.id) as payer:
        answer = payer.get(f"/v1/payer-months/{clock.today('Asia/Shanghai'):%Y-%m}/documents")
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        said = archive.read("NOT-YET-DRAWN.txt").decode("utf-8-sig")
    assert str(stage.papers(late)[0].number) in said
    assert str(stage.papers(drawn)[0].number) not in said
