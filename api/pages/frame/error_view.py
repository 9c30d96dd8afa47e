"""What the page for what went wrong shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error as what happened, what is safe, what to do; the three sentences come from ``api/texts/errors.toml``."""

    template: ClassVar[str] = "frame/error.html"
    active: ClassVar[str] = ""

    status: int
    code: str
    what: str
    safe: str
    todo: str
    request_id: str | None = None
    back_path: str = "/"
