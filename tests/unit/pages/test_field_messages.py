"""What is wrong with a field is said in the reader's language, whichever library found it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from pydantic import Field, HttpUrl, ValidationError

from api.field_messages import field_message, texts
from api.schema import StrictInt, UtcIn, Wire

CHINESE = re.compile("[一-鿿]")


class Everything(Wire):
    """A body with a field of each kind that our routes take."""

    needed: str
    short: Annotated[str, Field(max_length=3)] = ""
    long: Annotated[str, Field(min_length=3)] = "abc"
    code: Annotated[str, Field(pattern="^[A-Z]+$")] = "A"
    count: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    above: Annotated[int, Field(gt=1, lt=9)] = 2
    whole: StrictInt = 1
    share: float = 1.0
    flag: bool = True
    id: UUID | None = None
    at: UtcIn | None = None
    hook: HttpUrl | None = None
    rows: Annotated[list[int], Field(min_length=1, max_length=2)] = Field(default_factory=lambda: [1])
    table: dict[str, str] = Field(default_factory=dict)
    kind: Literal["card", "bank"] = "card"


@pytest.mark.parametrize(
    ("body", "chinese", "english"),
    [
        ({}, "此项必填。", "This is required."),
        ({"more": 1}, "没有这一项，请去掉。", "There is no such field; leave it out."),
        ({"short": "abcd"}, "最多 3 个字符。", "At most 3 characters."),
        ({"long": "a"}, "至少 3 个字符。", "At least 3 characters."),
        ({"code": "a"}, "格式不正确。", "Does not have the right form."),
        ({"count": 10}, "不能大于 9。", "At most 9."),
        ({"count": 0}, "不能小于 1。", "At least 1."),
        ({"above": 1}, "必须大于 1。", "Must be more than 1."),
        ({"above": 9}, "必须小于 9。", "Must be less than 9."),
        ({"whole": "1"}, "请填写整数。", "Must be a whole number."),
        ({"share": "x"}, "请填写数字。", "Must be a number."),
        ({"flag": "x"}, "只能是“是”或“否”。", "Must be true or false."),
        ({"id": "x"}, "不是有效的编号。", "Must be a valid id."),
        ({"at": "x"}, "不是有效的日期或时间；时间须带时区。", "Must be a valid date or time; a time needs its zone."),
        ({"at": datetime(2026, 1, 1)}, "不是有效的日期或时间；时间须带时区。", None),  # noqa: DTZ001 - that is the fault
        ({"at": "9999-12-31T23:59:59Z"}, "不是有效的日期或时间；时间须带时区。", None),
        ({"at": "0001-01-01T00:00:00Z"}, "不是有效的日期或时间；时间须带时区。", None),
        ({"hook": "x"}, "不是有效的网址。", "Must be a valid address."),
        ({"rows": [1, 2, 3]}, "最多 2 项。", "Too many: at most 2."),
        ({"rows": []}, "至少 1 项。", "Too few: at least 1."),
        ({"rows": 1}, "请填写一个列表。", "Must be a list."),
        ({"table": 1}, "请填写一组字段。", "Must be an object with fields."),
        ({"kind": "x"}, "只能填 card 或 bank。", "Must be card or bank."),
        ({"needed": 1}, "请填写文字。", "Must be text."),
    ],
)
def test_bodies(body: dict[str, Any], chinese: str, english: str | None) -> None:
    with pytest.raises(ValidationError) as refused:
        Everything.model_validate({"needed": "x", **body} if body else {})
    said = refused.value.errors()[0]["msg"]
    assert field_message(said, "zh-CN") == chinese
    if english:
        assert field_message(said, "en") == english


@pytest.mark.parametrize(
    ("kind", "value", "chinese"),
    [
        (Annotated[int, msgspec.Meta(ge=1, le=100)], 101, "不能大于 100。"),
        (Annotated[int, msgspec.Meta(ge=1, le=100)], 0, "不能小于 1。"),
        (int, "x", "请填写整数。"),
        (Annotated[str, msgspec.Meta(max_length=2)], "xxx", "最多 2 个字符。"),
        (UUID, "x", "不是有效的编号。"),
        (bool, "x", "只能是“是”或“否”。"),
        (Literal["a"], "x", "此项填写不正确。"),
    ],
)
def test_parameters(kind: Any, value: Any, chinese: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, kind)
    assert field_message(str(refused.value), "zh-CN") == chinese


def test_every_sentence_is_there_in_both_languages() -> None:
    for kind, sentence in texts().items():
        assert set(sentence) == {"zh", "en"}, kind
        assert CHINESE.search(sentence["zh"]), kind
        assert not CHINESE.search(sentence["en"]), kind
        assert ("{n}" in sentence["zh"]) == ("{n}" in sentence["en"]), kind
