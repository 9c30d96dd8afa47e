"""How each kind of content is found for whoever reports it, and removed. Every kind's own package says so, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.content_reports.models import KINDS


@dataclass(frozen=True, slots=True)
class ReportedContent:
    """What a reader sees of it: whose it is, and the video or product (`subject_id`) that it stands at."""

    subject_id: UUID
    author_org_id: UUID
    author_person_id: UUID | None
    author_name: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportableKind:
    """`find` raises NotFound for what the principal does not see; `remove` does nothing to what is gone already."""

    find: Callable[[UnitOfWork, UUID], ReportedContent]
    remove: Callable[[UnitOfWork, UUID, str], object]
    """With the platform's reason."""


_registered: dict[str, ReportableKind] = {}


def register_kind(name: str, kind: ReportableKind) -> None:
    """Let content of this kind be reported. Raises ValueError: the table knows no such kind."""
    if name not in KINDS:
        raise ValueError(name)
    _registered[name] = kind


def get_kind(name: str) -> ReportableKind:
    """Raises NotFound(`content_not_found`)."""
    try:
        return _registered[name]
    except KeyError:
        raise NotFound("content_not_found") from None


def registered_kinds() -> frozenset[str]:
    """What can be reported in this process."""
    return frozenset(_registered)
