"""What a robot posts, as each provider's group shows it. Pure: no input, no output.

Names in it come from other organizations. They stand as text: nothing in them is a link, a mention or a mark of the
provider's markdown, as what would be one is replaced by the same character in full width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_TITLE = 100
MOST_TEXT = 300
MOST_BYTES: Final = 3_500
"""Of the words of one post. WeCom takes 4,096 bytes of markdown, DingTalk and Feishu 20 kB."""
_FULL_WIDTH: Final = {ord(mark): ord(mark) + 0xFEE0 for mark in "<>[]()*_`~@#&!|\\"}


@dataclass(frozen=True, slots=True)
class RobotItem:
    """One thing that is told: a title, a sentence, what the way on is called, and the page it leads to."""

    title: str
    text: str
    action: str
    link: str


def as_text(words: str, most: int) -> str:
    """Words on one line, cut to so many characters, of which none is a mark of a provider's."""
    clean = " ".join(words.split()).translate(_FULL_WIDTH)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def written(item: RobotItem) -> RobotItem:
    """As it may stand in a message: its words are text, its link is ours."""
    return RobotItem(
        as_text(item.title, MOST_TITLE), as_text(item.text, MOST_TEXT), as_text(item.action, MOST_TITLE), item.link
    )


def how_many_fit(items: Sequence[RobotItem]) -> int:
    """How many of the first items one post takes; the first always."""
    size = 0
    for count, item in enumerate(items):
        size += len(_markdown(written(item)).encode()) + 2
        if size > MOST_BYTES and count:
            return count
    return len(items)


def dingtalk_body(items: Sequence[RobotItem]) -> dict[str, Any]:
    """`actionCard` with its button for one, `markdown` for several; `title` is what the phone shows."""
    found = [written(item) for item in items]
    if len(found) == 1:
        (one,) = found
        card = {
            "title": one.title,
            "text": f"### {one.title}\n\n{one.text}",
            "singleTitle": one.action,
            "singleURL": one.link,
        }
        return {"msgtype": "actionCard", "actionCard": card}
    return {"msgtype": "markdown", "markdown": {"title": found[0].title, "text": "\n\n".join(map(_markdown, found))}}


def wecom_body(items: Sequence[RobotItem]) -> dict[str, Any]:
    """`markdown`, the only one of its formats that has links."""
    return {"msgtype": "markdown", "markdown": {"content": "\n\n".join(_markdown(written(item)) for item in items)}}


def feishu_body(items: Sequence[RobotItem]) -> dict[str, Any]:
    """An interactive card: a header, a paragraph and a button for each."""
    found = [written(item) for item in items]
    elements: list[dict[str, Any]] = []
    for one in found:
        title = f"**{one.title}**\n" if len(found) > 1 else ""
        elements += [
            {"tag": "div", "text": {"tag": "lark_md", "content": f"{title}{one.text}"}},
            {
                "tag": "action",
                "actions": [
                    {
                        "tag": "button",
                        "text": {"tag": "plain_text", "content": one.action},
                        "url": one.link,
                        "type": "default",
                    }
                ],
            },
        ]
    header = {"title": {"tag": "plain_text", "content": found[0].title}}
    return {
        "msg_type": "interactive",
        "card": {"config": {"wide_screen_mode": True}, "header": header, "elements": elements},
    }


def _markdown(item: RobotItem) -> str:
    return f"**{item.title}**\n{item.text}\n[{item.action}]({item.link})"
