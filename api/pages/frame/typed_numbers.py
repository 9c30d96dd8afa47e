"""Numbers as people type them into forms."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from kernel.errors import Invalid

MOST_DIGITS = 16
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000
_DIGITS = re.compile(rf"\d{{1,{MOST_DIGITS}}}", re.ASCII)


def plain(typed: str) -> str:
    """Without the blanks around it, and with full-width signs, as a Chinese keyboard types them, as their plain ones (NFKC)."""
    return unicodedata.normalize("NFKC", typed).strip()


def find_whole(typed: str) -> int | None:
    """A whole number of at most `MOST_DIGITS` digits; None for anything else."""
    written = plain(typed)
    return int(written) if _DIGITS.fullmatch(written) else None


def whole_number(typed: str, *, field: str, least: int = 0, most: int) -> int:
    """A whole number in bounds. Raises Invalid(`number_out_of_range`) otherwise, which says them."""
    number = find_whole(typed)
    if number is None or not least <= number <= most:
        raise Invalid("number_out_of_range", field=field, least=least, most=most)
    return number


def typed_ppm(typed: str, field: str) -> int:
    """A percentage as parts per million. Raises Invalid(`share_percent_invalid`): none, or of more than four decimals."""
    written = plain(typed).removesuffix("%").strip()
    if not _PERCENT.fullmatch(written):
        raise Invalid("share_percent_invalid", field=field)
    return int(Decimal(written) * _PPM_OF_PERCENT)
