"""Facts: what happened, in the past tense, recorded in the transaction in which it became true.

An event class is a frozen pydantic model with a dotted, versioned `topic`. Whoever must follow registers a job handler
with `kernel.jobs.kinds.follows`; `UnitOfWork.emit` writes the fact and one job per follower, all or nothing.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """Base of every fact. `subject_id` is the aggregate the fact is about; `org_ids` are the organizations it concerns."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    topic: ClassVar[str]

    def subject_id(self) -> UUID:
        """The aggregate this fact is about: by convention the first field of the event."""
        name = next(iter(type(self).model_fields))
        value = getattr(self, name)
        if not isinstance(value, UUID):
            msg = f"{type(self).__name__}.{name} must be the subject's UUID"
            raise TypeError(msg)
        return value

    def org_ids(self) -> list[UUID]:
        """Organizations that may see this fact, taken from fields named `*org_id`."""
        found = [getattr(self, name) for name in type(self).model_fields if name.endswith("org_id")]
        return [value for value in found if isinstance(value, UUID)]
