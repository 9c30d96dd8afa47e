"""Why money went back, as a credit note prints it. What a person gave as the reason stays in that person's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "delivery_failed": ("未能开通，全额退款", "It could not be delivered"),
    "milestone_overdue": ("里程碑逾期未交付", "A milestone was not delivered in time"),
    "payment_came_too_late": ("付款到账时订单已结束", "The payment came after the order had ended"),
    "usage_credit": ("未抵扣完的用量减免", "The rest of a usage credit"),
    "made_at_the_gateway": ("经支付渠道退款", "Refunded through the payment provider"),
    "dispute": ("付款银行裁定拒付", "The payer's bank decided a dispute"),
    "title_corrected": ("更正发票抬头，另开新单", "The title was corrected; a new document was issued"),
    "other": ("付款被撤回", "The payment was taken back"),
}
"""Chinese and English by the reason's code; a dispute's own reason is the bank's matter."""
_CODE: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+|fraudulent|reversed|declined")


def reason_in_words(reason: str, language: str) -> str:
    """The sentence for a refund's reason in a document's language (`zh-CN`, `en`, else both)."""
    if not _CODE.fullmatch(reason):
        return reason
    code = "dispute" if reason.startswith("dispute_") else reason
    chinese, english = WORDS.get(code, WORDS["other"])
    return {"zh-CN": chinese, "en": english}.get(language, f"{chinese} {english}")
