"""What Stripe calls our payers: one Customer for each organization, made when the first one is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from billing.gateways.models import GatewayCustomer
from billing.gateways.ports import GatewayMethod, GatewayRefused
from billing.gateways.stripe_calls import call, plain
from kernel import clock
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.ids import uuid7
from kernel.principal import SYSTEM

OWNER: Final = "organization"
"""In a Customer's metadata: which organization of ours it is."""
_METHODS: Final = 100
"""Most methods of one payer that are read; Stripe's own limit of a page."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: UUID
    reference: str | None


class CustomerBook:
    """Which Customer is whose. Opens its own transactions on `db`, none while Stripe is asked."""

    def __init__(self, db: Database, gateway: str) -> None:
        self._db = db
        self._gateway = gateway

    def open(self, org_id: UUID) -> _Known:
        """The organization's row, made where there is none: two who race for it find the same."""
        return transact(self._db, SYSTEM, lambda uow: self._opened(uow, org_id))

    def note(self, row_id: UUID, reference: str) -> None:
        """Write down what Stripe answered."""

        def work(uow: UnitOfWork) -> None:
            uow.session.get_one(GatewayCustomer, row_id).reference = reference

        transact(self._db, SYSTEM, work)

    def _opened(self, uow: UnitOfWork, org_id: UUID) -> _Known:
        wanted = select(GatewayCustomer).where(
            GatewayCustomer.org_id == org_id, GatewayCustomer.gateway == self._gateway
        )
        found = uow.session.scalar(wanted)
        if found is None:
            row = GatewayCustomer(
                id=uuid7(), org_id=org_id, gateway=self._gateway, reference=None, created_at=clock.installation_now()
            )
            uow.add_if_absent(row, "org_id", "gateway")
            found = uow.session.scalars(wanted).one()
        return _Known(found.id, found.reference)


class StripeCustomers:
    """Customers and the methods that Stripe keeps for them. Without a book nobody has any."""

    def __init__(self, api: Any, book: CustomerBook | None) -> None:
        self._api = api
        self._book = book

    def customer_of(self, org_id: UUID | None) -> str | None:
        """The organization's Customer, made once: the row's id is the key of making it."""
        if self._book is None or org_id is None:
            return None
        known = self._book.open(org_id)
        if known.reference is not None:
            return known.reference
        params: Any = {"metadata": {OWNER: str(org_id)}}
        options: Any = {"idempotency_key": str(known.id)}
        made = str(call(lambda: self._api.customers.create(params=params, options=options)).id)
        self._book.note(known.id, made)
        return made

    def list_methods(self, customer: str) -> tuple[GatewayMethod, ...]:
        """See `MethodKeeper.list_methods`."""
        wanted: Any = {"limit": _METHODS}
        found = call(lambda: self._api.customers.payment_methods.list(customer, params=wanted))
        return tuple(_method(one) for one in found.data)

    def forget(self, token: str) -> None:
        """Detach a method. Stripe detaches none twice, and keeps none that was detached: what is refused is forgotten already."""
        try:
            call(lambda: self._api.payment_methods.detach(token))
        except GatewayRefused:
            if plain(call(lambda: self._api.payment_methods.retrieve(token))).get("customer"):
                raise


def _method(found: Any) -> GatewayMethod:
    fields = plain(found)
    kind = str(fields["type"])
    details = plain(fields.get(kind))
    month, year = details.get("exp_month"), details.get("exp_year")
    return GatewayMethod(
        token=str(fields["id"]),
        kind=kind,
        brand=str(details.get("display_brand") or details.get("brand") or details.get("bank_name") or ""),
        last_four=str(details.get("last4") or ""),
        exp_month=int(month) if month else None,
        exp_year=int(year) if year else None,
    )
