"""Group robots: the list with one that fails, the first one refused, and what was posted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api.pages.frame.translations import translations
from api.pages.group_robots.views import RobotPage, RobotShown, RobotsView, RobotTyped, TopicShown
from marketplace.robots.queries import RobotMessageView, RobotView
from marketplace.robots.topics import TOPICS
from tests.browser.preview.buying_samples import NOW, Samples

ID = UUID("019aa5f0-5c00-7000-8000-000000000005")


def _robot(s: Samples, name: str, provider: str, failures: int = 0) -> RobotShown:
    topics = ("conversations", "tickets", "escalations")
    one = RobotView(
        ID,
        name,
        provider,  # type: ignore[arg-type]
        topics,
        "zh-CN",
        "active",
        None,
        None,
        "e8f9",
        failures,
        NOW - timedelta(hours=2) if failures else None,
        "310000 sign not match, more: [https://ding-doc.dingtalk.com/doc]" if failures else None,
        None if failures else NOW,
        NOW,
    )
    said = s.pick("、", ", ").join(translations(s.language).text(f"group_robots.topic.{topic}") for topic in topics)
    return RobotShown(
        one,
        "failing" if failures else "active",
        "/organization/robots/1",
        translations(s.language).text(f"group_robots.provider.{provider}"),
        said,
    )


def _topics(s: Samples) -> list[TopicShown]:
    return [
        TopicShown(
            name,
            translations(s.language).text(f"group_robots.topic.{name}"),
            translations(s.language).text(f"group_robots.topic_says.{name}"),
        )
        for name in TOPICS
    ]


def listed(s: Samples) -> RobotsView:
    """Two, of which one fails."""
    robots = [
        _robot(s, s.pick("客服群", "Support group"), "dingtalk"),
        _robot(
            s,
            s.pick("华东大区售后值班与工单升级群", "On-call group for tickets of the whole eastern region"),
            "feishu",
            3,
        ),
    ]
    return RobotsView(robots, _topics(s))


def first(s: Samples) -> RobotsView:
    """None yet, and an address that is no robot's."""
    wrong = s.pick("这不是所选服务商的群机器人地址。", "This is not the address of a group robot of that provider.")
    typed = RobotTyped(s.pick("客服群", "Support"), "wecom", "zh-CN", frozenset({"tickets"}))
    return RobotsView((), _topics(s), typed, wrong, "address")


def one(s: Samples) -> RobotPage:
    """What was posted: sent, waiting, given up."""
    names = [
        s.pick("远山制造 提交了工单“导出报表时提示无权限”", "Yuanshan opened the ticket “No right to export reports”"),
        s.pick("云帆贸易 发来消息", "Yunfan wrote to you"),
        s.pick("工单“席位不足”已超过首次答复时限", "The first answer to the ticket “Seats” is late"),
    ]
    messages = (
        RobotMessageView(ID, "ticket_opened", names[0], "pending", 2, None, NOW, None),
        RobotMessageView(ID, "conversation_written", names[1], "sent", 1, None, NOW - timedelta(minutes=9), NOW),
        RobotMessageView(ID, "ticket_breached", names[2], "failed", 6, "exhausted", NOW - timedelta(hours=9), NOW),
    )
    robot = _robot(s, s.pick("华东大区售后值班群", "Eastern on-call group"), "dingtalk", 3)
    typed = RobotTyped(robot.one.name, "dingtalk", "zh-CN", frozenset(robot.one.topics))
    return RobotPage(robot, _topics(s), typed, messages, None)
