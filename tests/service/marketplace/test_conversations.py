"""Conversations: who may begin one, what each side reads of it, who is responsible, and what is answered by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.verify.conversations import RULES
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.storage import StoredObject
from marketplace.access.models import Person
from marketplace.relations.models import CustomerRelation
from marketplace.service_windows.response_time import IN_TIME, LEAST, WINDOW, ResponseTime, shown_response_time
from marketplace.service_windows.save_window import SaveServiceWindow, save_service_window, service_window_of
from orders.conversations.models import Conversation, ConversationMessage
from orders.conversations.queries import (
    find_file,
    get_conversation,
    list_messages,
    list_own_conversations,
    list_seller_conversations,
)
from orders.conversations.work import (
    close_conversation,
    hand_over,
    mark_conversation_read,
    mute_conversation,
    reopen_conversation,
)
from orders.conversations.write import (
    OF_PERSON,
    PAUSE,
    SentFile,
    WriteMessage,
    write_message,
    write_to_customer,
    write_to_seller,
)
from orders.response_times.count_answers import BEHIND, OwnResponseTime, count_answers, own_response_time
from orders.waiting import count_waiting
from tests.conftest import NOON
from tests.factories_marketplace import Org, acting, make_member, make_org, make_seller

COUNTED = [rule for rule in RULES if rule.name != "tickets.clock"]
"""No clock of tickets runs here, and others leave theirs in the database."""


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def seller(uow: UnitOfWork) -> Org:
    return make_seller(uow, name="1号直聘")


@pytest.fixture
def buyer(uow: UnitOfWork) -> Org:
    return make_org(uow, name="杭州某某")


def say(uow: UnitOfWork, buyer: Org, seller: Org, words: str = "Hello?") -> ConversationMessage:
    with acting(uow, buyer.owner):
        return write_to_seller(uow, seller.id, WriteMessage(words))


def answer(uow: UnitOfWork, buyer: Org, seller: Org, words: str = "Yes.") -> ConversationMessage:
    with acting(uow, seller.owner):
        return write_to_customer(uow, buyer.id, WriteMessage(words))


def told(uow: UnitOfWork, conversation_id: object) -> list[bool]:
    """Which messages begin anew, in their order."""
    rows = uow.session.scalars(
        select(EventRow)
        .where(
            EventRow.topic == "orders.conversation_message_sent.v1",
            EventRow.payload["conversation_id"].astext == str(conversation_id),
        )
        .order_by(EventRow.occurred_at, EventRow.id)
    )
    return [bool(row.payload["begins"]) for row in rows]


class TestWriting:
    def test_the_two_have_one_thread(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        first, second, third = say(uow, buyer, seller), answer(uow, buyer, seller), say(uow, buyer, seller, "Thanks.")
        assert first.conversation_id == second.conversation_id == third.conversation_id
        with acting(uow, buyer.owner):
            rows = list_messages(uow, first.conversation_id).items
        # Whoever answers first is responsible: it stands between question and answer.
        assert [(one.number, one.side, one.kind, one.text) for one in reversed(rows)] == [
            (1, "buyer", "written", "Hello?"),
            (2, "seller", "handover", uow.session.get_one(Person, seller.owner.person()).name),
            (3, "seller", "written", "Yes."),
            (4, "buyer", "written", "Thanks."),
        ]

    def test_one_reads_who_of_ones_own_wrote_and_of_the_other_side_the_organization(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        thread = say(uow, buyer, seller).conversation_id
        answer(uow, buyer, seller)
        name = uow.session.get_one(Person, buyer.owner.person()).name
        with acting(uow, buyer.owner):
            own = {one.side: one.author for one in list_messages(uow, thread).items if one.kind == "written"}
            assert get_conversation(uow, thread).seller_name == "1号直聘"
        with acting(uow, seller.owner):
            theirs = {one.side: one.author for one in list_messages(uow, thread).items if one.kind == "written"}
            assert get_conversation(uow, thread).buyer_name == "杭州某某"
        assert own == {"buyer": name, "seller": ""}
        assert theirs["buyer"] == ""
        assert theirs["seller"] != ""

    def test_a_seller_addresses_only_whom_it_knows(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        with acting(uow, seller.owner):
            for unknown in (buyer.id, uuid7()):
                with pytest.raises(NotFound, match="customer_not_found"):
                    write_to_customer(uow, unknown, WriteMessage("Buy!"))
        uow.session.add(
            CustomerRelation(
                seller_org_id=seller.id,
                buyer_org_id=buyer.id,
                last_at=NOON,
                bought_at=None,
                bought_name=None,
                asked_at=NOON,
                asked_name="杭州某某",
            )
        )
        said = answer(uow, buyer, seller, "About your request.")
        assert uow.session.get_one(Conversation, said.conversation_id).buyer_name == "杭州某某"

    def test_only_sellers_are_written_to_and_never_oneself(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        with acting(uow, buyer.owner), pytest.raises(NotFound, match="organization_not_found"):
            write_to_seller(uow, make_org(uow).id, WriteMessage("x"))
        with acting(uow, seller.owner), pytest.raises(Conflict, match="conversation_with_oneself"):
            write_to_seller(uow, seller.id, WriteMessage("x"))

    @pytest.mark.parametrize("words", ["", "  \n "])
    def test_nothing_is_no_message(self, uow: UnitOfWork, buyer: Org, seller: Org, words: str) -> None:
        with pytest.raises(Invalid, match="text_required"):
            say(uow, buyer, seller, words)

    def test_an_order_of_others_is_not_there(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        with acting(uow, buyer.owner), pytest.raises(NotFound):
            write_to_seller(uow, seller.id, WriteMessage("x", order_id=uuid7()))

    def test_without_leads_manage_a_sellers_member_has_no_part_in_it(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        thread = say(uow, buyer, seller).conversation_id
        with acting(uow, make_member(uow, seller, "finance")), pytest.raises(Forbidden, match="permission_missing"):
            get_conversation(uow, thread)

    def test_a_file_sent_twice_is_one_message(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        file = SentFile(StoredObject("conversations/x", 3, "0" * 64), "text/plain", "a\u0000.txt")
        with acting(uow, buyer.owner):
            first, again = (write_to_seller(uow, seller.id, WriteMessage(file=file)) for _ in range(2))
            assert first.id == again.id
            assert find_file(uow, first.conversation_id, first.id).file_name == "a.txt"
            clock.advance(timedelta(minutes=2))
            assert write_to_seller(uow, seller.id, WriteMessage(file=file)).id != first.id
        with acting(uow, make_seller(uow).owner), pytest.raises(NotFound, match="conversation_not_found"):
            find_file(uow, first.conversation_id, first.id)

    def test_too_many_messages_wait(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        for _ in range(OF_PERSON.attempts):
            say(uow, buyer, seller)
        with pytest.raises(TooMany, match="conversation_too_often"):
            say(uow, buyer, seller)

    def test_what_was_said_stays(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        said = say(uow, buyer, seller)
        with pytest.raises(DBAPIError, match="permission denied"), uow.session.begin_nested():
            uow.session.execute(
                text("UPDATE orders.conversation_message SET text = 'x' WHERE id = :id"), {"id": said.id}
            )

    def test_what_is_written_in_one_go_is_told_once(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        thread = say(uow, buyer, seller).conversation_id
        say(uow, buyer, seller)
        answer(uow, buyer, seller)
        say(uow, buyer, seller)
        clock.advance(PAUSE)
        say(uow, buyer, seller)
        assert told(uow, thread) == [True, False, True, True, True]


class TestInbox:
    def test_each_person_has_read_for_themselves(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        colleague = make_member(uow, buyer, "purchaser")
        thread = say(uow, buyer, seller).conversation_id
        answer(uow, buyer, seller)
        answer(uow, buyer, seller, "And more.")
        row = uow.session.get_one(Conversation, thread)
        with acting(uow, buyer.owner):
            # Who is responsible is no message, nor is one's own.
            assert [one.unread for one in list_own_conversations(uow, only="unread").items] == [2]
            mark_conversation_read(uow, row, 3)
            assert (get_conversation(uow, thread).unread, count_waiting(uow).conversations) == (1, 1)
            mark_conversation_read(uow, row, 999)
            assert (get_conversation(uow, thread).unread, count_waiting(uow).conversations) == (0, 0)
            mark_conversation_read(uow, row, 1)
            assert list_own_conversations(uow, only="unread").items == []
        with acting(uow, colleague):
            assert get_conversation(uow, thread).unread == 2
            found = count_waiting(uow)
            assert (found.conversations, found.seller_conversations) == (1, 0)
        with acting(uow, seller.owner):
            assert [one.unread for one in list_seller_conversations(uow).items] == [1]
            found = count_waiting(uow)
            assert (found.conversations, found.seller_conversations) == (0, 1)
        # Whoever takes care of no customers is told of none.
        with acting(uow, make_member(uow, seller, "finance")):
            assert count_waiting(uow).seller_conversations == 0
        with acting(uow, seller.owner):
            hand_over(uow, thread, seller.owner.person())
        with acting(uow, buyer.owner):
            assert count_waiting(uow).conversations == 0

    def test_the_sellers_filters(self, uow: UnitOfWork, seller: Org) -> None:
        one, other = make_org(uow), make_org(uow)
        say(uow, one, seller)
        clock.advance(timedelta(minutes=1))
        thread = say(uow, other, seller).conversation_id
        member = make_member(uow, seller, "catalog")
        with acting(uow, seller.owner):
            hand_over(uow, thread, member.person())
            assert [row.buyer_org_id for row in list_seller_conversations(uow).items] == [other.id, one.id]
            assert [row.buyer_org_id for row in list_seller_conversations(uow, only="unassigned").items] == [one.id]
            assert list_seller_conversations(uow, only="mine").items == []
        with acting(uow, member):
            assert [row.id for row in list_seller_conversations(uow, only="mine").items] == [thread]

    def test_pages_go_on_where_the_last_ended(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        for _ in range(3):
            say(uow, make_org(uow), seller)
        for number in range(5):
            say(uow, buyer, seller, f"m{number}")
        with acting(uow, seller.owner):
            first = list_seller_conversations(uow, limit=3)
            rest = list_seller_conversations(uow, limit=3, cursor=first.next_cursor)
            assert len({row.id for row in (*first.items, *rest.items)}) == 4
            assert rest.next_cursor is None
        with acting(uow, buyer.owner):
            thread = list_own_conversations(uow).items[0].id
            page = list_messages(uow, thread, limit=2)
            assert [row.text for row in page.items] == ["m4", "m3"]
            after = list_messages(uow, thread, limit=2, cursor=page.next_cursor)
            assert [row.text for row in after.items] == ["m2", "m1"]
            with pytest.raises(Invalid, match="cursor_invalid"):
                list_messages(uow, thread, cursor="x")


class TestCare:
    def test_a_handover_stands_in_the_thread_for_both(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        thread = say(uow, buyer, seller).conversation_id
        member = make_member(uow, seller, "catalog")
        name = uow.session.get_one(Person, member.person()).name
        with acting(uow, seller.owner):
            hand_over(uow, thread, member.person())
            hand_over(uow, thread, member.person())
            hand_over(uow, thread, None)
            hand_over(uow, thread, member.person())
        with acting(uow, buyer.owner):
            said = [one.text for one in reversed(list_messages(uow, thread).items) if one.kind == "handover"]
            assert said == [name, "", name]
            assert get_conversation(uow, thread).assigned_name == name

    def test_nobody_is_made_responsible_who_may_not_answer(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        thread = say(uow, buyer, seller).conversation_id
        with acting(uow, seller.owner):
            for person in (make_member(uow, seller, "finance"), buyer.owner):
                with pytest.raises(NotFound, match="member_not_found"):
                    hand_over(uow, thread, person.person())
        with acting(uow, buyer.owner), pytest.raises(NotFound, match="conversation_not_found"):
            hand_over(uow, thread, buyer.owner.person())

    def test_a_closed_thread_is_open_again_once_somebody_writes(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        thread = say(uow, buyer, seller).conversation_id
        with acting(uow, seller.owner):
            assert close_conversation(uow, thread).state == "closed"
            assert close_conversation(uow, thread).state == "closed"
        with acting(uow, buyer.owner):
            write_message(uow, thread, WriteMessage("One more thing."))
            assert get_conversation(uow, thread).state == "open"
            close_conversation(uow, thread)
            assert reopen_conversation(uow, thread).state == "open"

    def test_the_seller_does_not_learn_of_a_muted_thread(self, uow: UnitOfWork, buyer: Org, seller: Org) -> None:
        thread = say(uow, buyer, seller).conversation_id
        with acting(uow, buyer.owner):
            mute_conversation(uow, thread, muted=True)
            assert get_conversation(uow, thread).is_muted
        with acting(uow, seller.owner):
            assert not get_conversation(uow, thread).is_muted
            with pytest.raises(NotFound, match="conversation_not_found"):
                mute_conversation(uow, thread, muted=False)


class TestHours:
    WINDOW = SaveServiceWindow((1, 2, 3, 4, 5), 540, 1080, (date(2026, 11, 23),), "明天答复。", "Tomorrow.")

    def automatic(self, uow: UnitOfWork, thread: object) -> int:
        found = select(func.count()).where(
            ConversationMessage.conversation_id == thread, ConversationMessage.kind == "automatic"
        )
        return uow.session.scalar(found) or 0

    def test_once_while_it_is_closed_the_seller_answers_by_itself(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        """NOON is a Sunday; the Monday after it is off."""
        with acting(uow, seller.owner):
            save_service_window(uow, self.WINDOW)
        thread = say(uow, buyer, seller).conversation_id
        say(uow, buyer, seller)
        clock.advance(timedelta(days=1))
        say(uow, buyer, seller)
        assert self.automatic(uow, thread) == 1
        # Tuesday noon: somebody answers. Tuesday night: closed anew.
        clock.advance(timedelta(days=1))
        say(uow, buyer, seller)
        assert self.automatic(uow, thread) == 1
        clock.advance(timedelta(hours=9))
        say(uow, buyer, seller)
        assert self.automatic(uow, thread) == 2
        with acting(uow, buyer.owner):
            latest = list_messages(uow, thread).items[0]
        assert (latest.kind, latest.side, latest.author, latest.text, latest.text_en) == (
            "automatic",
            "seller",
            "",
            "明天答复。",
            "Tomorrow.",
        )

    def test_nothing_is_answered_by_itself_unless_the_seller_said_what(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        thread = say(uow, buyer, seller).conversation_id
        assert self.automatic(uow, thread) == 0
        assert not service_window_of(uow, seller.id).is_own

    @pytest.mark.parametrize(
        "wrong",
        [
            SaveServiceWindow((), 540, 1080),
            SaveServiceWindow((8,), 540, 1080),
            SaveServiceWindow((1,), 1080, 540),
            SaveServiceWindow((1,), 0, 1441),
            SaveServiceWindow((1,), 0, 1440, tuple(date(2027, 1, 1) + timedelta(days=n) for n in range(61))),
        ],
    )
    def test_hours_that_are_none(self, uow: UnitOfWork, seller: Org, wrong: SaveServiceWindow) -> None:
        with acting(uow, seller.owner), pytest.raises(Invalid, match="service_hours_invalid"):
            save_service_window(uow, wrong)

    def test_whoever_sells_nothing_has_no_window(self, uow: UnitOfWork, buyer: Org) -> None:
        with acting(uow, buyer.owner), pytest.raises(Conflict, match="not_a_seller"):
            save_service_window(uow, self.WINDOW)


class TestResponseTime:
    """What buyers see of how soon a seller answers."""

    def count(self, uow: UnitOfWork, seller: Org) -> OwnResponseTime:
        clock.advance(BEHIND + timedelta(seconds=1))
        count_answers(uow)
        with acting(uow, seller.owner):
            return own_response_time(uow)

    def asked(self, uow: UnitOfWork, seller: Org, *, answered: timedelta | None) -> None:
        """A question of somebody new, which is answered after a while or not at all."""
        buyer = make_org(uow)
        say(uow, buyer, seller)
        if answered is not None:
            clock.advance(answered)
            answer(uow, buyer, seller)

    def test_the_median_of_the_first_answers_and_the_share_within_a_day(self, uow: UnitOfWork, seller: Org) -> None:
        for minutes in (1, 9, 30):
            self.asked(uow, seller, answered=timedelta(minutes=minutes))
        self.asked(uow, seller, answered=timedelta(hours=25))
        assert self.count(uow, seller) == OwnResponseTime(4, 3, 540, is_shown=False, counted_until=clock.now() - BEHIND)
        assert shown_response_time(uow, seller.id) is None, "four could tell how one of them was treated"
        self.asked(uow, seller, answered=None)
        assert self.count(uow, seller).counted == 4, "it may be answered in time yet"
        clock.advance(IN_TIME)
        assert self.count(uow, seller).counted == LEAST
        shown = shown_response_time(uow, seller.id)
        assert shown == ResponseTime(5, 3, 540)
        assert shown.in_time_ppm == 600_000
        assert [one for rule in COUNTED if (one := rule.find(uow)).violations] == []
        clock.advance(WINDOW)
        assert self.count(uow, seller).counted == 0
        assert shown_response_time(uow, seller.id) is None

    def test_what_is_added_is_the_same_question_and_no_machine_answers_it(
        self, uow: UnitOfWork, buyer: Org, seller: Org
    ) -> None:
        with acting(uow, seller.owner):
            save_service_window(uow, SaveServiceWindow((1,), 0, 1, (), "We are asleep.", "We are asleep."))
        say(uow, buyer, seller)
        clock.advance(timedelta(minutes=5))
        say(uow, buyer, seller, "And?")
        clock.advance(timedelta(minutes=5))
        answer(uow, buyer, seller)
        answer(uow, buyer, seller, "Besides:")
        clock.advance(timedelta(minutes=1))
        say(uow, buyer, seller, "Thank you. And in May?")
        clock.advance(timedelta(minutes=2))
        answer(uow, buyer, seller)
        assert self.count(uow, seller) == OwnResponseTime(2, 2, 120, is_shown=False, counted_until=clock.now() - BEHIND)
        assert [one for rule in COUNTED if (one := rule.find(uow)).violations] == []
