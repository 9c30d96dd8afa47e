"""A seller's start: who does which step, what is kept, and that every guard asks the same checklist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.secrets import SecretBox, SecretUnreadable
from kernel.storage import StoredObject
from marketplace.catalog.draft_listing import DraftListing, draft_listing
from marketplace.catalog.submit_listing import submit_listing
from marketplace.onboarding import agreement_text as agreements
from marketplace.onboarding.accept_agreement import AcceptAgreement, accept_agreement
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION, agreement_text
from marketplace.onboarding.become_seller import become_seller
from marketplace.onboarding.checklist import STEPS, pass_connector_test
from marketplace.onboarding.confirm_tax import confirm_tax
from marketplace.onboarding.models import AgreementAcceptance, LegalProof, PayoutAccount, SellerOnboarding
from marketplace.onboarding.queries import (
    find_acceptance,
    get_checklist,
    list_payout_accounts,
    list_waiting_proofs,
    reveal_payout_account,
)
from marketplace.onboarding.review_legal_proof import ReviewLegalProof, review_legal_proof
from marketplace.onboarding.save_payout_account import open_account, save_payout_account
from marketplace.onboarding.submit_legal_proof import SubmitLegalProof, document_key, submit_legal_proof
from marketplace.parties.models import Organization
from marketplace.publishing.edit_placements import AddPlacement, add_placement
from marketplace.publishing.publish_video import publish_video
from tests.factories_marketplace import (
    BOX,
    OPERATOR_PRINCIPAL,
    Org,
    acting,
    bank_account,
    hand_in_proof,
    make_org,
    make_plans,
    make_ready_video,
    make_seller,
    new_tax_id,
    per_seat_plan,
    words,
)

ACCEPT = AcceptAgreement(AGREEMENT_VERSION, "en", "王芳")


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    """A seller who has done nothing yet."""
    return make_org(uow, seller=True)


def decide(uow: UnitOfWork, proof: LegalProof, reason: str = "") -> None:
    with acting(uow, OPERATOR_PRINCIPAL):
        review_legal_proof(uow, ReviewLegalProof(proof.id, not reason, reason))


def steps_of(seller: Org) -> dict[str, Callable[[UnitOfWork], None]]:
    """How each step is done, by whoever does it."""

    def own(work: Callable[[UnitOfWork], object]) -> Callable[[UnitOfWork], None]:
        def run(uow: UnitOfWork) -> None:
            with acting(uow, seller.owner):
                work(uow)

        return run

    def connector(uow: UnitOfWork) -> None:
        with acting(uow, SYSTEM):
            pass_connector_test(uow, seller.id)

    return {
        "legal": lambda uow: decide(uow, hand_in_proof(uow, seller)),
        "tax": own(confirm_tax),
        "bank": own(lambda uow: save_payout_account(uow, bank_account(), BOX)),
        "agreement": own(lambda uow: accept_agreement(uow, ACCEPT)),
        "connector": connector,
    }


def states(uow: UnitOfWork, org: Org) -> dict[str, str]:
    with acting(uow, org.owner):
        return {step.step: step.state for step in get_checklist(uow).steps}


class TestChecklist:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(order=st.lists(st.sampled_from(STEPS), max_size=9))
    def test_whatever_the_order_it_is_complete_exactly_when_nothing_is_missing(
        self, uow: UnitOfWork, order: list[str]
    ) -> None:
        seller = make_org(uow, seller=True)
        do = steps_of(seller)
        for step in order:
            do[step](uow)
        with acting(uow, seller.owner):
            found = get_checklist(uow)
        assert found.missing == tuple(step for step in STEPS if step not in order)
        assert (found.completed_at is not None) == (set(order) == set(STEPS))
        happened = select(func.count()).where(
            EventRow.topic == "marketplace.seller_onboarded.v1", EventRow.payload["org_id"].astext == str(seller.id)
        )
        uow.flush_outbox()
        assert uow.session.scalar(happened) in {0, int(set(order) == set(STEPS))}

    @pytest.mark.parametrize("missing", STEPS)
    def test_both_guards_close_with_any_step_that_is_missing(self, uow: UnitOfWork, missing: str) -> None:
        seller = make_org(uow, seller=True)
        for step, do in steps_of(seller).items():
            if step != missing:
                do(uow)
        video = make_ready_video(uow, seller)
        with acting(uow, seller.owner):
            listing = draft_listing(uow, DraftListing("saas", "hr", "a-listing", words(), (per_seat_plan(),)))
            with pytest.raises(Conflict, match="review_checks_failed") as refused:
                submit_listing(uow, listing.id)
            assert "onboarding_incomplete" in str(refused.value.params["reasons"])
            with pytest.raises(Conflict, match="onboarding_incomplete") as kept_back:
                publish_video(uow, video.id)
            assert kept_back.value.params["missing"] == missing
        steps_of(seller)[missing](uow)
        with acting(uow, seller.owner):
            assert submit_listing(uow, listing.id).state == "in_review"
            assert publish_video(uow, video.id).state == "published"

    def test_who_begins_to_sell_goes_on_promoting_others(self, uow: UnitOfWork) -> None:
        seller, promoter = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video = make_ready_video(uow, promoter)
        with acting(uow, promoter.owner):
            add_placement(uow, AddPlacement(video.id, plan.id, 0, 10_000))
            become_seller(uow)
            assert publish_video(uow, video.id).state == "published"

    def test_a_new_agreement_is_accepted_anew_and_every_guard_knows(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        video = make_ready_video(uow, seller)
        row = uow.session.get_one(SellerOnboarding, seller.id)
        row.agreement_version = "2025-01"
        uow.flush()
        assert states(uow, seller)["agreement"] == "todo"
        with acting(uow, seller.owner), pytest.raises(Conflict, match="onboarding_incomplete"):
            publish_video(uow, video.id)

    def test_who_does_not_sell_has_none(self, uow: UnitOfWork) -> None:
        buyer = make_org(uow)
        for step in ("tax", "agreement", "connector"):
            with pytest.raises(NotFound, match="onboarding_not_found"):
                steps_of(buyer)[step](uow)

    def test_who_buys_begins_to_sell_once(self, uow: UnitOfWork) -> None:
        buyer = make_org(uow)
        with acting(uow, buyer.owner):
            become_seller(uow)
            confirm_tax(uow)
            become_seller(uow)
            assert "tax" not in get_checklist(uow).missing
        assert uow.session.get_one(Organization, buyer.id).is_seller
        with acting(uow, OPERATOR_PRINCIPAL), pytest.raises(Forbidden, match="seller_refused"):
            become_seller(uow)


class TestLegalProof:
    def test_it_waits_is_rejected_with_words_and_approved(self, uow: UnitOfWork, seller: Org) -> None:
        assert states(uow, seller)["legal"] == "todo"
        first = hand_in_proof(uow, seller)
        assert states(uow, seller)["legal"] == "waiting"
        decide(uow, first, "The stamp cannot be read.")
        with acting(uow, seller.owner):
            step = get_checklist(uow).steps[0]
        assert (step.state, step.reason) == ("rejected", "The stamp cannot be read.")
        decide(uow, hand_in_proof(uow, seller))
        assert states(uow, seller)["legal"] == "done"

    def test_a_refusal_needs_words(self, uow: UnitOfWork, seller: Org) -> None:
        proof = hand_in_proof(uow, seller)
        for reason, code in (("  ", "text_required"), ("x" * 501, "text_too_long")):
            with acting(uow, OPERATOR_PRINCIPAL), pytest.raises(Invalid, match=code):
                review_legal_proof(uow, ReviewLegalProof(proof.id, approve=False, reason=reason))
        assert states(uow, seller)["legal"] == "waiting"

    def test_nobody_decides_about_their_own(self, uow: UnitOfWork, seller: Org) -> None:
        proof = hand_in_proof(uow, seller)
        for who in (seller.owner, make_org(uow, seller=True).owner):
            with acting(uow, who), pytest.raises(Forbidden, match="permission_missing"):
                review_legal_proof(uow, ReviewLegalProof(proof.id, approve=True))
            with acting(uow, who), pytest.raises(Forbidden, match="permission_missing"):
                list_waiting_proofs(uow)
        assert states(uow, seller)["legal"] == "waiting"

    def test_a_better_copy_takes_its_place_and_the_same_file_does_not(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            same = StoredObject(document_key(seller.id), 10, "a" * 64)
            first = submit_legal_proof(uow, SubmitLegalProof(same, "image/png", "a.png"))
            again = StoredObject(document_key(seller.id), 10, "a" * 64)
            assert submit_legal_proof(uow, SubmitLegalProof(again, "image/png", "a.png")).id == first.id
        second = hand_in_proof(uow, seller)
        assert (first.state, second.state) == ("superseded", "submitted")
        with acting(uow, OPERATOR_PRINCIPAL), pytest.raises(Conflict, match="legal_proof_decided"):
            review_legal_proof(uow, ReviewLegalProof(first.id, approve=True))

    def test_the_same_decision_again_is_none_and_another_is_refused(self, uow: UnitOfWork, seller: Org) -> None:
        proof = hand_in_proof(uow, seller)
        with clock.frozen(clock.now()):
            decide(uow, proof)
            at = proof.reviewed_at
            clock.advance(timedelta(hours=1))
            decide(uow, proof)
        assert proof.reviewed_at == at
        with pytest.raises(Conflict, match="legal_proof_decided"):
            decide(uow, proof, "Changed my mind.")

    def test_who_was_approved_stays_so_while_a_newer_document_is_looked_at(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        newer = hand_in_proof(uow, seller)
        assert states(uow, seller)["legal"] == "done"
        decide(uow, newer, "Too dark.")
        assert states(uow, seller)["legal"] == "done"

    def test_the_oldest_waits_first(self, uow: UnitOfWork) -> None:
        with clock.frozen(clock.now()):
            proofs = []
            for _ in range(3):
                proofs.append(hand_in_proof(uow, make_org(uow, seller=True)).id)
                clock.advance(timedelta(seconds=1))
        with acting(uow, OPERATOR_PRINCIPAL):
            first = list_waiting_proofs(uow, limit=2)
            mine = [row.proof.id for row in first.items]
            rest = list_waiting_proofs(uow, cursor=first.next_cursor, limit=100)
            mine += [row.proof.id for row in rest.items]
        assert [one for one in mine if one in proofs] == proofs


class TestPayoutAccount:
    def test_the_number_is_sealed_to_its_row(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            row = save_payout_account(uow, bank_account(account="6222020200998877665"), BOX)
            (shown,) = list_payout_accounts(uow)
        assert "6222020200998877665" not in repr(shown) + repr(bank_account(account="6222020200998877665"))
        assert (shown.account_last4, open_account(row, BOX)) == ("7665", "6222020200998877665")
        for table in ("marketplace.payout_account", "kernel.audit_entry", "kernel.event", "kernel.state_history"):
            rows = uow.session.scalars(text(f"SELECT t::text FROM {table} t")).all()
            assert not [one for one in rows if "6222020200998877665" in one], table
        other = PayoutAccount(id=uuid7(), org_id=seller.id, account_sealed=row.account_sealed)
        with pytest.raises(SecretUnreadable):
            open_account(other, BOX)

    def test_another_account_takes_its_place_in_its_currency_alone(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            first = save_payout_account(uow, bank_account(), BOX)
            assert save_payout_account(uow, bank_account(account="6222-0202 0011 2233 445"), BOX).id == first.id
            euro = save_payout_account(
                uow, bank_account(currency="EUR", country="DE", account="DE89370400440532013000", bank_code=""), BOX
            )
            second = save_payout_account(uow, bank_account(holder="另一家公司"), BOX)
            assert {one.id for one in list_payout_accounts(uow)} == {euro.id, second.id}
        assert first.replaced_at is not None

    def test_a_promoter_has_one_without_a_checklist(self, uow: UnitOfWork) -> None:
        promoter = make_org(uow)
        with acting(uow, promoter.owner):
            save_payout_account(uow, bank_account(), BOX)
            assert [one.account_last4 for one in list_payout_accounts(uow)] == ["3445"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"currency": "XXX"}, "currency_unknown"),
            ({"currency": "cny"}, "currency_unknown"),
            ({"country": "ZZ"}, "country_invalid"),
            ({"holder": " "}, "text_required"),
            ({"bank_name": "x" * 201}, "text_too_long"),
            ({"account": "12"}, "payout_account_invalid"),
            ({"bank_code": "12"}, "payout_bank_code_invalid"),
        ],
    )
    def test_what_no_bank_would_take_changes_nothing(
        self, uow: UnitOfWork, seller: Org, change: dict[str, str], code: str
    ) -> None:
        with acting(uow, seller.owner):
            with pytest.raises(Invalid, match=code):
                save_payout_account(uow, bank_account(**change), BOX)
            assert list_payout_accounts(uow) == []
        assert states(uow, seller)["bank"] == "todo"

    def test_only_who_pays_sees_it_whole_and_it_is_written_down(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            row = save_payout_account(uow, bank_account(), BOX)
            with pytest.raises(Forbidden, match="permission_missing"):
                reveal_payout_account(uow, row.id, BOX)
        with acting(uow, OPERATOR_PRINCIPAL):
            assert reveal_payout_account(uow, row.id, BOX)[1] == "6222020200112233445"
            with pytest.raises(NotFound, match="payout_account_not_found"):
                reveal_payout_account(uow, uuid7(), BOX)
        uow.flush_outbox()
        looked = "SELECT count(*) FROM kernel.audit_entry WHERE action = 'payout_account.revealed' AND subject_id = :id"
        with acting(uow, SYSTEM):
            assert uow.session.scalar(text(looked), {"id": row.id}) == 1

    def test_a_key_that_was_lost_does_not_open_it(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            row = save_payout_account(uow, bank_account(), BOX)
        other = SecretBox({"k1": b"another key that is thirty-two b"[:32]})
        with pytest.raises(SecretUnreadable):
            open_account(row, other)
        with acting(uow, seller.owner):
            again = save_payout_account(uow, bank_account(), other)
        assert (again.id != row.id, open_account(again, other)) == (True, "6222020200112233445")


class TestAgreement:
    def test_who_accepted_what_is_kept_once(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            first = accept_agreement(uow, ACCEPT)
            again = accept_agreement(uow, AcceptAgreement(AGREEMENT_VERSION, "zh-CN", "somebody else"))
            shown = find_acceptance(uow)
        assert again.id == first.id
        assert shown is not None
        assert (shown.accepted_name, shown.version) == ("王芳", AGREEMENT_VERSION)
        kept = uow.session.scalars(select(AgreementAcceptance).where(AgreementAcceptance.org_id == seller.id)).one()
        assert (kept.locale, kept.text_sha256) == ("en", agreement_text("en").sha256)
        assert kept.accepted_by == seller.owner.person_id

    @pytest.mark.parametrize("version", ["", "2025-01", "2099-01"])
    def test_another_version_is_not_accepted(self, uow: UnitOfWork, seller: Org, version: str) -> None:
        with acting(uow, seller.owner), pytest.raises(Invalid, match="agreement_outdated"):
            accept_agreement(uow, AcceptAgreement(version, "en", "王芳"))

    def test_a_key_accepts_nothing(self, uow: UnitOfWork, seller: Org) -> None:
        key = Principal(PrincipalKind.API_KEY, seller.id, permissions=seller.owner.permissions)
        with acting(uow, key), pytest.raises(Forbidden, match="person_required"):
            accept_agreement(uow, ACCEPT)

    def test_both_languages_have_the_same_sections(self) -> None:
        chinese, english = agreement_text("zh-CN"), agreement_text("en")
        assert len(chinese.sections) == len(english.sections) > 0
        assert chinese.sha256 != english.sha256
        assert agreements.agreement_text("fr") == chinese


class TestTax:
    def test_one_that_came_without_an_identifier_gives_it(self, uow: UnitOfWork) -> None:
        seller = make_org(uow, seller=True, country="US")
        with acting(uow, seller.owner):
            confirm_tax(uow, "12-3456789")
            with pytest.raises(Conflict, match="tax_id_registered"):
                confirm_tax(uow, "98-7654321")
            confirm_tax(uow)
        assert uow.session.get_one(Organization, seller.id).tax_id == "12-3456789"

    def test_a_registered_one_is_not_changed_here(self, uow: UnitOfWork, seller: Org) -> None:
        with acting(uow, seller.owner):
            with pytest.raises(Conflict, match="tax_id_registered"):
                confirm_tax(uow, new_tax_id())
            with pytest.raises(Invalid, match="tax_id_length"):
                confirm_tax(uow, "123")
        assert states(uow, seller)["tax"] == "todo"
