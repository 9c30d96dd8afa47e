"""The words printed on documents, in Chinese and English; each key is one meaning."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

from billing.documents.model import Language

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "invoice": ("电子发票", "Invoice"),
    "credit_note": ("红字发票", "Credit note"),
    "statement": ("结算单", "Settlement statement"),
    "number": ("发票号码", "Number"),
    "fiscal_number": ("数电票号码", "Fiscal number"),
    "statement_number": ("结算单号", "Number"),
    "issued_on": ("开票日期", "Date of issue"),
    "closed_on": ("出单日期", "Date of issue"),
    "supplied_on": ("服务日期", "Date of supply"),
    "currency": ("币种", "Currency"),
    "buyer": ("购买方", "Buyer"),
    "seller": ("销售方", "Seller"),
    "party": ("结算对象", "Payee"),
    "platform": ("平台方", "Platform"),
    "tax_id_cn": ("统一社会信用代码", "Tax ID"),
    "tax_id": ("税号", "Tax ID"),
    "registration_id": ("登记号", "Registration"),
    "address": ("地址", "Address"),
    "bank": ("开户行及账号", "Bank"),
    "contact": ("联系方式", "Contact"),
    "item": ("项目名称", "Item"),
    "unit": ("单位", "Unit"),
    "quantity": ("数量", "Quantity"),
    "unit_price": ("单价", "Unit price"),
    "net": ("金额", "Net"),
    "tax_rate": ("税率", "Rate"),
    "tax": ("税额", "Tax"),
    "gross": ("价税合计", "Total"),
    "sum": ("合计", "Total"),
    "subtotal": ("不含税金额", "Net total"),
    "tax_total": ("税额合计", "Tax total"),
    "paid": ("已支付", "Paid"),
    "paid_back": ("已退款", "Paid back"),
    "correction_note": ("红字发票", "Credit note"),
    "correction_reason": ("更正原因", "Reason"),
    "carried_over": ("转入新单", "Carried over"),
    "due_back": ("待退款", "Left to pay back"),
    "due": ("待支付", "Amount due"),
    "due_on": ("付款期限", "Due date"),
    "terms": ("付款条件", "Terms"),
    "accounting_tax": ("折算税额", "Converted tax"),
    "exchange_rate": ("折算汇率", "Exchange rate"),
    "breakdown": ("税率明细", "Tax breakdown"),
    "capitals": ("价税合计（大写）", "Total in capitals"),
    "figures": ("（小写）", ""),
    "remarks": ("备注", "Remarks"),
    "order_ref": ("订单号", "Order"),
    "purchase_order": ("采购单号", "PO"),
    "cost_centre": ("成本中心", "Cost centre"),
    "payment_ref": ("支付流水", "Payment"),
    "period": ("服务期间", "Period"),
    "original": ("原蓝字发票", "Original"),
    "reason": ("红冲原因", "Reason"),
    "drawer": ("开票人", "Issued by"),
    "issuer": ("开具通道", "Issued through"),
    "verify": ("扫码核验", "Scan to verify"),
    "sandbox": ("沙箱 · 非税务发票", "SANDBOX – not a tax document"),
    "sandbox_statement": ("沙箱 · 不作结算凭证", "SANDBOX – no real money"),
    "S": ("应税", "Standard"),
    "Z": ("零税率", "Zero rated"),
    "E": ("免税", "Exempt"),
    "AE": ("反向征收（由购买方缴税）", "Reverse charge"),
    "O": ("不征税", "Not subject to VAT"),
    "occurred_on": ("日期", "Date"),
    "order_and_item": ("订单与项目", "Order and item"),
    "settlement_period": ("结算周期", "Period"),
    "carry_over": ("上期结转", "Carried over"),
    "sales": ("销售额", "Sales"),
    "refunds": ("退款", "Refunds"),
    "commission": ("平台佣金", "Commission"),
    "promoter": ("推广分成", "Promoter"),
    "commission_tax": ("佣金税费", "Tax on fee"),
    "adjustments": ("调整", "Adjustments"),
    "net_payable": ("应结金额", "Payable"),
    "line_net": ("净额", "Net"),
    "payout_ref": ("打款流水", "Payout"),
    "payout_on": ("打款日期", "Paid on"),
    "net_to_carry": ("结转下期", "To carry"),
    "offer": ("报价单", "Offer"),
    "offer_number": ("报价单号", "Number"),
    "offered_on": ("报价日期", "Date"),
    "valid_on": ("有效期至", "Valid until"),
    "offered_to": ("报价对象", "For"),
    "offered_by": ("报价方", "From"),
    "list_price": ("原价", "List price"),
    "priced_per": ("计价单位", "Per"),
    "amount": ("金额", "Amount"),
    "tax_is_in": ("含税价", "Tax included"),
    "tax_is_in_net": ("含税价，不适用税时减去税额", "Tax included; less the tax where none applies"),
    "tax_is_on_top": ("不含税价，另加税", "Tax is added"),
    "offer_terms": ("特别约定", "Terms of this offer"),
    "offer_binds": (
        "税额按接受报价时选择的发票抬头计算。本报价单非税务凭证；报价须在平台上接受，多个规格一并接受。",
        "Tax is decided by the invoice title chosen on acceptance. No tax document. Accepted on the platform, and whole.",
    ),
    "per_seat_month": ("席 / 月", "seat / month"),
    "per_seat_quarter": ("席 / 季", "seat / quarter"),
    "per_seat_year": ("席 / 年", "seat / year"),
    "per_month": ("月", "month"),
    "per_quarter": ("季", "quarter"),
    "per_year": ("年", "year"),
    "per_once": ("一次性", "once"),
    "per_first_term": ("首期", "first term"),
    "transfer": ("付款通知书", "Request for payment"),
    "transfer_code": ("汇款附言码", "Remark code"),
    "transfer_on": ("日期", "Date"),
    "transfer_due": ("付款截止日", "Pay by"),
    "transfer_from": ("付款方", "Payer"),
    "transfer_to": ("收款账户", "Pay to"),
    "transfer_holder": ("户名", "Account holder"),
    "transfer_bank": ("开户行", "Bank"),
    "transfer_account": ("账号", "Account number"),
    "transfer_bank_code": ("联行号 / BIC", "Bank code / BIC"),
    "transfer_remark": ("附言（必填）", "Remark (required)"),
    "transfer_for": ("订单", "Orders"),
    "transfer_amount": ("应付金额", "Amount to pay"),
    "transfer_by_code": (
        "请在汇款附言中原样填写附言码，款项据此自动入账。",
        "Write the remark code into the transfer's remark exactly as it stands: by it the payment is recognised.",
    ),
    "transfer_by_account": (
        "以上账号为本次付款专用，汇入即可自动入账；请同时填写附言码。",
        "This account number is for this payment alone; please write the remark code as well.",
    ),
    "transfer_exact": (
        "请按应付金额一次付清。金额不符、逾期或无法识别的款项不会自动入账，由平台联系您处理或原路退回。本通知书非税务凭证。",
        "Pay exactly this amount. Money that differs, is late or unknown waits for the platform, or goes back. No tax document.",
    ),
    "receipt": ("收据（非发票）", "Receipt (not an invoice)"),
    "receipt_number": ("收据编号", "Receipt no."),
    "received_on": ("收款日期", "Received on"),
    "received_from": ("付款方", "Received from"),
    "received_by": ("收款方", "Received by"),
    "received": ("实收金额", "Received"),
    "received_capitals": ("实收金额（大写）", "In capitals"),
    "of_it_credit": ("其中：抵用金", "Of it store credit"),
    "of_it_money": ("其中：款项", "Of it money"),
    "paid_by": ("支付渠道", "Paid by"),
    "sandbox_receipt": ("沙箱 · 没有真实款项", "SANDBOX – no real money"),
    "receipt_is": (
        "本收据证明已收到上述款项，金额含税。本收据不是发票，不能用于抵扣或税前列支；发票在交付后由销售方另行开具。此后的退款见红字单据。",
        "The amount was received, tax included. This is no invoice and no tax document; invoices follow delivery.",
    ),
    "pro_forma": ("形式发票（非发票）", "Pro-forma invoice (not an invoice)"),
    "pro_forma_number": ("编号", "Number"),
    "drawn_by": ("出具方（代销售方）", "Drawn up by, for the sellers"),
    "to_be_paid": ("应付合计", "To be paid"),
    "pro_forma_is": (
        "本形式发票仅供内部审批与付款安排，不是发票，不是税务凭证，也不占用发票编号。税额按所列发票抬头计算；发票在付款并交付后由销售方开具。",
        "For approval and payment only: no invoice, no tax document. Invoices follow payment and delivery.",
    ),
    "buyer_statement": ("月度对账单（非发票）", "Monthly statement (not an invoice)"),
    "month_covered": ("对账月份", "Month"),
    "stated_for": ("对账对象", "For"),
    "stated_orders": ("订单", "Orders"),
    "stated_payments": ("付款", "Payments"),
    "stated_refunds": ("退款", "Refunds"),
    "stated_invoices": ("发票与红字单据", "Invoices and credit notes"),
    "stated_open": ("月末未付订单", "Open at the end of the month"),
    "counterpart": ("对方 / 渠道", "Party / channel"),
    "in_the_data_file": ("见数据文件", "in the data file"),
    "hash_before": ("上期链值", "Chain before"),
    "hash_chain": ("本期链值", "Chain"),
    "buyer_statement_is": (
        "本对账单由平台生成并签名：数据文件的 SHA-256 与上期链值相接。扫码即可核验是否被改动。本对账单不是发票。",
        "Made and signed by the platform; the digest of its data file is chained to the statement before. No invoice.",
    ),
    "letter": ("催款函", "Reminder of overdue payment"),
    "letter_last": ("最后催款函", "Last reminder of overdue payment"),
    "letter_says": (
        "以下账期款项已超过付款截止日，截至本函日期尚未到账。请立即支付；付清之前，贵方不能再以账期方式采购。若已付款，请忽略本函。",
        "This purchase is overdue. Please pay now; until then nothing goes on account. Disregard this letter if you have paid.",
    ),
    "letter_last_says": (
        "此后不再另行催告。仍未付清的，平台将决定是否停止已交付的服务。",
        "No further letter follows. If it stays unpaid, the platform decides whether what was delivered ends.",
    ),
    "no_lines": ("本期无订单", "No orders in this period"),
}

_BILL: Final[dict[str, tuple[str, str]]] = {
    "invoice": ("账单（非税务发票）", "Bill (not a tax invoice)"),
    "credit_note": ("退款账单（非税务发票）", "Credit bill (not a tax invoice)"),
    "correction_note": ("冲销账单（非税务发票）", "Credit bill (not a tax invoice)"),
    "number": ("账单号码", "Number"),
    "issued_on": ("出单日期", "Date of issue"),
    "original": ("原账单", "Original"),
    "reason": ("退款原因", "Reason"),
    "drawer": ("出单人", "Issued by"),
}
"""What is called otherwise where the law calls nothing an invoice that no tax authority numbered."""


class Labels:
    """Labels of one language; bilingual ones set the English after the Chinese, in a smaller hand.

    `fiscal`: whether the document is what the law of its issuer's country calls an invoice.
    """

    def __init__(self, language: Language, *, fiscal: bool = True) -> None:
        self.language = language
        self._words = _WORDS if fiscal else _WORDS | _BILL

    def __call__(self, key: str) -> Markup:
        """The label as safe markup."""
        chinese, english = self._words[key]
        if self.language is Language.ZH or (self.language is Language.BILINGUAL and not english):
            return escape(chinese)
        if self.language is Language.EN:
            return escape(english)
        return Markup('{} <span class="en" lang="en">{}</span>').format(chinese, english)

    def title(self, key: str) -> Markup:
        """The label as a heading: what it says in brackets stands on a line of its own, in a smaller hand."""
        heading = str(self(key))
        for bracket in ("（", " ("):
            heading = re.sub(
                rf"{re.escape(bracket)}([^）)]*[）)])", rf'<span class="qualifier">{bracket.strip()}\1</span>', heading
            )
        return Markup(heading)  # noqa: S704 - a label's own markup with more of ours

    def plain(self, key: str) -> str:
        """The label as text, for the PDF's title."""
        chinese, english = self._words[key]
        return {Language.ZH: chinese, Language.EN: english}.get(self.language, f"{chinese} {english}")

    @property
    def chinese(self) -> bool:
        """Whether the reader expects what only Chinese paper has, as the amount in capitals."""
        return self.language is not Language.EN
