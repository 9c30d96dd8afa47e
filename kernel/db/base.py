"""The declarative base: naming convention, column types, and the marks that migrations and schema tests read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, DateTime, MetaData, Text, Uuid
from sqlalchemy import inspect as mapped
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

from kernel.clock import now
from kernel.ids import uuid7

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Minor = Annotated[int, mapped_column(BigInteger)]
"""Money in minor units. The currency stands in the same row."""
Ppm = Annotated[int, mapped_column(BigInteger)]
"""A rate in parts per million."""
Currency = Annotated[str, mapped_column(CHAR(3))]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Id = Annotated[UUID, mapped_column(Uuid, primary_key=True, default=uuid7)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), default=now)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]


_attributes: dict[type[Any], frozenset[str]] = {}


class Base(DeclarativeBase):
    """Base of every table. No relationships between packages; no behaviour in hooks."""

    def __init__(self, **values: Any) -> None:
        # As SQLAlchemy's own, without telling its instrumentation of each: a new row has no history.
        kind = type(self)
        known = _attributes.get(kind)
        if known is None:
            known = _attributes[kind] = frozenset(mapped(kind).column_attrs.keys())
        if not known.issuperset(values):
            raise TypeError(f"{kind.__name__} has no {', '.join(sorted(values.keys() - known))}")
        self.__dict__.update(values)

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        UUID: Uuid,
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }
