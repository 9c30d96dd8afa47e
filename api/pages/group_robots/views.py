"""Group robots as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.group_robot_addresses import ROBOTS
from marketplace.robots.queries import RobotMessageView, RobotView


@dataclass(frozen=True, slots=True)
class RobotTyped:
    """What the form holds; never an address or a secret."""

    name: str = ""
    provider: str = "dingtalk"
    locale: str = "zh-CN"
    topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TopicShown:
    """A sort of messages that may be chosen, with what it holds."""

    name: str
    label: str
    says: str


@dataclass(frozen=True, slots=True)
class RobotShown:
    """A robot in the list. `state`: also `failing`."""

    one: RobotView
    state: str
    address: str
    provider_name: str
    topics: str


@dataclass(frozen=True, slots=True)
class RobotsView:
    """The organization's robots, and the form for another."""

    template: ClassVar[str] = "group_robots/robots.html"
    active: ClassVar[str] = "group_robots"
    address: ClassVar[str] = ROBOTS

    robots: Sequence[RobotShown]
    topics: Sequence[TopicShown]
    typed: RobotTyped = RobotTyped()
    error: str = ""
    error_field: str = ""


@dataclass(frozen=True, slots=True)
class RobotPage:
    """One robot, what was posted by it, and its settings."""

    template: ClassVar[str] = "group_robots/robot.html"
    active: ClassVar[str] = "group_robots"
    back: ClassVar[str] = ROBOTS

    robot: RobotShown
    topics: Sequence[TopicShown]
    typed: RobotTyped
    messages: Sequence[RobotMessageView] = ()
    next_address: str | None = None
    error: str = ""
    error_field: str = ""
