"""Who acts: the answer of the edge's authentication, and the only thing authorization asks.

Knows nothing of HTTP nor of any domain; permissions are plain strings such as `orders.read`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from kernel.errors import Forbidden


class PrincipalKind(StrEnum):
    """What sort of actor stands behind a unit of work; recorded in every history row."""

    ANONYMOUS = "anonymous"
    PERSON = "person"
    API_KEY = "api_key"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """An actor, the organization it acts in, and what it may do there."""

    kind: PrincipalKind
    org_id: UUID | None = None
    person_id: UUID | None = None
    permissions: frozenset[str] = field(default_factory=frozenset)
    label: str = ""
    maker_id: UUID | None = None
    """The person who made the API key."""

    @property
    def is_platform(self) -> bool:
        """The platform itself: jobs, and operators in their own desks. Row level security shows it every organization."""
        return self.kind in {PrincipalKind.SYSTEM, PrincipalKind.OPERATOR}

    @property
    def accountable_id(self) -> UUID | None:
        """The person who answers for what is asked: whoever acts, or the maker of the key that does."""
        return self.person_id or self.maker_id

    def may(self, permission: str) -> bool:
        """Whether this principal holds `permission` in its organization."""
        return self.kind is PrincipalKind.SYSTEM or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden(`permission_missing`) unless the permission is held."""
        if not self.may(permission):
            raise Forbidden("permission_missing", permission=permission)

    def organization(self) -> UUID:
        """The organization acted for. Raises Forbidden(`organization_required`) when there is none."""
        if self.org_id is None:
            raise Forbidden("organization_required")
        return self.org_id

    def person(self) -> UUID:
        """The person acting. Raises Forbidden(`person_required`) for keys and jobs."""
        if self.person_id is None:
            raise Forbidden("person_required")
        return self.person_id


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, label="anonymous")
SYSTEM = Principal(PrincipalKind.SYSTEM, label="system")
