"""Cards that sell nothing: who may answer, what is kept and for how long, and that no money comes near them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, inspect, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from kernel.signing import TokenSigner
from kernel.storage import StoredObject
from marketplace.attribution.models import Touchpoint
from marketplace.discovery.feed import get_feed_item
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.models import Mail
from marketplace.response_cards.answer_card import OF_MAILBOX, RECEIPT, answer_card
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION, card_consent_text
from marketplace.response_cards.count_card import count_card
from marketplace.response_cards.models import CardResponse, ResponseCard
from marketplace.response_cards.queries import get_card_page, get_one_card, list_responses
from marketplace.response_cards.save_card import add_card, change_card, put_card_file, remove_card
from marketplace.response_cards.work_response import (
    WorkResponse,
    erase_due,
    erase_own,
    erase_response,
    responses_due,
    work_response,
)
from marketplace.videos.models import VIDEO, Video
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from tests.card_stage import answer_as_guest, card, guest
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, make_ready_video

SIGNER = TokenSigner([bytes(range(32))])


@pytest.fixture(autouse=True)
def frozen(tmp_path: Path) -> Iterator[None]:
    composer = Composer(SIGNER, public_url="https://market.example", sender="m@market.example")
    mail_jobs.register(FolderTransport(tmp_path), composer)
    with clock.frozen(NOON):
        yield


@pytest.fixture
def owner(uow: UnitOfWork) -> Org:
    return make_org(uow, seller=True, name="一号直聘")


@pytest.fixture
def reader(uow: UnitOfWork) -> Org:
    return make_org(uow)


def shown(uow: UnitOfWork, org: Org, visibility: str = "public") -> Video:
    video = make_ready_video(uow, org, visibility=visibility)
    with acting(uow, org.owner):
        VIDEO.move(uow, video, "published", org_ids=[org.id])
        video.published_at = clock.now()
        uow.flush()
    return video


def put(uow: UnitOfWork, org: Org, video: Video | None = None, **changes: Any) -> UUID:
    video = video or shown(uow, org)
    with acting(uow, org.owner):
        return add_card(uow, video.id, card(**changes)).id


def refused(uow: UnitOfWork, who: Principal, card_id: UUID, **changes: Any) -> str:
    with acting(uow, who), pytest.raises(DomainError) as error, uow.session.begin_nested():
        answer_card(uow, guest(card_id, **changes))
    return error.value.code


def answers(uow: UnitOfWork, card_id: UUID) -> list[CardResponse]:
    return list(uow.session.scalars(select(CardResponse).where(CardResponse.card_id == card_id)))


class TestOnTheVideo:
    def test_the_player_shows_what_was_put_there(self, uow: UnitOfWork, owner: Org, reader: Org) -> None:
        video = shown(uow, owner)
        late = put(uow, owner, video, start_ms=6_000)
        early = put(uow, owner, video, kind="register", title="", title_en="Meet us")
        with acting(uow, reader.owner):
            seen = get_feed_item(uow, video.id).response_cards
        assert [(one.id, one.kind, one.title, one.title_en) for one in seen] == [
            (early, "register", "Meet us", "Meet us"),
            (late, "apply", "校招工程师", "Graduate engineer"),
        ]
        with acting(uow, owner.owner):
            change_card(uow, early, card(title="见面会"))
            remove_card(uow, late)
            remove_card(uow, late)
        with acting(uow, reader.owner):
            (left,) = get_feed_item(uow, video.id).response_cards
        assert (left.id, left.kind, left.title) == (early, "register", "见面会")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"kind": "buy"}, "card_kind_unknown"),
            ({"start_ms": 9_000}, "placement_range"),
            ({"end_ms": 60_000}, "placement_beyond_end"),
            ({"fields": ("salary",)}, "card_field_unknown"),
            ({"places": 0}, "card_places"),
            ({"retention_days": 2_000}, "card_retention"),
            ({"closes_at": NOON}, "card_closes_past"),
            ({"title": " ", "title_en": ""}, "text_required"),
            ({"kind": "learn"}, "learn_video_required"),
            ({"kind": "learn", "learn_video_id": uuid7()}, "video_not_found"),
        ],
    )
    def test_what_no_card_can_be(self, uow: UnitOfWork, owner: Org, changes: dict[str, Any], code: str) -> None:
        video = shown(uow, owner)
        with acting(uow, owner.owner), pytest.raises(DomainError) as error:
            add_card(uow, video.id, card(**changes))
        assert error.value.code == code

    def test_nothing_of_it_can_be_bought(self, uow: UnitOfWork, owner: Org, reader: Org) -> None:
        card_id = put(uow, owner)
        columns = {column.key for column in inspect(ResponseCard).column_attrs}
        assert not {name for name in columns if name.endswith(("_minor", "plan_id", "listing_id", "currency"))}
        with acting(uow, reader.owner), pytest.raises(DomainError) as error:
            create_quote(uow, CreateQuote((QuoteItem(card_id, 1),)))
        assert error.value.code == "plan_not_found"


class TestAnswering:
    def test_a_guest_answers_with_consent_and_has_the_receipt_by_mail_alone(self, uow: UnitOfWork, owner: Org) -> None:
        card_id = put(uow, owner, fields=("phone", "message"))
        with acting(uow, ANONYMOUS):
            made = answer_card(uow, guest(card_id, "wang@guest.example", message="Hello", company="not asked"))
        assert (made.response_id, made.receipt) == (None, None)
        (row,) = answers(uow, card_id)
        assert (row.name, row.email, row.phone, row.message, row.company) == (
            "王芳",
            "wang@guest.example",
            "139 0000",
            "Hello",
            "",
        )
        assert row.consent_text == card_consent_text("zh-CN", "一号直聘", "校招工程师", 180)
        assert (row.state, row.erase_at, row.person_id) == ("new", NOON + timedelta(days=180), None)
        (mail,) = uow.session.scalars(select(Mail).where(Mail.to_address == "wang@guest.example"))
        assert (mail.kind, mail.params["proof_id"]) == ("card_answered", str(row.id))
        told = select(func.count()).select_from(EventRow).where(EventRow.payload["response_id"].astext == str(row.id))
        assert uow.session.scalar(told) == 1

    def test_the_same_address_again_is_the_same_answer_and_says_nothing_of_it(
        self, uow: UnitOfWork, owner: Org
    ) -> None:
        card_id = put(uow, owner)
        for _ in range(2):
            answer_as_guest(uow, card_id, "wang@guest.example")
        assert len(answers(uow, card_id)) == 1
        mails = select(func.count()).select_from(Mail).where(Mail.to_address == "wang@guest.example")
        assert uow.session.scalar(mails) == 2
        for _ in range(OF_MAILBOX.attempts - 2):
            answer_as_guest(uow, card_id, "wang@guest.example")
        assert refused(uow, ANONYMOUS, card_id, email="wang@guest.example") == "card_answers_too_often"

    def test_whoever_has_signed_in_answers_by_their_own_address(self, uow: UnitOfWork, owner: Org, reader: Org) -> None:
        card_id = put(uow, owner)
        with acting(uow, reader.owner):
            first = answer_card(uow, guest(card_id, "somebody@else.example"))
            again = answer_card(uow, guest(card_id, "another@else.example"))
        assert first.receipt is not None
        assert first.response_id == again.response_id
        (row,) = answers(uow, card_id)
        assert (row.email, row.person_id) == (reader.email, reader.owner.person_id)

    @pytest.mark.parametrize("kind", ["download", "learn"])
    def test_some_are_for_people_who_have_signed_in(self, uow: UnitOfWork, owner: Org, reader: Org, kind: str) -> None:
        video = shown(uow, owner)
        card_id = put(uow, owner, video, kind=kind, learn_video_id=video.id if kind == "learn" else None)
        assert refused(uow, ANONYMOUS, card_id) == "sign_in_required"
        if kind == "download":
            assert refused(uow, reader.owner, card_id) == "card_has_no_file"
            with acting(uow, owner.owner):
                put_card_file(uow, card_id, StoredObject("card-files/x", 8, "0" * 64), "application/pdf", "a.pdf")
        with acting(uow, reader.owner):
            assert answer_card(uow, guest(card_id)).response_id is not None

    def test_what_is_refused(self, uow: UnitOfWork, owner: Org, reader: Org) -> None:
        card_id = put(uow, owner, places=1, closes_at=NOON + timedelta(hours=1))
        assert refused(uow, ANONYMOUS, card_id, consent_version="") == "consent_required"
        assert refused(uow, ANONYMOUS, card_id, consent_version="2020-01") == "consent_outdated"
        assert refused(uow, ANONYMOUS, card_id, email="nobody") == "email_invalid"
        assert refused(uow, ANONYMOUS, card_id, phone=" ") == "text_required"
        assert refused(uow, owner.owner, card_id) == "own_card"
        answer_as_guest(uow, card_id)
        assert refused(uow, ANONYMOUS, card_id) == "card_full"
        (row,) = answers(uow, card_id)
        with acting(uow, owner.owner):
            work_response(uow, WorkResponse(row.id, "declined"))
        answer_as_guest(uow, card_id)
        with acting(uow, owner.owner), pytest.raises(DomainError, match="card_full"):
            work_response(uow, WorkResponse(row.id, "working"))
        with clock.frozen(NOON + timedelta(hours=1)):
            assert refused(uow, ANONYMOUS, card_id) == "card_closed"
        assert len(answers(uow, card_id)) == 2

    @pytest.mark.parametrize("visibility", ["internal", "partners"])
    def test_a_card_of_a_video_one_may_not_watch_is_not_there(
        self, uow: UnitOfWork, owner: Org, reader: Org, visibility: str
    ) -> None:
        card_id = put(uow, owner, shown(uow, owner, visibility))
        colleague = make_member(uow, owner, "viewer")
        for who in (ANONYMOUS, reader.owner):
            assert refused(uow, who, card_id) == "card_not_found"
            with acting(uow, who), pytest.raises(DomainError, match="card_not_found"):
                get_card_page(uow, card_id)
            with acting(uow, who), pytest.raises(DomainError, match="card_not_found"):
                count_card(uow, card_id, "impression")
        with acting(uow, colleague):
            assert get_card_page(uow, card_id).is_own


class TestWhatIsKept:
    def test_it_goes_when_its_giver_asks(self, uow: UnitOfWork, owner: Org) -> None:
        card_id = put(uow, owner)
        answer_as_guest(uow, card_id)
        (row,) = answers(uow, card_id)
        token = SIGNER.sign_token(RECEIPT, {"id": str(row.id)}, row.erase_at)
        with acting(uow, ANONYMOUS):
            with pytest.raises(DomainError, match="card_response_not_found"):
                erase_own(uow, SIGNER, SIGNER.sign_token("other", {"id": str(row.id)}, row.erase_at))
            for _ in range(2):
                erase_own(uow, SIGNER, token)
        assert (row.name, row.email, row.email_key, row.phone, row.erased_at) == ("", "", None, "", NOON)
        answer_as_guest(uow, card_id)

    def test_it_goes_when_its_owner_is_asked_or_its_time_is_over(self, uow: UnitOfWork, owner: Org) -> None:
        card_id = put(uow, owner, retention_days=10)
        for _ in range(2):
            answer_as_guest(uow, card_id)
        first, second = answers(uow, card_id)
        with acting(uow, owner.owner):
            work_response(uow, WorkResponse(first.id, "working", "call back"))
            erase_response(uow, first.id)
            with pytest.raises(DomainError, match="card_response_erased"):
                work_response(uow, WorkResponse(first.id, note="who was it"))
        assert (first.note, first.state) == ("", "working")
        with acting(uow, SYSTEM), clock.frozen(NOON + timedelta(days=10)):
            assert second.id in responses_due(uow)
            assert first.id not in responses_due(uow)
            assert erase_due(uow, second.id)
        assert second.erased_at is not None

    def test_answers_are_of_their_owner_alone(self, uow: UnitOfWork, owner: Org, reader: Org) -> None:
        card_id = put(uow, owner)
        answer_as_guest(uow, card_id)
        (row,) = answers(uow, card_id)
        with acting(uow, owner.owner):
            assert [one.id for one in list_responses(uow, card_id=card_id).items] == [row.id]
        with acting(uow, reader.owner):
            assert list_responses(uow, card_id=card_id).items == []
            with pytest.raises(DomainError, match="card_response_not_found"):
                erase_response(uow, row.id)
        with acting(uow, make_member(uow, owner, "viewer")), pytest.raises(DomainError, match="permission_missing"):
            erase_response(uow, row.id)


def test_its_funnel_is_its_own_and_no_touchpoint(uow: UnitOfWork, owner: Org, reader: Org) -> None:
    card_id = put(uow, owner)
    before = uow.session.scalar(select(func.count()).select_from(Touchpoint))
    for who, sight in ((ANONYMOUS, "impression"), (reader.owner, "impression"), (reader.owner, "click")):
        with acting(uow, who):
            count_card(uow, card_id, sight)  # type: ignore[arg-type]  # a word of the tuple above
    with acting(uow, owner.owner):
        count_card(uow, card_id, "impression")
    answer_as_guest(uow, card_id)
    with acting(uow, owner.owner):
        found = get_one_card(uow, card_id)
    assert (found.impressions, found.clicks, found.answers, found.taken) == (2, 1, 1, 1)
    assert uow.session.scalar(select(func.count()).select_from(Touchpoint)) == before


def test_the_words_of_consent_hold_whatever_a_title_says() -> None:
    said = card_consent_text("en", "{title} {days} Ltd", "{owner} {days}", 30)
    assert "goes to {title} {days} Ltd, to deal with my answer to “{owner} {days}”" in said
    assert "30 days" in said
    assert CARD_CONSENT_VERSION == "2026-12"
