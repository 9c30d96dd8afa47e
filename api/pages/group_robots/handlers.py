"""Group robots: set up, tested, switched, removed, and what was posted by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame.group_robot_addresses import ROBOTS, robot
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.group_robots.views import RobotPage, RobotShown, RobotsView, RobotTyped, TopicShown
from api.problems import headers_of
from api.v1.group_robots import post_test
from kernel.errors import DomainError, Forbidden, NotFound
from marketplace.robots.credentials import MAX_ADDRESS, MAX_SECRET
from marketplace.robots.queries import RobotView, get_robot, robot_messages, robots_of
from marketplace.robots.save_robot import (
    MANAGE,
    MAX_NAME,
    ChangeRobot,
    SaveRobot,
    change_robot,
    remove_robot,
    save_robot,
    switch_robot,
)
from marketplace.robots.topics import TOPICS

Answer = Response[str] | Response[bytes]
ONE = "/organization/robots/{robot_id:uuid}"
MESSAGES = 30


@page(ROBOTS, MANAGE)
def show_robots(page_request: Given[PageRequest]) -> Answer:
    """The organization's robots, and the form for one."""
    return page_request.render(_robots(page_request))


@form_post(ROBOTS, MANAGE)
def create_robot(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Have a group told of what happens from now on."""
    typed, services = _typed(form), page_request.services
    command = SaveRobot(
        typed.name,
        typed.provider,
        form.text("address", most=MAX_ADDRESS),
        sorted(typed.topics),
        form.text("secret", most=MAX_SECRET),
        typed.locale,
    )
    try:
        made = page_request.transact(
            lambda uow: save_robot(uow, command, box=services.secrets, bases=services.robots.bases).id
        )
    except (NotFound, Forbidden):
        raise
    except DomainError as refused:
        return _refused(page_request, refused, lambda **wrong: _robots(page_request, typed=typed, **wrong))
    return page_request.redirect(robot(made), notice="robot_saved")


@page(ONE, MANAGE)
def show_robot(robot_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """One robot, and what was posted by it."""
    return page_request.render(_robot(page_request, robot_id))


@form_post(ONE, MANAGE)
def edit_robot(robot_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change its name, address, secret, topics or language."""
    typed, services = _typed(form), page_request.services
    command = ChangeRobot(
        robot_id,
        typed.name,
        form.text("address", most=MAX_ADDRESS),
        form.text("secret", most=MAX_SECRET),
        sorted(typed.topics),
        typed.locale,
    )

    def change() -> None:
        page_request.transact(
            lambda uow: change_robot(uow, command, box=services.secrets, bases=services.robots.bases).id
        )

    return _done(page_request, robot_id, change, "robot_changed", typed=typed)


@form_post(f"{ONE}/test", MANAGE)
def send_test(robot_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Post a test in the group now."""
    del form
    return _done(page_request, robot_id, lambda: post_test(page_request.request, robot_id), "robot_tested")


@form_post(f"{ONE}/state", MANAGE)
def switch(robot_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Switch it on or off."""
    on = form.text("on", most=5) == "yes"
    page_request.transact(lambda uow: switch_robot(uow, robot_id, on=on))
    return page_request.redirect(robot(robot_id), notice="robot_on" if on else "robot_off")


@form_post(f"{ONE}/removal", MANAGE)
def remove(robot_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Post nothing there any more."""
    del form
    page_request.transact(lambda uow: remove_robot(uow, robot_id))
    return page_request.redirect(ROBOTS, notice="robot_removed")


def _done(
    page_request: PageRequest, robot_id: UUID, work: Callable[[], object], notice: str, **typed: RobotTyped
) -> Answer:
    try:
        work()
    except (NotFound, Forbidden):
        raise
    except DomainError as refused:
        return _refused(page_request, refused, lambda **wrong: _robot(page_request, robot_id, **typed, **wrong))
    return page_request.redirect(robot(robot_id), notice=notice)


def _refused(page_request: PageRequest, refused: DomainError, view: Callable[..., Any]) -> Answer:
    shown = view(error=failure(page_request, refused), error_field=getattr(refused, "field", None) or "")
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


def _robots(page_request: PageRequest, **more: Any) -> RobotsView:
    with page_request.work() as uow:
        found = [_shown(page_request, one) for one in robots_of(uow)]
    return RobotsView(found, _topics(page_request), **more)


def _robot(page_request: PageRequest, robot_id: UUID, *, typed: RobotTyped | None = None, **more: Any) -> RobotPage:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        one = get_robot(uow, robot_id)
        messages = robot_messages(uow, robot_id, cursor=cursor, limit=MESSAGES)
    following = f"{robot(robot_id)}?{urlencode({'cursor': messages.next_cursor})}" if messages.next_cursor else None
    return RobotPage(
        _shown(page_request, one),
        _topics(page_request, also=one.topics),
        typed or RobotTyped(one.name, one.provider, one.locale, frozenset(one.topics)),
        messages.items,
        following,
        **more,
    )


def _topics(page_request: PageRequest, also: Any = ()) -> list[TopicShown]:
    """Those that the reader may choose, and those that are chosen."""
    return [
        TopicShown(
            name, page_request.t(f"group_robots.topic.{name}"), page_request.t(f"group_robots.topic_says.{name}")
        )
        for name, one in TOPICS.items()
        if page_request.principal.may(one.permission) or name in also
    ]


def _shown(page_request: PageRequest, one: RobotView) -> RobotShown:
    return RobotShown(
        one,
        "failing" if one.state == "active" and one.failures else one.state,
        robot(one.id),
        page_request.t(f"group_robots.provider.{one.provider}"),
        page_request.t("group_robots.between").join(
            page_request.t(f"group_robots.topic.{name}") for name in one.topics
        ),
    )


def _typed(form: Form) -> RobotTyped:
    return RobotTyped(
        form.text("name", most=MAX_NAME),
        form.text("provider", most=20),
        form.text("locale", most=10),
        frozenset(name for name in TOPICS if form.text(f"topic_{name}", most=5) == "yes"),
    )


routes = [show_robots, create_robot, show_robot, edit_robot, send_test, switch, remove]
