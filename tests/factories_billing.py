"""Makers of billing rows for tests: real verbs, real jobs, real commits; every call makes organizations of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from obstore.store import MemoryStore
from sqlalchemy import select

from app.scheduler import run_sweep
from billing import jobs
from billing.charges.mark_delivered import mark_delivered
from billing.charges.record_charge import RecordCharge, record_charge
from billing.documents.fapiao import FapiaoDocument
from billing.documents.model import InvoiceDocument
from billing.documents.parties import DocumentParty
from billing.fapiao.sandbox import SandboxFapiaoIssuer
from billing.gateways.ports import PaymentGateway
from billing.gateways.sandbox import SandboxGateway
from billing.invoices.issue_invoice import IssueInvoice, LineToInvoice, issue_invoice
from billing.ledger.queries import owed_minor
from billing.payments.start_payment import StartPayment, start_payment
from billing.settlement.close_statements import Closed, CloseStatements, close_statements
from billing.shares.split import ShareTerms
from kernel import clock
from kernel.db.base import Base
from kernel.db.uow import Database, Transact, UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.jobs.models import EventRow
from kernel.jobs.runner import drain
from kernel.money import Money
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.storage import Storage, StoredObject
from marketplace.parties.models import Organization
from tests.witness import witness_all

M = TypeVar("M", bound=Base)
T = TypeVar("T")
TERMS = ShareTerms(policy_version=1, commission_ppm=150_000, promoter_ppm=50_000, hold_days=7)
OPERATOR = Principal(
    PrincipalKind.OPERATOR, person_id=uuid7(), permissions=frozenset({"operator.payouts", "operator.clock"})
)


class PlainRenderer:
    """Stands where the PDF process stands, for tests of what happens around it; the real one has tests of its own."""

    def render(self, document: InvoiceDocument | FapiaoDocument, timeout_s: float) -> bytes:
        """The document's text."""
        return f"%PDF {document.number} {document.gross_minor}".encode()


class PlainStorage(Storage):
    """Stands where the object store stands, as `PlainRenderer` does. The store's library works by threads of the process that
    first used it, so that a fork of it waits for ever: mutation tests fork.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(MemoryStore())
        self._folder = folder

    def put(self, key: str, chunks: Iterable[bytes], *, max_bytes: int | None = None) -> StoredObject:
        """A file of that name."""
        content = b"".join(chunks)
        assert max_bytes is None or len(content) <= max_bytes
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return StoredObject(key, len(content), hashlib.sha256(content).hexdigest())

    def get_bytes(self, key: str) -> bytes:
        """The file's content."""
        return (self._folder / key).read_bytes()


@dataclass(frozen=True, slots=True)
class House:
    """Billing with everything it works through."""

    db: Database
    gateway: SandboxGateway
    storage: Storage

    def run(self) -> None:
        """Run whatever is due, until nothing is."""
        drain(self.db)


def make_house(db: Database, folder: Path, gateways: Mapping[str, PaymentGateway] | None = None) -> House:
    """Compose billing on this database; files go to `folder`."""
    gateway = SandboxGateway(db)
    witness_all()
    storage = PlainStorage(folder)
    jobs.register(
        gateways or {"sandbox": gateway},
        storage,
        PlainRenderer(),
        public_url="https://market.example",
        fapiao_issuer=SandboxFapiaoIssuer(),
    )
    return House(db, gateway, storage)


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase of one order with one line, from the first payment on. Amounts in fen: 1000.00 + 6 % = 1060.00."""

    buyer_org_id: UUID = field(default_factory=uuid7)
    seller_org_id: UUID = field(default_factory=uuid7)
    promoter_org_id: UUID | None = field(default_factory=uuid7)
    purchase_id: UUID = field(default_factory=uuid7)
    order_id: UUID = field(default_factory=uuid7)
    line_id: UUID = field(default_factory=uuid7)
    net_minor: int = 100_000
    tax_minor: int = 6_000

    @property
    def gross_minor(self) -> int:
        """What the buyer pays."""
        return self.net_minor + self.tax_minor

    def organizations(self, db: Database) -> None:
        """Write the parties down where documents look them up."""
        with unit_of_work(db, SYSTEM) as uow:
            for number, org_id in enumerate((self.buyer_org_id, self.seller_org_id, self.promoter_org_id)):
                if org_id is not None:
                    uow.session.add(
                        Organization(
                            id=org_id,
                            legal_name=f"测试有限公司 {number}",
                            display_name=f"Test {number}",
                            country="CN",
                            tax_id=None,
                            locale="zh-CN",
                            time_zone="Asia/Shanghai",
                            is_seller=number == 1,
                            state="active",
                        )
                    )

    def start_command(self, token: str = "sbx_ok") -> StartPayment:
        """The command that begins the payment."""
        return StartPayment(
            reference=self.purchase_id,
            payer_org_id=self.buyer_org_id,
            amount=Money(self.gross_minor, "CNY"),
            gateway="sandbox",
            method_token=token,
            allocations=((self.order_id, self.seller_org_id, self.gross_minor),),
            deadline_at=clock.now() + timedelta(minutes=30),
            description="test",
        )

    def start(self, db: Database, token: str = "sbx_ok") -> UUID:
        """Begin the payment; returns its id."""
        with unit_of_work(db, SYSTEM) as uow:
            return start_payment(uow, self.start_command(token)).request.row_id

    def charge(self, db: Database, payment_id: UUID, terms: ShareTerms = TERMS) -> UUID:
        """Record the paid line; returns the charge's id."""
        with unit_of_work(db, SYSTEM) as uow:
            return record_charge(uow, self.charge_command(payment_id, terms))

    def charge_command(self, payment_id: UUID, terms: ShareTerms = TERMS) -> RecordCharge:
        """The command that records the paid line."""
        return RecordCharge(
            reference=self.line_id,
            group_reference=self.order_id,
            payment_id=payment_id,
            buyer_org_id=self.buyer_org_id,
            seller_org_id=self.seller_org_id,
            promoter_org_id=self.promoter_org_id,
            video_id=uuid7(),
            net_minor=self.net_minor,
            tax_minor=self.tax_minor,
            gross_minor=self.gross_minor,
            tax_rate_ppm=60_000,
            currency="CNY",
            terms=terms,
        )

    def deliver(self, db: Database) -> None:
        """Mark the line delivered now."""
        with unit_of_work(db, SYSTEM) as uow:
            mark_delivered(uow, self.line_id, at=clock.now())

    def paid(self, house: House, token: str = "sbx_ok") -> UUID:
        """Pay and charge; returns the payment's id."""
        payment_id = self.start(house.db, token)
        house.run()
        self.charge(house.db, payment_id)
        return payment_id

    def invoice_command(self) -> IssueInvoice:
        """The command that invoices the order."""
        return IssueInvoice(
            reference=self.order_id,
            buyer_org_id=self.buyer_org_id,
            seller_org_id=self.seller_org_id,
            buyer=DocumentParty("买方科技有限公司", "CN", "91330000MA27XYZ123"),
            seller=DocumentParty("卖方软件有限公司", "CN", "91110108MA01ABCDE4", address_lines=("海淀区 1 号",)),
            currency="CNY",
            lines=[
                LineToInvoice(
                    reference=self.line_id,
                    name="协同平台 专业版 Team plan",
                    quantity=Decimal(10),
                    net_minor=self.net_minor,
                    tax_minor=self.tax_minor,
                    gross_minor=self.gross_minor,
                    tax_rate_ppm=60_000,
                    tax_category="S",
                    unit="席位 seat",
                )
            ],
            order_number="O-2026-000001",
            paid_minor=self.gross_minor,
            sandbox=True,
        )

    def invoice(self, db: Database, by: Principal = SYSTEM) -> UUID:
        """Ask for the order's invoice; returns its id. It takes its number at once, of the platform alone."""
        with unit_of_work(db, by) as uow:
            return issue_invoice(uow, self.invoice_command())


def seller_of(sale: Sale) -> Principal:
    """Somebody of the selling organization: what they write takes its number by a job."""
    return Principal(PrincipalKind.PERSON, org_id=sale.seller_org_id, person_id=uuid7())


def read(db: Database, model: type[M], row_id: UUID) -> M:
    """A row as it stands now."""
    with unit_of_work(db, SYSTEM) as uow:
        return uow.session.get_one(model, row_id)


def do_sweep(db: Database, name: str) -> None:
    """Do a sweep now, and whatever follows from it."""
    run_sweep(db, next(item for item in sweeps() if item.name == name))
    drain(db)


def close_due(db: Database, org_id: UUID | None = None) -> Closed:
    """Close what there is to settle until now, as the operator; for one organization, or for all."""
    return close_statements(as_operator(db), CloseStatements(clock.now(), org_id))


def as_operator(db: Database) -> Transact:
    """Units of work of the operator."""

    def own(work: Callable[[UnitOfWork], T], /) -> T:
        return transact(db, OPERATOR, work)

    return own


def facts(db: Database, subject_id: UUID) -> list[str]:
    """Topics of the facts recorded about a subject, oldest first."""
    with unit_of_work(db, SYSTEM) as uow:
        statement = select(EventRow.topic).where(EventRow.subject_id == subject_id).order_by(EventRow.id)
        return list(uow.session.scalars(statement))


def owed(db: Database, org_id: UUID) -> tuple[int, int]:
    """What the platform owes a party in yuan's fen: pending, available."""
    with unit_of_work(db, SYSTEM) as uow:
        return owed_minor(uow, org_id, "CNY")
