"""Constraint names → domain errors: the database refuses, the caller reads a sentence.

A package registers the names of its own constraints next to its tables; an unregistered violation is a bug and stays one.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError

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


def as_sqlalchemy(error: psycopg.Error, dialect: Dialect, *, broken: bool) -> Exception:
    """What SQLAlchemy would have raised, or the domain error that a violated constraint stands for.

    `broken`: the connection is lost.
    """
    wrapped = DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken, dialect=dialect
    )
    known = translate(wrapped) if isinstance(wrapped, IntegrityError) else None
    return known or wrapped
