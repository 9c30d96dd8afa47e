"""Why the settings cannot be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SettingProblem:
    """One reason why the settings cannot be used, in both languages, with what to do about it."""

    name: str
    en: str
    zh: str


class SettingsError(Exception):
    """The settings cannot be used; `problems` lists every reason, so that all can be mended in one go."""

    def __init__(self, problems: list[SettingProblem]) -> None:
        super().__init__("\n".join(f"{problem.name}: {problem.en} / {problem.zh}" for problem in problems))
        self.problems = problems

    def render(self, language: str) -> str:
        """One line per problem in `language` ("zh" or "en")."""
        return "\n".join(f"  {item.name}: {item.zh if language == 'zh' else item.en}" for item in self.problems)
