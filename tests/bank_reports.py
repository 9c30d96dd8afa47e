"""Files as banks give them: pain.002, camt.053 and camt.054 about transfers of ours."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from kernel.ids import uuid7
from kernel.money import to_decimal


@dataclass(frozen=True)
class Told:
    """What a bank says of one transfer: a status of pain.002, or the direction of an entry (`DBIT`, `CRDT`)."""

    payout_id: UUID
    says: str
    amount_minor: int
    reason: str = ""
    currency: str = "CNY"

    @property
    def amount(self) -> str:
        """As the file writes it."""
        return str(to_decimal(self.amount_minor, self.currency))


def pain_002(batch_id: UUID, *lines: Told, group: str = "PART", reason: str = "") -> bytes:
    """A status report about a batch."""
    told = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{one.payout_id.hex}</OrgnlEndToEndId><TxSts>{one.says}</TxSts>"
        f"{_reason('StsRsnInf', one.reason)}<OrgnlTxRef><Amt><InstdAmt Ccy='{one.currency}'>{one.amount}</InstdAmt></Amt>"
        "</OrgnlTxRef></TxInfAndSts>"
        for one in lines
    )
    body = (
        f"<CstmrPmtStsRpt><GrpHdr><MsgId>{uuid7().hex}</MsgId><CreDtTm>2026-11-30T00:00:00Z</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{batch_id.hex}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
        f"<GrpSts>{group}</GrpSts>{_reason('StsRsnInf', reason)}</OrgnlGrpInfAndSts>"
        + (
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch_id.hex}</OrgnlPmtInfId>{told}</OrgnlPmtInfAndSts>"
            if told
            else ""
        )
        + "</CstmrPmtStsRpt>"
    )
    return _document("pain.002.001.10", body)


def camt(kind: str, *lines: Told) -> bytes:
    """A statement (camt.053) or a notification (camt.054) with an entry for each."""
    outer, inner = ("BkToCstmrStmt", "Stmt") if kind == "camt.053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    entries = "".join(
        f"<Ntry><Amt Ccy='{one.currency}'>{one.amount}</Amt><CdtDbtInd>{one.says}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<AcctSvcrRef>{uuid7().hex}</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{one.payout_id.hex}</EndToEndId></Refs>"
        f"{_reason('RtrInf', one.reason)}</TxDtls></NtryDtls></Ntry>"
        for one in lines
    )
    header = f"<GrpHdr><MsgId>{uuid7().hex}</MsgId><CreDtTm>2026-11-30T00:00:00Z</CreDtTm></GrpHdr>"
    return _document(f"{kind}.001.08", f"<{outer}>{header}<{inner}>{entries}</{inner}></{outer}>")


def _reason(element: str, code: str) -> str:
    return f"<{element}><Rsn><Cd>{code}</Cd></Rsn></{element}>" if code else ""


def _document(message: str, body: str) -> bytes:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:{message}'>{body}</Document>"
    ).encode()
