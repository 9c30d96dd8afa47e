"""Circles: who founds one and is in it, who reads and moderates what is written, and what a circle may not do."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from marketplace.access.members import change_roles
from marketplace.access.models import Member
from marketplace.access.permissions import permissions_of
from marketplace.channels.open_channel import OpenChannel, open_channel
from marketplace.circles.follow_channels import follow_for_circle, unfollow_for_circle
from marketplace.circles.found_circle import FOUNDED, SaveCircle, found_circle, renew_link, save_circle
from marketplace.circles.membership import (
    answer_join,
    join_by_link,
    join_circle,
    leave_circle,
    remove_member,
    set_listed,
    set_role,
)
from marketplace.circles.models import Circle, CircleMember
from marketplace.circles.post_models import CirclePost
from marketplace.circles.posts import MOST, WritePost, decide_post, mark_post, remove_post, write_post
from marketplace.circles.queries import (
    followed_channels,
    get_circle,
    latest_videos,
    list_circles,
    list_members,
    list_own_circles,
    list_posts,
    marked_posts,
)
from marketplace.content_reports.decide_report import DecideReport, decide_report
from marketplace.content_reports.report_content import ReportContent, report_content
from marketplace.onboarding.become_seller import become_seller
from marketplace.onboarding.change_tax_id import change_tax_id
from marketplace.parties.models import Organization
from marketplace.parties.save_billing_profile import SaveBillingProfile, save_billing_profile
from tests.circle_stage import join, make_circle, post
from tests.conftest import NOON
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    acting,
    make_member,
    make_org,
    make_plans,
    make_published_video,
    make_seller,
    new_tax_id,
)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


def refused(code: str) -> pytest.RaisesExc[DomainError]:
    return pytest.RaisesExc(DomainError, check=lambda error: error.code == code)


def as_circle(circle: Circle, person: Principal) -> Principal:
    """The owner, acting for the circle."""
    return Principal(
        PrincipalKind.PERSON, circle.org_id, person.person_id, permissions_of(["owner"]), label=person.label
    )


def texts(uow: UnitOfWork, circle: Circle, who: Principal, *, waiting: bool = False) -> list[str]:
    with acting(uow, who):
        return [one.text for one in list_posts(uow, circle.org_id, waiting=waiting).items]


def member_row(uow: UnitOfWork, member_id: UUID) -> CircleMember:
    return uow.session.get_one(CircleMember, member_id)


def test_a_circle_is_an_organization_that_does_nothing_of_a_company(uow: UnitOfWork) -> None:
    founder = make_org(uow).owner
    circle = make_circle(uow, founder)
    organization = uow.session.get_one(Organization, circle.org_id)
    assert (organization.kind, organization.tax_id, organization.display_name) == ("circle", None, "招聘同行")
    title = SaveBillingProfile("x", None, "CN", "某路 1 号", "a@example.test", party_type="person")
    with acting(uow, as_circle(circle, founder)):
        for act in (
            lambda: save_billing_profile(uow, title),
            lambda: become_seller(uow),
            lambda: change_tax_id(uow, new_tax_id()),
            lambda: open_channel(uow, OpenChannel("of-a-circle", "x")),
            lambda: found_circle(uow, SaveCircle("x")),
        ):
            with refused("circle_is_no_company"):
                act()
        owner_row = uow.session.scalars(select(Member).where(Member.org_id == circle.org_id)).one()
        with refused("circle_owner_stays"):
            change_roles(uow, owner_row.id, ["owner"])
    with acting(uow, founder):
        for _ in range(FOUNDED.attempts - 1):
            found_circle(uow, SaveCircle("又一个"))
        with refused("circles_too_often"):
            found_circle(uow, SaveCircle("太多"))


def test_whoever_asks_is_let_in_by_a_leader_and_whoever_was_removed_asks_again(uow: UnitOfWork) -> None:
    founder, guest = make_org(uow).owner, make_org(uow).owner
    circle = make_circle(uow, founder)
    with acting(uow, guest):
        asked = join_circle(uow, circle.org_id)
        assert (asked.state, join_circle(uow, circle.org_id).id) == ("asked", asked.id)
        with refused("circle_members_only"):
            list_posts(uow, circle.org_id)
        with refused("circle_member_not_found"):
            answer_join(uow, asked.id, accept=True)
    with acting(uow, founder):
        assert get_circle(uow, circle.org_id).waiting_members == 1
        assert answer_join(uow, asked.id, accept=True).state == "active"
        assert answer_join(uow, asked.id, accept=True).state == "active"
    with acting(uow, guest):
        assert get_circle(uow, circle.org_id).role == "member"
        with refused("circle_leaders_only"):
            remove_member(uow, asked.id)
        assert [one.id for one in list_own_circles(uow).items] == [circle.org_id]
    with acting(uow, founder):
        remove_member(uow, asked.id)
    with acting(uow, guest):
        assert join_by_link(uow, circle.code).state == "asked"
        leave_circle(uow, circle.org_id)
        assert join_by_link(uow, circle.code).state == "active"
        leave_circle(uow, circle.org_id)
        leave_circle(uow, circle.org_id)
    with acting(uow, founder):
        with refused("circle_owner_stays"):
            leave_circle(uow, circle.org_id)
        old = circle.code
        renew_link(uow, circle.org_id)
    with acting(uow, guest), refused("circle_not_found"):
        join_by_link(uow, old)


def test_a_circle_is_handed_over_with_its_organization(uow: UnitOfWork) -> None:
    founder, heir = make_org(uow).owner, make_org(uow).owner
    circle = make_circle(uow, founder)
    (heir_id,) = join(uow, circle, heir)
    with acting(uow, founder):
        set_role(uow, heir_id, "moderator")
        own = next(one for one in list_members(uow, circle.org_id).items if one.role == "owner")
        with refused("circle_owner_stays"):
            set_role(uow, own.id, "member")
        set_role(uow, heir_id, "owner")
        with refused("circle_owner_only"):
            set_role(uow, heir_id, "member")
        with refused("circle_owner_only"):
            save_circle(uow, circle.org_id, SaveCircle("不再是我的"))
        leave_circle(uow, circle.org_id)
    rows = uow.session.execute(
        select(Member.person_id, Member.state).where(Member.org_id == circle.org_id, Member.state == "active")
    ).all()
    assert [row.person_id for row in rows] == [heir.person_id]
    with acting(uow, heir):
        save_circle(uow, circle.org_id, SaveCircle("新名字", visibility="open"))
        assert get_circle(uow, circle.org_id).name == "新名字"


def test_an_internal_circle_is_its_companys_people_s_alone(uow: UnitOfWork) -> None:
    company, other = make_org(uow), make_org(uow).owner
    colleague = make_member(uow, company, "viewer")
    circle = make_circle(uow, company.owner, "internal", visibility="open")
    assert circle.visibility == "closed"
    post(uow, circle, company.owner, "内部消息")
    with acting(uow, other):
        assert circle.org_id not in {one.id for one in list_circles(uow, limit=100).items}
        for act in (
            lambda: get_circle(uow, circle.org_id),
            lambda: join_by_link(uow, circle.code),
            lambda: list_posts(uow, circle.org_id),
            lambda: list_members(uow, circle.org_id),
        ):
            with refused("circle_not_found"):
                act()
    join(uow, circle, colleague)
    assert texts(uow, circle, colleague) == ["内部消息"]
    with acting(uow, colleague):
        assert len(list_members(uow, circle.org_id).items) == 2
    # The same person, when they act for another organization.
    elsewhere = Principal(PrincipalKind.PERSON, make_org(uow).id, colleague.person_id, permissions_of(["viewer"]))
    with acting(uow, elsewhere):
        assert list_own_circles(uow).items == []
        with refused("circle_not_found"):
            get_circle(uow, circle.org_id)


def test_what_is_written_waits_for_a_leader_where_they_look_first(uow: UnitOfWork) -> None:
    founder, writer, reader = (make_org(uow).owner for _ in range(3))
    circle = make_circle(uow, founder, moderation="before")
    join(uow, circle, writer, reader)
    post_id = post(uow, circle, writer, "第一条<script>alert(1)</script>")
    assert post(uow, circle, writer, "第一条<script>alert(1)</script>") == post_id
    assert texts(uow, circle, reader) == []
    assert len(texts(uow, circle, writer)) == 1
    assert len(texts(uow, circle, founder, waiting=True)) == 1
    with acting(uow, reader), refused("circle_post_not_found"):
        decide_post(uow, post_id, show=True)
    with acting(uow, writer), refused("circle_leaders_only"):
        decide_post(uow, post_id, show=True)
    with acting(uow, founder):
        decide_post(uow, post_id, show=True)
    assert texts(uow, circle, reader) == texts(uow, circle, writer)
    with acting(uow, founder):
        decide_post(uow, post_id, show=False)
    assert texts(uow, circle, reader) == []
    with acting(uow, writer):
        remove_post(uow, post_id)
    assert uow.session.get_one(CirclePost, post_id).state == "removed"
    assert texts(uow, circle, founder) == []
    for number in range(MOST - 1):
        post(uow, circle, writer, f"第 {number} 条")
    with refused("too_many_posts"):
        post(uow, circle, writer, "太快了")


def test_a_post_is_reported_to_the_platform_by_those_who_see_it(uow: UnitOfWork) -> None:
    founder, reader, stranger = (make_org(uow).owner for _ in range(3))
    circle = make_circle(uow, founder)
    join(uow, circle, reader)
    post_id = post(uow, circle, founder, "不合适")
    with acting(uow, stranger), refused("content_not_found"):
        report_content(uow, ReportContent("circle_post", post_id))
    with acting(uow, reader):
        report = report_content(uow, ReportContent("circle_post", post_id, "广告"))
        assert (report.excerpt, report.subject_id) == ("不合适", circle.org_id)
    with acting(uow, OPERATOR_PRINCIPAL):
        decide_report(uow, DecideReport(report.id, remove=True, reason="广告"))
    assert texts(uow, circle, reader) == []
    with acting(uow, founder), refused("invalid_transition"):
        decide_post(uow, post_id, show=True)


def test_each_kind_has_its_own_tool(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    plan = make_plans(uow, seller)[0]
    video, _ = make_published_video(uow, seller, plan)
    founder, reader = make_org(uow).owner, make_org(uow).owner
    circles: dict[str, Circle] = {}
    for kind in ("community", "teaching", "exchange"):
        circles[kind] = make_circle(uow, founder, kind)
        join(uow, circles[kind], reader)
    community, teaching, exchange = circles["community"], circles["teaching"], circles["exchange"]
    first, second = post(uow, community, founder, "旧公告"), post(uow, community, founder, "新公告")
    lesson = post(uow, teaching, founder, "第一课", video_id=video.id)
    words = post(uow, teaching, founder, "没有视频")
    card = post(uow, exchange, founder, "推荐", listing_id=plan.listing_id)
    with acting(uow, founder):
        for one in (first, second, second, lesson):
            mark_post(uow, one, marked=True)
        for one in (words, card):
            with refused("circle_marks_nothing"):
                mark_post(uow, one, marked=True)
        with refused("circle_post_one_card"):
            write_post(uow, community.org_id, WritePost("x", video.id, plan.listing_id))
        with refused("video_not_found"):
            write_post(uow, community.org_id, WritePost("x", uuid7()))
    with acting(uow, reader):
        assert [one.id for one in marked_posts(uow, community.org_id)] == [second]
        assert [one.video_id for one in marked_posts(uow, teaching.org_id)] == [video.id]
        assert [one.role for one in list_members(uow, exchange.org_id).items] == ["owner"]
        with refused("circle_has_no_directory"):
            set_listed(uow, community.org_id, listed=True)
        set_listed(uow, exchange.org_id, listed=True)
        assert len(list_members(uow, exchange.org_id).items) == 2
        leave_circle(uow, exchange.org_id)
    with acting(uow, founder):
        assert len(list_members(uow, exchange.org_id).items) == 1
        follow_for_circle(uow, community.org_id, video.channel_id)
        follow_for_circle(uow, community.org_id, video.channel_id)
    with acting(uow, reader):
        assert [one.id for one in latest_videos(uow, community.org_id)] == [video.id]
        with refused("circle_leaders_only"):
            unfollow_for_circle(uow, community.org_id, video.channel_id)
    with acting(uow, founder):
        unfollow_for_circle(uow, community.org_id, video.channel_id)
        assert followed_channels(uow, community.org_id) == []


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "link", "leave", "accept", "decline", "remove", "moderator", "member"]),
        st.integers(0, 2),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, visibility=st.sampled_from(["closed", "open"]))
def test_whatever_happens_only_those_inside_read_a_closed_circle(
    uow: UnitOfWork, acts: list[tuple[str, int]], visibility: str
) -> None:
    """After any course of events, who reads is who is in it, the count says how many, and there is one owner."""
    with uow.session.begin_nested() as point:
        people = [make_org(uow).owner for _ in range(3)]
        founder = make_org(uow).owner
        circle = make_circle(uow, founder, visibility=visibility)
        post(uow, circle, founder, "只给成员")
        for act, number in acts:
            _act(uow, circle, founder, people[number], act)
        inside = set(
            uow.session.scalars(
                select(CircleMember.person_id).where(
                    CircleMember.org_id == circle.org_id, CircleMember.state == "active"
                )
            )
        )
        for one in (founder, *people):
            if one.person_id in inside or visibility == "open":
                assert texts(uow, circle, one) == ["只给成员"]
            else:
                with refused("circle_members_only"):
                    texts(uow, circle, one)
        with acting(uow, founder):
            view = get_circle(uow, circle.org_id)
        assert (view.members, view.role) == (len(inside), "owner")
        point.rollback()


def _act(uow: UnitOfWork, circle: Circle, founder: Principal, person: Principal, act: str) -> None:
    row = uow.session.scalar(
        select(CircleMember.id).where(CircleMember.org_id == circle.org_id, CircleMember.person_id == person.person_id)
    )
    with acting(uow, person if act in {"ask", "link", "leave"} else founder):
        try:
            if act == "ask":
                join_circle(uow, circle.org_id)
            elif act == "link":
                join_by_link(uow, circle.code)
            elif act == "leave":
                leave_circle(uow, circle.org_id)
            elif row is None:
                return
            elif act in {"accept", "decline"}:
                answer_join(uow, row, accept=act == "accept")
            elif act == "remove":
                remove_member(uow, row)
            else:
                set_role(uow, row, act)
        except Conflict as refusal:
            if refusal.code not in {"invalid_transition", "circle_member_gone"}:
                raise


def test_nobody_reads_by_row_level_security_what_is_not_theirs(uow: UnitOfWork) -> None:
    """The second net: another organization's own session sees no row of a circle at all."""
    founder, stranger = make_org(uow).owner, make_org(uow).owner
    circle = make_circle(uow, founder)
    post_id = post(uow, circle, founder)
    uow.session.expunge_all()
    with acting(uow, stranger):
        assert uow.session.scalar(select(CirclePost.id).where(CirclePost.id == post_id)) is None
        assert uow.session.scalar(select(Circle.org_id).where(Circle.org_id == circle.org_id)) is None
