"""Every code that pages may show has its words in both languages: of states, kinds, work, reasons and failures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint

from api.language import LANGUAGES, Language
from api.pages.frame.codes import in_words, is_code
from api.pages.frame.translations import translations
from api.state_words import with_states
from app.composition import TABLES, compose
from billing.gateways.sandbox_scripts import DISPUTE_SCRIPTS, PAYOUT_SCRIPTS, REFUND_SCRIPTS, payment_script
from kernel import states
from kernel.jobs import kinds
from kernel.settings import Settings
from tests.unit.pages.code_words import written_codes

GROUPS = {"purchase": "order", "incident": "incident_state"}
"""Machines whose states are said by words of another name than theirs."""
CHECKED = {
    ("incident", "kind"): "incident",
    ("touchpoint", "kind"): "touchpoint",
    ("listing", "kind"): "listing_kind",
    ("video", "visibility"): "visibility",
    ("approval", "decision"): "decision",
    ("placement", "action"): "cta",
    ("share", "kind"): "share_kind",
    ("run", "operation"): "operation",
    ("attribution", "rule"): "rule",
    ("statement_line", "kind"): "statement_line",
}
"""Columns of codes that pages show, and the words' name."""
GATEWAYS = ("sandbox", "stripe", "bank_transfer")
TOKENS = ("sbx_declined", "sbx_insufficient", "sbx_delayed_fail", "sbx_reversed")


def allowed(table: str, column: str) -> list[str]:
    """The values that a column's check allows."""
    found = next(one for one in TABLES.sorted_tables if one.name == table)
    checks = [str(one.sqltext) for one in found.constraints if isinstance(one, CheckConstraint)]
    check = next(one for one in checks if one.startswith(f"{column} IN ("))
    return re.findall(r"'([^']+)'", check)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_word(language: Language) -> None:
    texts = translations(language).texts
    wanted = [
        f"word.{GROUPS.get(name, name.removeprefix('marketplace.'))}.{state}"
        for name, machine in states.machines.items()
        for state in machine.states
        # A version is shown as its listing's state.
        if name != "marketplace.listing_version"
    ]
    assert wanted
    assert [key for key in wanted if key not in texts] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("table", "column"), sorted(CHECKED))
def test_every_value_of_a_shown_column_has_a_word(language: Language, table: str, column: str) -> None:
    texts = translations(language).texts
    keys = [f"word.{CHECKED[table, column]}.{value}" for value in allowed(table, column)]
    assert keys
    assert [key for key in keys if key not in texts] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_gateway_and_kind_of_work_has_a_word(language: Language, tmp_path: Path) -> None:
    compose(Settings(database_url="postgresql://x@localhost/x", market_home=tmp_path, payment_gateways=("sandbox",)))
    texts = translations(language).texts
    names = {*kinds.names(), *(one.name for one in kinds.sweeps())}
    assert "billing.invoice.render" in names
    assert [
        name for name in sorted(names) if f"word.job.{name}" not in texts and not name.startswith(("test.", "tests."))
    ] == []
    assert [name for name in GATEWAYS if f"word.gateway.{name}" not in texts] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_that_the_product_writes_has_words(language: Language) -> None:
    scripts = [*REFUND_SCRIPTS.values(), *DISPUTE_SCRIPTS.values(), *PAYOUT_SCRIPTS.values()]
    scripts += [found for found in map(payment_script, TOKENS) if found]
    codes = written_codes() | {one.error_code for one in scripts if one.error_code}
    assert {"made_at_the_gateway", "account_closed", "http_"} <= codes
    other = translations(language).text("word.code.other")
    # What a value completes ends with an underline.
    said = {code: in_words(language, f"{code}x" if code.endswith("_") else code) for code in codes}
    assert {code: words for code, words in said.items() if words in {code, other}} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_codes_are_words(language: Language) -> None:
    texts = translations(language).texts
    keys = [key for key in texts if key.startswith(("word.code", "word.job."))]
    assert [key for key in keys if re.search(r"[a-z]_[a-z]", texts[key])] == []


def test_a_code_of_a_gateways_that_nobody_lists_says_so() -> None:
    assert in_words("en", "some_new_code") == "A reason known by its code only"
    assert in_words("zh-CN", "some_new_code") == "仅有代码的原因"


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("http_503", "Answered with HTTP status 503", "返回 HTTP 状态 503"),
        (
            "dispute_fraudulent",
            "The bank decided a dispute: The payer says it was not theirs",
            "银行裁定拒付：付款方称非本人交易",
        ),
        ("address_link_local", "The address lies in a network that may not be called", "地址所在网络不允许调用"),
    ],
)
def test_a_code_with_a_value_says_it(code: str, english: str, chinese: str) -> None:
    assert (in_words("en", code), in_words("zh-CN", code)) == (english, chinese)


def test_what_somebody_wrote_stays_and_of_two_languages_it_is_the_readers() -> None:
    written = "无法交付此订单。 / This order cannot be delivered."
    assert in_words("zh-CN", written) == "无法交付此订单。"
    assert in_words("en", written) == "This order cannot be delivered."
    for as_it_is in ("CPU / RAM missing", "Bought twice", "误购", "a / b / c", "甲 / 乙"):
        assert not is_code(as_it_is)
        assert {in_words("en", as_it_is), in_words("zh-CN", as_it_is)} == {as_it_is}


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The address lies in a network"), ("zh-CN", "地址所在网络不允许调用")]
)
def test_an_error_says_of_an_address_what_pages_say(language: str, said: str) -> None:
    assert with_states("connector_url_refused", {"reason": "address_link_local"}, language)["reason"].startswith(said)
