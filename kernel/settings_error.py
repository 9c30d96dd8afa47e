"""Why the settings cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SettingProblem:
    """One reason why the settings cannot be used, in both languages, with what to do about it."""

    name: str
    en: str
    zh: str

    @classmethod
    def missing(cls, name: str) -> SettingProblem:
        """It has to be set."""
        return cls(name, "is not set and has no safe default here; set it", "未设置，且此处没有安全的默认值；请设置")

    @classmethod
    def unreadable(cls, item: Mapping[str, Any]) -> SettingProblem:
        """One of pydantic's errors."""
        name = str(item["loc"][0]).upper() if item["loc"] else "SETTINGS"
        return cls(name, f"cannot be used: {item['msg']}", f"取值无效：{item['msg']}")


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists every reason, so that all can be mended in one go."""

    def __init__(self, problems: list[SettingProblem]) -> None:
        super().__init__("\n".join(f"{problem.name}: {problem.en} / {problem.zh}" for problem in problems))
        self.problems = problems

    def render(self, language: str) -> str:
        """One line per problem in `language` ("zh" or "en")."""
        return "\n".join(f"  {item.name}: {item.zh if language == 'zh' else item.en}" for item in self.problems)
