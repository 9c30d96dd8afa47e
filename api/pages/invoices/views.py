"""The buyer's invoices: finance's first screen."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from kernel.money import Money


@dataclass(frozen=True, slots=True)
class InvoiceItem:
    """One invoice or credit note; a credit note's amounts are negative."""

    id: str
    number: str
    kind: Literal["invoice", "credit_note", "commission_invoice"]
    seller_name: str
    issued_on: date
    order_id: str
    order_number: str
    po_number: str
    cost_centre: str
    """Code of the buyer's department, empty where none was named."""
    net: Money
    tax: Money
    gross: Money
    state: str
    month: date | None = None
    """Of a consolidated invoice; its lines say of which orders they are."""
    #: Whether its files can be had yet.
    drawn: bool = True
    #: Whether EN 16931 can say what is on it.
    has_xml: bool = True
    buyer_name: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePanelLine:
    """One line of the opened invoice."""

    text: str
    quantity: str
    net: Money
    tax_ppm: int
    tax: Money
    order_address: str = ""
    order_number: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePanel:
    """The invoice in the side panel."""

    row: InvoiceItem
    lines: tuple[InvoicePanelLine, ...]
    """The first of them."""
    seller_tax_id: str
    buyer_name: str
    buyer_tax_id: str
    remarks: str = ""
    capital_amount: str = ""
    #: Where its tax invoice (数电票) is asked for, and whether it was.
    fapiao_address: str = ""
    fapiao_asked: bool = False
    #: Where its title is corrected; empty where it cannot be.
    correction_address: str = ""
    #: Documents that belong to it: what is said of them (a key of the texts), number and id.
    linked: tuple[tuple[str, str, str], ...] = ()
    #: The tax in the currency in which the seller accounts for it, where that is another, and by which rate.
    accounting_tax: Money | None = None
    accounting_rate: str = ""
    #: Its tax invoices (数电票) that have their numbers: id and number.
    fapiaos: tuple[tuple[str, str], ...] = ()
    #: Why EN 16931 cannot say what is on it, as a code; empty where it can.
    no_xml_because: str = ""
    lines_more: int = 0
    """How many more are on its paper."""


@dataclass(frozen=True, slots=True)
class InvoiceFields:
    """What was typed to narrow the list, as it was typed. Days and the others are those of the address."""

    since: str = ""
    until: str = ""
    """The last day, included."""
    tax_id: str = ""
    po_number: str = ""
    cost_centre: str = ""
    currency: str = ""
    least: str = ""
    most: str = ""

    def kept(self) -> dict[str, str]:
        """What the address keeps of it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if getattr(self, name)}


@dataclass(frozen=True, slots=True)
class InvoicesView:
    """This month's invoices first. Filters are in the address; ``opened`` shows in the side panel.

    ``count`` and ``totals``, one amount per currency, are of everything the filters find, not of this page alone.
    """

    template: ClassVar[str] = "invoices/invoices.html"
    active: ClassVar[str] = "invoices"

    title: str
    month: date
    months: tuple[date, ...]
    rows: tuple[InvoiceItem, ...]
    count: int
    pending: int
    """How many of them have no files yet."""
    totals: tuple[Money, ...]
    sellers: tuple[tuple[str, str], ...] = ()
    seller: str = ""
    state: str = ""
    query: str = ""
    fields: InvoiceFields = InvoiceFields()
    #: Currencies that amounts may be given in.
    currencies: tuple[str, ...] = ()
    #: Where everything that the filters find is downloaded.
    export_address: str = ""
    error: str = ""
    may_forward: bool = False
    may_ask_fapiao: bool = False
    opened: InvoicePanel | None = None
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedInvoicesView:
    """What a seller issued in a month, or the platform of what it sells itself. Filters are in the address.

    ``count``, ``pending`` and ``totals`` are of everything the filters find.
    """

    template: ClassVar[str] = "invoices/issued.html"
    active: ClassVar[str] = "seller_invoices"

    month: date
    months: tuple[date, ...]
    rows: tuple[InvoiceItem, ...]
    count: int
    pending: int
    totals: tuple[Money, ...]
    kinds: tuple[str, ...]
    """Those that this issuer has."""
    export_address: str
    kind: str = ""
    state: str = ""
    query: str = ""
    opened: InvoicePanel | None = None
    next_address: str | None = None
    of_platform: bool = False
