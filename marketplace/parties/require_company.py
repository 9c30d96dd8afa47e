"""What a company does and a circle cannot: it has no tax identifier, no invoice title, no channel and nothing to sell."""

from __future__ import annotations

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from marketplace.parties.models import Organization


def is_circle(uow: UnitOfWork) -> bool:
    """Whether a circle is acted for. Raises: Forbidden `organization_required`."""
    organization = uow.session.get(Organization, uow.principal.organization())
    return organization is not None and organization.kind == "circle"


def require_company(uow: UnitOfWork) -> None:
    """Raises: Forbidden `organization_required`; Conflict `circle_is_no_company` where a circle is acted for."""
    if is_circle(uow):
        raise Conflict("circle_is_no_company")
