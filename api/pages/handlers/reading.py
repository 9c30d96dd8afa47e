"""Reading what forms name, and saying what was refused."""

from __future__ import annotations

from uuid import UUID

from api.pages.site import Visit
from api.problems import sentence
from kernel.errors import DomainError, NotFound


def identifier(text: str, code: str = "not_found") -> UUID:
    """The id a form names. Raises NotFound(`code`) for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(code) from None


def said(visit: Visit, refused: DomainError) -> str:
    """A refusal as one line: what happened, what is safe, what to do."""
    words = sentence(refused.code, visit.language, refused.params)
    joint = "" if visit.language == "zh-CN" else " "
    return joint.join((words["what"], words["safe"], words["todo"]))
