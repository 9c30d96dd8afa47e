"""A team's group is told what its people are: once, signed, at the provider's pace, of what whoever chose it may know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden
from kernel.ids import uuid7
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from marketplace.notifications.models import Notification
from marketplace.robots import jobs
from marketplace.robots.jobs import RETENTION_SWEEP, WAKE
from marketplace.robots.models import GroupRobot, RobotMessage
from marketplace.robots.protocols import REST, RobotPoster, poster_of
from marketplace.robots.save_robot import ChangeRobot, SaveRobot, change_robot, save_robot, switch_robot
from marketplace.robots.schedule import DISABLED_AFTER, MOST_TRIES, RETENTION
from orders.conversations.write import WriteMessage, write_to_seller
from orders.notifications.notify_of_events import NOTIFY
from orders.tickets.work_ticket import OpenTicket, open_ticket
from tests.adapters.robot_provider import SECRET, RobotProviders
from tests.api_server import application
from tests.factories_marketplace import make_member
from tests.loop_stage import Stage

Client = TestClient[Any]


@pytest.fixture(scope="module")
def outside() -> Iterator[RobotProviders]:
    running = RobotProviders()
    yield running
    running.client.close()
    running.stop()


@dataclass
class Team:
    """A stage whose seller has a group, and what stands in it."""

    stage: Stage
    outside: RobotProviders
    poster: RobotPoster
    made: list[tuple[Principal, UUID]] = field(default_factory=list)

    def command(self, provider: str = "dingtalk", *topics: str, **changes: Any) -> SaveRobot:
        address = self.outside.address(provider)
        made = SaveRobot("客服群", provider, address, topics or ("conversations", "tickets"), SECRET[provider])
        return replace(made, **changes)

    def save(self, command: SaveRobot, who: Principal | None = None) -> UUID:
        box, bases = self.stage.services.secrets, self.poster.bases
        owner = who or self.stage.seller.owner
        db = self.stage.services.db
        robot_id = transact(db, owner, lambda uow: save_robot(uow, command, box=box, bases=bases).id)
        self.made.append((owner, robot_id))
        return robot_id

    def end(self) -> None:
        """What waits here is nobody else's to post."""
        for owner, robot_id in self.made:
            transact(self.stage.services.db, owner, partial(switch_robot, robot_id=robot_id, on=False))

    def ask(self, order_id: UUID, subject: str = "A seat") -> None:
        """The buyer opens a ticket."""
        asked = OpenTicket(order_id, subject, "It does not open.")
        transact(self.stage.services.db, self.stage.buyer.owner, lambda uow: open_ticket(uow, asked).id)

    def say(self) -> None:
        """The buyer writes in the service window."""
        words, seller = WriteMessage("Do you train?"), self.stage.seller.id
        transact(self.stage.services.db, self.stage.buyer.owner, lambda uow: write_to_seller(uow, seller, words).id)

    def tell(self) -> None:
        """Notify of what happened, and post what is due."""
        self.stage.tick(NOTIFY)
        self.stage.tick(WAKE)

    def robot(self, robot_id: UUID) -> GroupRobot:
        return self.stage.get(GroupRobot, robot_id)

    def messages(self, robot_id: UUID) -> list[RobotMessage]:
        wanted = select(RobotMessage).where(RobotMessage.robot_id == robot_id)
        return self.stage.rows(wanted.order_by(RobotMessage.created_at, RobotMessage.id))

    def states(self, robot_id: UUID) -> list[str]:
        return [one.state for one in self.messages(robot_id)]

    def browser(self, who: Principal) -> Client:
        token = str(uuid7())
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            uow.session.add(
                SignInSession(
                    token_hash=hash_token(token),
                    person_id=who.person(),
                    org_id=who.organization(),
                    expires_at=clock.now() + timedelta(days=900),
                )
            )
        services = replace(self.stage.services, robots=self.poster)
        browser: Client = TestClient(application(services), base_url="https://market.example")
        browser.cookies.set("session", token)
        browser.headers["x-csrf-token"] = csrf_of(token)
        return browser


@pytest.fixture
def team(stage: Stage, outside: RobotProviders) -> Iterator[Team]:
    outside.behave()
    policy = OutboundPolicy(permitted=frozenset({f"127.0.0.1:{outside.port}"}))
    names = ("dingtalk_robot_address", "wecom_address", "feishu_address")
    settings = stage.services.settings.model_copy(update=dict.fromkeys(names, outside.base))
    # What rests by the seconds of a clock does so by ours.
    poster = poster_of(OutboundClient(policy, monotonic=lambda: clock.now().timestamp()), settings)
    jobs.register(poster, stage.services.secrets)
    made = Team(stage, outside, poster)
    yield made
    made.end()


@pytest.fixture
def order_id(stage: Stage) -> UUID:
    bought = stage.buy()
    stage.run()
    # Of the sale itself people are told before there is a robot.
    stage.tick(NOTIFY)
    return bought


@pytest.mark.parametrize("provider", ["dingtalk", "wecom", "feishu"])
def test_a_group_is_told_once_of_what_it_was_asked_to(team: Team, order_id: UUID, provider: str) -> None:
    robot_id = team.save(team.command(provider))
    other = team.save(team.command("wecom" if provider != "wecom" else "feishu", "sales", locale="en"))
    team.ask(order_id)
    for _ in range(3):
        team.tell()
        clock.advance(timedelta(seconds=5))
    (posted,) = team.outside.posts()
    assert posted["provider"] == provider
    said = json.dumps(posted["body"], ensure_ascii=False)
    assert "提交了工单" in said
    assert f"{team.stage.services.settings.public_url}/seller/tickets/" in said
    (message,) = team.messages(robot_id)
    assert (message.state, message.kind, message.tries) == ("sent", "ticket_opened", 1)
    assert team.messages(other) == []


def test_several_at_once_are_one_post_and_a_busy_group_is_left_alone(team: Team, order_id: UUID) -> None:
    robot_id = team.save(team.command())
    team.ask(order_id)
    team.ask(order_id, "Another seat")
    team.say()
    team.outside.behave("busy")
    team.tell()
    assert team.states(robot_id) == ["pending"] * 3
    assert team.robot(robot_id).failures == 0
    team.tell()
    assert team.outside.posts() == []
    clock.advance(REST["dingtalk"])
    team.tell()
    (posted,) = team.outside.posts()
    assert posted["body"]["markdown"]["text"].count("](http") == 3
    assert team.states(robot_id) == ["sent"] * 3
    assert {one.tries for one in team.messages(robot_id)} == {1}


def test_what_fails_is_tried_again_and_given_up(team: Team, order_id: UUID) -> None:
    robot_id = team.save(team.command("wecom"))
    team.outside.behave(*["down"] * MOST_TRIES)
    team.ask(order_id)
    team.tell()
    assert (team.robot(robot_id).failures, team.robot(robot_id).last_reason) == (1, "http_502")
    for _ in range(MOST_TRIES):
        clock.advance(timedelta(hours=3))
        team.stage.tick(WAKE)
    (message,) = team.messages(robot_id)
    assert (message.state, message.failure, message.tries) == ("failed", "exhausted", MOST_TRIES)
    team.say()
    team.tell()
    assert (team.robot(robot_id).failures, len(team.outside.posts())) == (0, 1)


def test_one_that_takes_nothing_for_a_day_or_is_refused_is_switched_off_and_told(team: Team, order_id: UUID) -> None:
    failing = team.save(team.command("wecom"))
    refused = team.save(team.command("dingtalk", secret="SEC-of-another-robot"))
    team.ask(order_id)
    team.outside.behave(*["down"] * 50)
    team.tell()
    for _ in range(3):
        clock.advance(DISABLED_AFTER / 2)
        team.say()
        clock.advance(timedelta(hours=7))
        team.tell()
    assert (team.robot(failing).state, team.robot(failing).disabled_for) == ("disabled", "failures")
    team.outside.behave()
    clock.advance(timedelta(hours=3))
    team.stage.tick(WAKE)
    found = team.robot(refused)
    assert found.state == "disabled"
    assert "pending" not in team.states(refused) + team.states(failing)
    team.tell()
    wanted = select(Notification.kind).where(
        Notification.org_id == team.stage.seller.id, Notification.kind.like("robot_%")
    )
    assert set(team.stage.rows(wanted)) >= {"robot_failing"}


def test_a_refused_one_is_off_at_once(team: Team, order_id: UUID) -> None:
    robot_id = team.save(team.command("feishu", secret="another-secret"))
    team.ask(order_id)
    team.tell()
    found = team.robot(robot_id)
    assert (found.state, found.disabled_for) == ("disabled", "refused")
    assert str(found.last_reason).startswith("19021")
    (message,) = team.messages(robot_id)
    assert (message.state, message.failure) == ("failed", "robot_disabled")
    clock.advance(timedelta(seconds=3))
    team.tell()
    wanted = select(Notification.kind).where(Notification.path == f"/organization/robots/{robot_id}")
    assert set(team.stage.rows(wanted)) == {"robot_refused"}
    # Mended and switched on, it is told what happens from now on.
    box, bases = team.stage.services.secrets, team.poster.bases
    owner, db = team.stage.seller.owner, team.stage.services.db
    right = ChangeRobot(robot_id, secret=SECRET["feishu"])
    transact(db, owner, lambda uow: change_robot(uow, right, box=box, bases=bases).id)
    transact(db, owner, lambda uow: switch_robot(uow, robot_id, on=True))
    team.say()
    team.tell()
    assert team.states(robot_id) == ["failed", "sent"]
    clock.advance(RETENTION + timedelta(days=1))
    team.stage.tick(RETENTION_SWEEP)
    assert team.messages(robot_id) == []


def test_who_may_set_one_up_and_which_once(team: Team) -> None:
    with unit_of_work(team.stage.services.db, SYSTEM) as uow:
        developer = make_member(uow, team.stage.seller, "developer")
        viewer = make_member(uow, team.stage.seller, "viewer")
    team.save(team.command("wecom", "sales"), developer)
    with pytest.raises(Forbidden):
        team.save(team.command("feishu", "tickets"), developer)
    with pytest.raises(Forbidden):
        team.save(team.command("feishu", "sales"), viewer)
    with pytest.raises(Conflict, match="robot_exists"):
        team.save(team.command("wecom", "tickets"))
    # Another organization may have the same group; it tells that what is its own.
    team.save(team.command("wecom", "purchases"), team.stage.buyer.owner)


def test_the_interface_and_the_pages(team: Team, order_id: UUID) -> None:
    owner, stranger = team.browser(team.stage.seller.owner), team.browser(team.stage.buyer.owner)
    wanted = {
        "name": "客服群",
        "provider": "feishu",
        "address": team.outside.address("feishu"),
        "secret": SECRET["feishu"],
        "topics": ["tickets", "sales"],
    }
    made = owner.post("/v1/group-robots", json=wanted)
    assert made.status_code == 201, made.text
    assert SECRET["feishu"] not in made.text
    assert team.outside.address("feishu") not in made.text
    one = f"/v1/group-robots/{made.json()['id']}"
    tested = owner.post(f"{one}/test")
    assert (tested.status_code, tested.json()["tested_at"] is not None) == (200, True)
    assert "群机器人已接通" in str(team.outside.posts()[-1]["body"])
    assert owner.post("/v1/group-robots", json=wanted).status_code == 409
    assert owner.patch(one, json={"address": "https://evil.example/hook"}).json()["code"] == "robot_address_invalid"
    assert owner.patch(one, json={"secret": "wrong-secret"}).status_code == 200
    refused = owner.post(f"{one}/test")
    assert (refused.status_code, refused.json()["code"]) == (422, "robot_refused")
    assert owner.patch(one, json={"secret": SECRET["feishu"], "locale": "en"}).status_code == 200
    team.ask(order_id)
    team.tell()
    (message,) = owner.get(f"{one}/messages").json()["items"]
    assert (message["state"], message["kind"]) == ("sent", "ticket_opened")
    assert "opened the ticket" in message["title"]
    for method, path in (("GET", one), ("PATCH", one), ("DELETE", one), ("POST", f"{one}/test")):
        assert stranger.request(method, path, json={} if method == "PATCH" else None).status_code == 404

    address = f"/organization/robots/{made.json()['id']}"
    shown = owner.get(address)
    assert shown.status_code == 200
    assert SECRET["feishu"] not in shown.text
    assert team.outside.address("feishu") not in shown.text
    assert stranger.get(address).status_code == 404
    form = {"name": "值班群", "provider": "dingtalk", "address": "nonsense", "topic_tickets": "yes", "locale": "zh-CN"}
    csrf = {"csrf": owner.headers["x-csrf-token"]}
    wrong = owner.post("/organization/robots", data=form | csrf, follow_redirects=False)
    assert wrong.status_code == 422
    assert "值班群" in wrong.text
    right = form | {"address": team.outside.address("dingtalk"), "secret": SECRET["dingtalk"]}
    saved = owner.post("/organization/robots", data=right | csrf, follow_redirects=False)
    assert saved.status_code == 303
    new = saved.headers["location"].split("?")[0]
    assert owner.post(f"{new}/test", data=csrf, follow_redirects=False).status_code == 303
    assert owner.post(f"{new}/state", data={"on": "no"} | csrf, follow_redirects=False).status_code == 303
    assert owner.post(f"{new}/removal", data=csrf, follow_redirects=False).status_code == 303
    assert owner.get(new).status_code == 404
    assert "值班群" not in owner.get("/organization/robots").text
