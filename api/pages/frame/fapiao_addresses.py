"""Addresses of what the papers of a sale can be had as besides their files, of sending them on, and of 数电票."""


def invoice_ubl(invoice_id: str) -> str:
    """The invoice as EN 16931 XML in UBL."""
    return f"/v1/invoices/{invoice_id}/ubl"


FAPIAO = "/fapiao"
ISSUED = "/seller/invoices"
SELLER_FAPIAO = "/seller/fapiao"
NEW = "/fapiao/new"


def side(name: str) -> str:
    """The page of a side: `buyer` or `seller`."""
    return SELLER_FAPIAO if name == "seller" else FAPIAO


def new(invoice_id: str) -> str:
    """The form that asks for the tax invoice of one bill."""
    return f"{NEW}?id={invoice_id}"


FORWARD = "/invoices/forward"
FORWARDS = "/invoices/forwards"
FORWARDED = "/forwarded-invoices"
FORWARDED_FILES = "/forwarded-invoices/files"


def forward_one(invoice_id: str) -> str:
    """The form that sends one document on."""
    return f"{FORWARD}?id={invoice_id}"


def revoke_forward(forward_id: str) -> str:
    """Where the link of what was sent on is taken back."""
    return f"{FORWARDS}/{forward_id}/revoke"


def retry(request_id: str) -> str:
    """Where what was refused is asked for again."""
    return f"{FAPIAO}/requests/{request_id}/retry"


def use(fapiao_id: str) -> str:
    """Where a buyer says that a document was booked."""
    return f"{FAPIAO}/{fapiao_id}/use"


def red_letter(letter_id: str) -> str:
    """Where one's side says what it says of a red letter."""
    return f"/red-letters/{letter_id}"


def pdf(fapiao_id: str) -> str:
    """The face of a tax invoice."""
    return f"/v1/fapiaos/{fapiao_id}/pdf"


def xml(fapiao_id: str) -> str:
    """A tax invoice's data."""
    return f"/v1/fapiaos/{fapiao_id}/xml"


def correction(invoice_id: str) -> str:
    """Where the title of an issued invoice is corrected."""
    return f"/invoices/{invoice_id}/correction"
