"""Group robots: which group chats of an organization's people are told what, what was posted, and a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, linked
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.robots.credentials import MAX_ADDRESS, MAX_SECRET
from marketplace.robots.message_text import RobotItem
from marketplace.robots.queries import RobotMessageView, RobotView, get_robot, robot_messages, robots_of, view_of_robot
from marketplace.robots.save_robot import (
    MANAGE,
    MAX_NAME,
    ChangeRobot,
    SaveRobot,
    begin_test,
    change_robot,
    end_test,
    remove_robot,
    save_robot,
    switch_robot,
)
from marketplace.robots.topics import TOPICS

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Topics = Annotated[
    list[Annotated[str, Field(max_length=50)]],
    Field(max_length=20, description=f"Of {', '.join(f'`{name}`' for name in TOPICS)}", examples=[["tickets"]]),
]
Locale = Literal["zh-CN", "en"]
_ALL = "/v1/group-robots"
_ONE = f"{_ALL}/{{robot_id:uuid}}"
TEST = {
    "zh-CN": ("测试消息", "群机器人已接通：所选内容会发送到这个群。", "查看群机器人"),
    "en": ("A test", "The robot is connected: what you chose is posted in this group.", "See the robot"),
}


class GroupRobotIn(Wire):
    """A custom robot of a group chat. Its address and secret are kept sealed, and never shown again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "客服群",
                    "provider": "dingtalk",
                    "address": "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                    "secret": "SEC0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d",
                    "topics": ["conversations", "tickets"],
                    "locale": "zh-CN",
                }
            ]
        }
    )

    name: Name
    provider: Literal["dingtalk", "wecom", "feishu"]
    address: Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS)] = Field(
        description="The whole webhook address as the provider shows it"
    )
    secret: Annotated[str, Field(max_length=MAX_SECRET)] = Field(
        default="", description="The secret that signs: of DingTalk and Feishu; WeCom has none"
    )
    topics: Topics
    locale: Locale = Field(default="zh-CN", description="The language of its messages")


class GroupRobotChange(Wire):
    """Fields that are left out, and an address or secret that is empty, stay as they are. `state` switches it off and on."""

    name: Name | None = None
    address: Annotated[str, Field(max_length=MAX_ADDRESS)] = ""
    secret: Annotated[str, Field(max_length=MAX_SECRET)] = ""
    topics: Topics | None = None
    locale: Locale | None = None
    state: Literal["active", "disabled"] | None = None


class GroupRobotOut(Out):
    """A robot, without its credentials."""

    id: UUID
    name: str
    provider: Literal["dingtalk", "wecom", "feishu"]
    topics: Sequence[str]
    locale: str
    state: Literal["active", "disabled"]
    disabled_for: Annotated[
        Literal["owner", "failures", "refused"] | None,
        Meta(
            description="`failures`: nothing was taken for a day; `refused`: its provider takes nothing by these credentials"
        ),
    ]
    disabled_at: datetime | None
    hint: Annotated[str, Meta(description="The last characters of the key in its address")]
    failures: Annotated[int, Meta(description="Posts in a row that failed")]
    failing_since: datetime | None
    last_reason: Annotated[
        str | None, Meta(description="What the provider said to the latest post that it did not take")
    ]
    tested_at: Annotated[datetime | None, Meta(description="When a test was last taken")]
    created_at: datetime


class GroupRobotsOut(Out):
    """The organization's robots, the oldest first."""

    items: Sequence[GroupRobotOut]


class RobotMessageOut(Out):
    """One thing that was posted, or waits; several may be in one post."""

    id: UUID
    kind: str
    title: str
    state: Literal["pending", "sent", "failed"]
    tries: int
    failure: Literal["exhausted", "robot_disabled", "robot_removed"] | None
    created_at: datetime
    ended_at: datetime | None


@get(_ALL, permission=MANAGE, sync_to_thread=True, tags=["webhooks"])
def list_robots(request: ApiRequest) -> GroupRobotsOut:
    """The organization's robots, without their credentials."""
    with request.transaction() as uow:
        return GroupRobotsOut(items=[GroupRobotOut.of_row(row) for row in robots_of(uow)])


@post(_ALL, permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["webhooks"])
def create_robot(data: JSONBody[GroupRobotIn], request: ApiRequest) -> GroupRobotOut:
    """Have a group told of what happens from now on. Who chooses a topic has the permission to be told of it."""
    command, services = SaveRobot(**data.model_dump()), request.services

    def save(uow: UnitOfWork) -> GroupRobotOut:
        row = save_robot(uow, command, box=services.secrets, bases=services.robots.bases)
        return GroupRobotOut.of_row(view_of_robot(row))

    return request.transact(save)


@get(_ONE, permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["webhooks"])
def read_robot(robot_id: FromPath[UUID], request: ApiRequest) -> GroupRobotOut:
    """One robot, without its credentials."""
    with request.transaction() as uow:
        return GroupRobotOut.of_row(get_robot(uow, robot_id))


@patch(_ONE, permission=MANAGE, refuses=[404, 409], sync_to_thread=True, tags=["webhooks"])
def update_robot(robot_id: FromPath[UUID], data: JSONBody[GroupRobotChange], request: ApiRequest) -> GroupRobotOut:
    """Change name, address, secret, topics or language, switch it off or on. What happens while it is off is not posted later."""
    services = request.services
    command = ChangeRobot(robot_id, data.name, data.address, data.secret, data.topics, data.locale)

    def change(uow: UnitOfWork) -> GroupRobotOut:
        row = change_robot(uow, command, box=services.secrets, bases=services.robots.bases)
        if data.state is not None:
            switch_robot(uow, robot_id, on=data.state == "active")
        return GroupRobotOut.of_row(view_of_robot(row))

    return request.transact(change)


@delete(_ONE, permission=MANAGE, refuses=[404], sync_to_thread=True, status_code=204, tags=["webhooks"])
def delete_robot(robot_id: FromPath[UUID], request: ApiRequest) -> None:
    """Post nothing there any more, for good; its credentials are forgotten."""
    request.transact(lambda uow: remove_robot(uow, robot_id))


@post(f"{_ONE}/test", permission=MANAGE, refuses=[404, 429], sync_to_thread=True, status_code=200, tags=["webhooks"])
def test_robot(robot_id: FromPath[UUID], request: ApiRequest) -> GroupRobotOut:
    """Post a test in the group now. The provider's own words are in `robot_refused` where it does not take it."""
    return GroupRobotOut.of_row(post_test(request, robot_id))


@get(f"{_ONE}/messages", permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["webhooks"])
def list_robot_messages(
    robot_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[RobotMessageOut]]:
    """What was posted or waits, the newest first; kept for 30 days."""
    with request.transaction() as uow:
        page = robot_messages(uow, robot_id, cursor=paging.cursor, limit=paging.limit)
    return linked(page, _message, request.scope["path"], limit=paging.limit)


def post_test(request: ApiRequest, robot_id: UUID) -> RobotView:
    """For the JSON route and the page alike: the provider is called with no transaction open.

    Raises: as `begin_test`; Invalid `robot_refused` with the provider's words, `robot_busy`, `robot_silent`.
    """
    services = request.services
    provider, locale, credentials = request.transact(lambda uow: begin_test(uow, robot_id, box=services.secrets))
    words = TEST[locale]
    item = RobotItem(*words, f"{services.robots.public_url}/organization/robots/{robot_id}")
    posted = services.robots.post(provider, credentials, [item], in_name_of=f"robot:{robot_id}")
    view = request.transact(lambda uow: view_of_robot(end_test(uow, robot_id, posted)))
    if posted.outcome == "taken":
        return view
    if posted.outcome == "busy":
        raise Invalid("robot_busy", field="address")
    if posted.outcome == "refused":
        raise Invalid("robot_refused", field="address", said=posted.said)
    raise Invalid("robot_silent", field="address", said=posted.said)


def _message(row: RobotMessageView) -> RobotMessageOut:
    return RobotMessageOut.of_row(row)


routes = [
    list_robots,
    create_robot,
    read_robot,
    update_robot,
    delete_robot,
    test_robot,
    list_robot_messages,
]
