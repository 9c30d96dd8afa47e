"""What a video says held against a plan; what a plan may say; tax identifiers; byte ranges."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.v1.media import parse_range
from kernel.errors import Invalid
from marketplace.access.permissions import EVERYTHING, OPERATOR, ROLES, permissions_of
from marketplace.catalog.plan_terms import DraftPlan, Feature, checked_plan
from marketplace.parties.save_billing_profile import masked
from marketplace.parties.tax_ids import checked_tax_id
from marketplace.placements.claim_checks import ClaimValue, Terms, find_contradiction
from marketplace.pricing.components import Flat, PlanPrice
from tests.factories_marketplace import one_off_plan, per_seat_plan

TERMS = Terms(19_900, "CNY", "seat/year", 20, 14, {"full_export": None, "storage_gb": 500, "restore_min": 15})


class TestContradictions:
    @pytest.mark.parametrize(
        "said",
        [
            ClaimValue("price", 19_900, currency="CNY", unit="seat/year"),
            ClaimValue("included_seats", 20),
            ClaimValue("included_seats", 5),
            ClaimValue("trial_days", 14),
            ClaimValue("trial_days", 7),
            ClaimValue("feature", value_text="full_export"),
            ClaimValue("feature", 500, "storage_gb"),
            ClaimValue("service_level", 15, "restore_min"),
            ClaimValue("service_level", 20, "restore_min"),
        ],
    )
    def test_what_the_plan_keeps(self, said: ClaimValue) -> None:
        assert find_contradiction(said, TERMS) is None

    @pytest.mark.parametrize(
        "said",
        [
            ClaimValue("price", 19_901, currency="CNY", unit="seat/year"),
            ClaimValue("price", 19_899, currency="CNY", unit="seat/year"),
            ClaimValue("price", 19_900, currency="USD", unit="seat/year"),
            ClaimValue("price", 19_900, currency="CNY", unit="seat/month"),
            ClaimValue("included_seats", 21),
            ClaimValue("included_seats", None),
            ClaimValue("trial_days", 15),
            ClaimValue("trial_days", None),
            ClaimValue("feature", value_text="sso"),
            ClaimValue("feature", 501, "storage_gb"),
            ClaimValue("feature", 1, "full_export"),
            ClaimValue("service_level", 14, "restore_min"),
        ],
    )
    def test_what_it_does_not(self, said: ClaimValue) -> None:
        assert find_contradiction(said, TERMS) is not None

    @given(st.integers(0, 10**9), st.integers(0, 10**9))
    def test_a_price_is_kept_exactly_when_it_is_the_plans(self, said: int, held: int) -> None:
        found = find_contradiction(
            ClaimValue("price", said, currency="CNY", unit="seat/year"), replace(TERMS, unit_price_minor=held)
        )
        assert (found is None) == (said == held)

    def test_of_several_components_the_least_is_held_and_of_usage_none(self) -> None:
        mixed = replace(TERMS, unit="quarter", is_least=True)
        assert find_contradiction(ClaimValue("price", 19_900, currency="CNY", unit="quarter"), mixed) is None
        differs = find_contradiction(ClaimValue("price", 19_800, currency="CNY", unit="quarter"), mixed)
        assert differs is not None
        assert differs.holds == "≥ 19900 CNY/quarter"
        usage = find_contradiction(
            ClaimValue("price", 0, currency="CNY", unit="month"), replace(TERMS, unit="usage", unit_price_minor=0)
        )
        assert usage is not None
        assert usage.holds == "usage"


class TestPlanTerms:
    def test_terms_follow_the_interval(self) -> None:
        assert checked_plan(per_seat_plan())["term_months"] == 12
        assert checked_plan(per_seat_plan(interval="month"))["term_months"] == 1
        one_off = checked_plan(one_off_plan(min_seats=3, max_seats=9))
        assert (one_off["term_months"], one_off["min_seats"], one_off["max_seats"]) == (0, 1, 1)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"interval": "none"}, "interval_unfit"),
            ({"pricing": "one_off"}, "interval_unfit"),
            ({"pricing": "auction"}, "pricing_unknown"),
            ({"currency": "XXY"}, "currency_unknown"),
            ({"unit_price_minor": -1}, "price_invalid"),
            ({"min_seats": 9, "max_seats": 8}, "seats_invalid"),
            ({"min_seats": 0}, "seats_invalid"),
            ({"trial_days": -1}, "trial_invalid"),
            ({"trial_days": 91}, "trial_invalid"),
            ({"interval": "month", "renewal_lead_days": 16}, "renewal_lead_invalid"),
            ({"renewal_lead_days": 31}, "renewal_lead_invalid"),
            ({"renewal_lead_days": -1}, "renewal_lead_invalid"),
            ({"contract_terms": 61}, "contract_terms_invalid"),
            ({"contract_terms": -1}, "contract_terms_invalid"),
            ({"deadline_s": 0}, "deadline_invalid"),
            ({"code": "Pro!"}, "plan_code_invalid"),
            ({"features": (Feature("a", " \u200b ", ""),)}, "text_required"),
            ({"features": (Feature("a", "甲", "A"), Feature("a", "乙", "B"))}, "feature_invalid"),
        ],
    )
    def test_what_is_refused(self, changes: dict[str, object], code: str) -> None:
        with pytest.raises(Invalid) as refused:
            checked_plan(per_seat_plan(**changes))
        assert refused.value.code == code

    def test_what_recurs_is_tried_and_what_is_bought_once_is_not(self) -> None:
        tried = checked_plan(per_seat_plan(trial_days=90, trial_needs_method=True))
        assert (tried["trial_days"], tried["trial_needs_method"]) == (90, True)
        assert checked_plan(per_seat_plan(trial_needs_method=True))["trial_needs_method"] is False
        with pytest.raises(Invalid, match="trial_invalid"):
            checked_plan(one_off_plan(trial_days=1))

    def test_what_is_bought_once_has_neither_renewal_nor_contract(self) -> None:
        agreed = checked_plan(per_seat_plan(renewal_lead_days=30, contract_terms=60))
        assert (agreed["renewal_lead_days"], agreed["contract_terms"]) == (30, 60)
        with pytest.raises(Invalid, match="renewal_lead_invalid"):
            checked_plan(one_off_plan(renewal_lead_days=1))
        with pytest.raises(Invalid, match="contract_terms_invalid"):
            checked_plan(one_off_plan(contract_terms=1))

    @pytest.mark.parametrize("given", [None, "", "11010519491231002X", "91330106MA2CF9B3RJ"])
    def test_a_person_in_china_has_an_identity_card_or_is_a_sole_trader_or_says_nothing(
        self, given: str | None
    ) -> None:
        assert checked_tax_id("CN", given, of_person=True) == (given or None)

    def test_an_identity_card_is_no_code_of_an_organization(self) -> None:
        with pytest.raises(Invalid):
            checked_tax_id("CN", "11010519491231002X")

    @given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
    def test_one_wrong_character_is_always_noticed(self, at: int, other: str) -> None:
        right = "91330106MA2CF9B3RJ"
        typed = right[:at] + other + right[at + 1 :]
        if typed == right:
            assert checked_tax_id("CN", typed) == right
            return
        with pytest.raises(Invalid) as refused:
            checked_tax_id("CN", typed)
        assert refused.value.code in {"tax_id_check_digit", "tax_id_characters"}


class TestTaxIds:
    @pytest.mark.parametrize(
        ("country", "given", "stored"),
        [
            ("CN", " 91330106ma2cf9b3rj ", "91330106MA2CF9B3RJ"),
            ("DE", "136695976", "DE136695976"),
            ("DE", "DE136695976", "DE136695976"),
            ("GR", "EL094259216", "EL094259216"),
            ("GR", "GR094259216", "EL094259216"),
            ("GR", "094259216", "EL094259216"),
            ("CN", "\uff19\uff11\uff13\uff13\uff10\uff11\uff10\uff16\uff2d\uff21\uff12CF9B3RJ", "91330106MA2CF9B3RJ"),
            ("DE", "\uff24\uff25136695976", "DE136695976"),
            ("GB", "GB980780684", "GB980780684"),
            ("GB", "980 7806 84", "GB980780684"),
            ("GB", "XI980780684", "XI980780684"),
            ("MX", "a&b010110ab3", "A&B010110AB3"),
            ("MX", "n\u0303ab-010110-ab3", "\u00d1AB010110AB3"),
            ("MX", "GODE561231GR8", "GODE561231GR8"),
            ("US", "12-3456789", "12-3456789"),
            ("DE", "", None),
            ("US", None, None),
        ],
    )
    def test_kept_in_its_own_form(self, country: str, given: str | None, stored: str | None) -> None:
        assert checked_tax_id(country, given) == stored

    @pytest.mark.parametrize(
        ("country", "given", "code"),
        [
            ("CN", "91330106MA2CF9B3RK", "tax_id_check_digit"),
            ("CN", "91330106MA2CF9B3R", "tax_id_length"),
            ("CN", "91330106MA2CF9B3RI", "tax_id_characters"),
            ("CN", "9133O106MA2CF9B3RJ", "tax_id_characters"),
            ("CN", None, "tax_id_required"),
            ("DE", "DE136695977", "tax_id_check_digit"),
            ("DE", "DE13669597", "tax_id_length"),
            ("US", "<script>", "tax_id_invalid"),
            ("MX", "A&B011310AB3", "tax_id_part_unknown"),
            ("US", "A&B010110AB3", "tax_id_invalid"),
            ("GB", "XI980780685", "tax_id_check_digit"),
        ],
    )
    def test_refused(self, country: str, given: str | None, code: str) -> None:
        with pytest.raises(Invalid) as refused:
            checked_tax_id(country, given)
        assert refused.value.code == code


def test_of_an_account_number_only_the_end_is_kept() -> None:
    assert masked("6222 0202 0011 2233 445") == "•••• 3445"
    with pytest.raises(Invalid):
        masked("1234567")


def test_no_role_of_an_organization_holds_an_operators_permission() -> None:
    assert permissions_of(ROLES) == EVERYTHING
    assert not {name for name in EVERYTHING if name.startswith("operator.")}
    assert {name for name in OPERATOR if name.startswith("operator.")}
    assert permissions_of(["nonsense"]) == frozenset()


class TestRanges:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("bytes=0-", (0, 100)),
            ("bytes=0-0", (0, 1)),
            ("bytes=10-19", (10, 20)),
            ("bytes=90-500", (90, 100)),
            ("bytes=-10", (90, 100)),
            ("bytes=-500", (0, 100)),
            ("Bytes=0-0", (0, 1)),
            ("bytes=0-" + "9" * 40, (0, 100)),
            ("bytes=-" + "9" * 40, (0, 100)),
            ("bytes=" + "0" * 40 + "5-7", (5, 8)),
            ("bytes=100-", ()),
            ("bytes=" + "9" * 40 + "-", ()),
            ("bytes=" + "9" * 40 + "-" + "9" * 41, ()),
            ("bytes=-0", ()),
            ("bytes=100-,200-300", ()),
            ("bytes=5-2", None),
            ("bytes=0-1,5-6", None),
            ("bytes=0-1,200-300", None),
            ("bytes=100-,5-2", None),
            ("bytes=" + "9" * 5_000 + "-", None),
            ("items=0-5", None),
            ("bytes=--5", None),
        ],
    )
    def test_examples(self, header: str, expected: object) -> None:
        assert parse_range(header, 100) == expected

    @given(st.text(max_size=20), st.integers(0, 1000))
    def test_nothing_makes_it_fail_or_leave_the_file(self, header: str, size: int) -> None:
        found = parse_range("bytes=" + header, size)
        if found:
            start, end = found
            assert 0 <= start < end <= size


def test_a_plan_may_be_paid_in_instalments() -> None:
    price = PlanPrice(
        currency="CNY",
        interval="month",
        term_months=12,
        components=(Flat(kind="flat", amount_minor=100),),
        instalments=4,
    )
    assert checked_plan(DraftPlan("pro", "专业版", "Pro", price=price))["price"]["instalments"] == 4
