"""What the `market` command says to the person at the terminal, in Chinese or English."""

import os

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress and messages, on standard error."""
results = Console(highlight=False, soft_wrap=True)
"""What a command was asked for, on standard output."""


def terminal_language() -> str:
    """Answer "zh" when the terminal's locale is Chinese, else "en" (POSIX: LC_ALL before LC_MESSAGES before LANG)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def choose(en: str, zh: str) -> str:
    """The text in the terminal's language."""
    return zh if terminal_language() == "zh" else en
