"""The Chinese fully digital e-invoice (数电票) as a pure value: what its data file and its face are both drawn from.

It exists only with the number that an issuer gave; what has none is a bill (`InvoiceDocument`). Source: 国家税务总局公告
2024年第11号, nationwide since 2024-12-01.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from billing.documents.lines import DocumentLine
from billing.documents.model import LINES_MAX, Language
from billing.documents.parties import DocumentParty, cleaned
from kernel.errors import Invalid

NUMBER: Final = re.compile(r"[0-9]{20}")
"""Two digits of the year, two of the province, one of the issuing channel, fifteen of a sequence."""
SERVICE_CODE: Final = "3040201990000000000"
"""商品和服务税收分类编码 of other software services, within those of information technology."""
SOFTWARE_RATE_PPM: Final = 130_000


@dataclass(frozen=True, slots=True)
class RedReference:
    """What a red one takes back: the blue one's number, and that of its 红字发票信息确认单."""

    original_number: str
    confirmation_number: str

    def __post_init__(self) -> None:
        for number in (self.original_number, self.confirmation_number):
            if not NUMBER.fullmatch(number):
                raise Invalid("fapiao_number_malformed", field="number")

    @property
    def remark(self) -> str:
        """The remark that a red one must carry, word for word."""
        return f"被红冲蓝字数电票号码：{self.original_number} 红字发票信息确认单编号：{self.confirmation_number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FapiaoDocument:
    """A numbered e-invoice in yuan. Amounts are fen, positive for red ones, too; `red` says the direction.

    Raises:
        Invalid: `fapiao_number_malformed`, or what its lines and parties refuse; sums that do not add up.
    """

    number: str
    issued_at: datetime
    """The authority's instant; the face has its day in China (`issued_on`)."""
    issued_on: date
    special: bool
    """专用发票, whose buyer may deduct the tax; else 普通发票."""
    seller: DocumentParty
    buyer: DocumentParty
    lines: tuple[DocumentLine, ...]
    net_minor: int
    tax_minor: int
    gross_minor: int
    issuer: str
    sandbox: bool
    """Numbered by a sandbox, and no tax document: said on every page and in the data."""
    drawer: str = ""
    """开票人."""
    remarks: str = ""
    red: RedReference | None = None

    def __post_init__(self) -> None:
        cleaned(self, {"number": 20, "issuer": 120, "drawer": 60, "remarks": 500})
        if not NUMBER.fullmatch(self.number):
            raise Invalid("fapiao_number_malformed", field="number")
        if not 1 <= len(self.lines) <= LINES_MAX:
            raise Invalid("document_line_count", field="lines", limit=LINES_MAX)
        for field in ("net_minor", "tax_minor", "gross_minor"):
            if sum(getattr(line, field) for line in self.lines) != getattr(self, field):
                raise Invalid("document_total_differs", field=field)
        if self.gross_minor < 0:
            raise Invalid("document_total_negative", field="gross_minor")

    @property
    def currency(self) -> str:
        """They are in yuan."""
        return "CNY"

    @property
    def language(self) -> Language:
        """They are Chinese, whoever reads them."""
        return Language.ZH

    @property
    def sign(self) -> int:
        """-1 of a red one, whose amounts are written negative."""
        return -1 if self.red else 1

    @property
    def kind_name(self) -> str:
        """What kind it is, as its heading says."""
        return "增值税专用发票" if self.special else "普通发票"

    @property
    def full_remarks(self) -> str:
        """With what a red one must say."""
        return "\n".join(part for part in (self.red.remark if self.red else "", self.remarks) if part)


def item_name(name: str, tax_rate_ppm: int) -> str:
    """A line's name with the short name of its class between asterisks before it, as the law has it; kept where there is one."""
    if re.match(r"\*[^*]+\*", name):
        return name
    return f"*{'软件' if tax_rate_ppm == SOFTWARE_RATE_PPM else '信息技术服务'}*{name}"


def class_code(line: DocumentLine) -> str:
    """The code of what a line is; empty where the platform knows none and the seller's own tax software adds it."""
    return "" if line.name.startswith("*软件*") else SERVICE_CODE
