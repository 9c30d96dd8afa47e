"""Constraint names → domain errors: the database refuses, the caller reads a sentence.

A package registers the names of its own constraints next to its tables; an unregistered violation is a bug and stays one.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError

from kernel.errors import DomainError

_known: dict[str, Callable[[], DomainError]] = {}


def register(name: str, error: Callable[[], DomainError]) -> None:
    """Let a violation of constraint `name` surface as `error()`."""
    _known[name] = error


def translate(error: IntegrityError) -> DomainError | None:
    """The domain error a violated constraint stands for, or None when nobody claimed it."""
    diagnostic = getattr(error.orig, "diag", None)
    name = getattr(diagnostic, "constraint_name", None)
    build = _known.get(name) if isinstance(name, str) else None
    return build() if build else None
