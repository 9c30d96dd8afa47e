"""How often identities may be claimed: whoever claims one has people of the platform look at it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from marketplace.access.counted_limits import Limit, count_within

ORGANIZATIONS = Limit(20, timedelta(days=1))
"""Of one person: an accountant registers several firms, nobody hundreds."""
TAX_IDS = Limit(10, timedelta(days=1))
"""Corrections of one organization: each may be another's identifier, and opens a dispute then."""
DOCUMENTS = Limit(20, timedelta(days=1))
"""Of one organization, 10 MB each."""
IMAGES = Limit(300, timedelta(days=1))
"""Pictures of products of one organization: many more than anybody prepares by hand."""


def count_registration(uow: UnitOfWork, person_id: UUID) -> None:
    """Count an organization that somebody registers. Raises TooMany(`organizations_too_often`)."""
    with as_platform(uow):
        count_within(uow, ORGANIZATIONS, "organizations_too_often", "organizations_of", str(person_id))


def count_tax_id(uow: UnitOfWork) -> None:
    """Count a correction of the acting organization's. Raises TooMany(`tax_id_too_often`)."""
    org_id = uow.principal.organization()
    with as_platform(uow):
        count_within(uow, TAX_IDS, "tax_id_too_often", "tax_id_of", str(org_id))


def count_document(uow: UnitOfWork) -> None:
    """Count a document that the acting organization hands in. Raises TooMany(`documents_too_often`)."""
    org_id = uow.principal.organization()
    with as_platform(uow):
        count_within(uow, DOCUMENTS, "documents_too_often", "documents_of", str(org_id))


def count_image(uow: UnitOfWork) -> None:
    """Count a picture that the acting organization sends. Raises TooMany(`images_too_often`)."""
    org_id = uow.principal.organization()
    with as_platform(uow):
        count_within(uow, IMAGES, "images_too_often", "images_of", str(org_id))
