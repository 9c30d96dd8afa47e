"""`market demo`, as anybody would run it: processes of its own, real HTTP, the gateway's pages and the books at the end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOLD = (
    "sign in · upload · examine · publish · view and click · quote · purchase · pay and provision · seller's own log · "
    "entitlement · invoice · share · statement · payout · trace · refund · credit note · gateway's balance · "
    "reconciliation · verify"
).split(" · ")


@pytest.mark.timeout(300)
def test_money_comes_and_goes_through_stripe_and_both_books_say_the_same() -> None:
    command = [sys.executable, "-m", "app.cli", "demo", "--gateway", "stripe", "--short", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    steps = {step["name"]: step["evidence"] for step in told["steps"]}
    assert (done.returncode, told["ok"]) == (0, True), told["steps"][-1]
    assert list(steps) == TOLD
    # The payer was led to a page that is not ours, and nothing of the sandbox's gateway had a part in it.
    paid = steps["pay and provision"]
    assert paid["gateway"] == "stripe"
    assert "/pay/" in paid["paid_on"]
    held = steps["gateway's balance"]
    assert held["gateway"] == "stripe"
    assert held["held"] == held["ledger"]
    assert held["held"]["amount"] > 0
    assert steps["reconciliation"]["compared"] > 0
    for file in (told["invoice_pdf"], told["credit_note_pdf"]):
        assert Path(file).read_bytes().startswith(b"%PDF-")
    shutil.rmtree(Path(told["invoice_pdf"]).parent)


ACT = (
    "sign in · partner · live for partners · headquarters · dealer orders · headquarters pays · seats allocated · circle · "
    "circle binds and buys · exhibition · visitor becomes customer · verify"
).split(" · ")


@pytest.mark.timeout(300)
def test_organizations_that_know_each_other_sell_pay_and_meet() -> None:
    command = [sys.executable, "-m", "app.cli", "demo", "--story", "relations", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    told = json.loads(done.stdout.splitlines()[-1])
    steps = {step["name"]: step["evidence"] for step in told["steps"]}
    assert (done.returncode, told["ok"]) == (0, True), told["steps"][-1]
    assert list(steps) == ACT
    # The tenth off that the tier gives, paid by somebody else, to whom the invoice went.
    assert steps["headquarters pays"]["paid"] == steps["dealer orders"]["gross"]
    assert steps["headquarters pays"]["invoice"]
    assert steps["circle"]["buys alone"] == "payer_needed"
    assert steps["visitor becomes customer"]["lead"] == "won"
