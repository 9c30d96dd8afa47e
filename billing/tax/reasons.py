"""Why a line bears no tax, in words for a document. A taxed line needs no reason."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "cn_exempt": "免征增值税 / Exempt from VAT",
    "cn_export": "出口服务适用增值税零税率 / Export of services, zero rated",
    "eu_small_enterprise": "Small enterprise exemption, Directive 2006/112/EC art. 284",
    "eu_reverse_charge": "Reverse charge, Directive 2006/112/EC art. 196",
    "eu_export": "Outside the scope of EU VAT, Directive 2006/112/EC art. 44",
    "no_tax_configured": "不征税 / Outside the scope of tax",
}


def reason_in_words(reason_code: str) -> str:
    """The sentence a document prints for a decision's reason; empty where tax was charged."""
    return WORDS.get(reason_code, "")
