"""Statement files as banks write them, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

ACCOUNT = "DE89370400440532013000"
OPENING = 100_000


class Entry(NamedTuple):
    """One entry, in minor units."""

    amount_minor: int
    remark: str = ""
    name: str = "Acme Co"
    number: str = "6222020200001234567"
    reference: str = ""
    day: str = "2026-01-02"
    virtual: str = ""


def plain(minor: int) -> str:
    """An amount as banks write it."""
    return str(Decimal(abs(minor)).scaleb(-2))


def icbc(entries: Sequence[Entry], *, opening: int = OPENING, encoding: str = "gbk") -> bytes:
    """As the Industrial and Commercial Bank of China lets one download it."""
    rows = [
        "[HISTORYDETAIL]",
        f"账号：,{ACCOUNT}",
        "凭证号,交易时间,借方发生额,贷方发生额,余额,对方账号,对方单位名称,摘要,用途",
    ]
    balance = opening
    for one in entries:
        balance += one.amount_minor
        debit, credit = ("", plain(one.amount_minor)) if one.amount_minor > 0 else (plain(one.amount_minor), "")
        money = Decimal(balance).scaleb(-2)
        rows.append(
            f'{one.reference},{one.day} 10:20:30,{debit},{credit},"{money:,}",{one.number},{one.name},转账,{one.remark}'
        )
    rows.append(f"合计,,,,{balance},,,,")
    return "\r\n".join(rows).encode(encoding)


def cmb(entries: Sequence[Entry], *, opening: int = OPENING) -> bytes:
    """As China Merchants Bank does: the newest entry first."""
    rows = []
    balance = opening
    for one in entries:
        balance += one.amount_minor
        debit, credit = ("", plain(one.amount_minor)) if one.amount_minor > 0 else (plain(one.amount_minor), "")
        money = Decimal(balance).scaleb(-2)
        rows.append(
            f"{one.day.replace('-', '')},{debit},{credit},{money},{one.remark},{one.reference},{one.name},{one.number}"
        )
    head = [f"# 账号: [{ACCOUNT}]", "交易日,借方金额,贷方金额,余额,摘要,流水号,收(付)方名称,收(付)方账号"]
    return "\n".join([*head, *reversed(rows)]).encode("utf-8-sig")


def generic(entries: Sequence[Entry]) -> bytes:
    """Any other bank's, without balances."""
    rows = ["Date;Amount;Payer;Account;Remark;Bank reference;Virtual account"]
    for one in entries:
        sign = "-" if one.amount_minor < 0 else ""
        rows.append(
            f"{one.day};{sign}{plain(one.amount_minor)};{one.name};{one.number};{one.remark};{one.reference};{one.virtual}"
        )
    return "\n".join(rows).encode()


def mt940(
    entries: Sequence[Entry], *, opening: int = OPENING, currency: str = "CNY", closing: int | None = None
) -> bytes:
    """SWIFT's."""
    lines = [":20:STMT", f":25:{ACCOUNT}", ":28C:1/1", f":60F:C260101{currency}{_comma(opening)}"]
    for one in entries:
        side = "C" if one.amount_minor > 0 else "D"
        reference = f"//{one.reference}" if one.reference else ""
        day = one.day[2:].replace("-", "")
        lines += [
            f":61:{day}{day[2:]}{side}{_comma(one.amount_minor)}NTRFNONREF{reference}",
            f":86:166?00TRANSFER?20{one.remark}?30BANK?31{one.number}?32{one.name}",
        ]
    end = opening + sum(one.amount_minor for one in entries) if closing is None else closing
    return "\n".join([*lines, f":62F:C260131{currency}{_comma(end)}", "-", ""]).encode()


def _comma(minor: int) -> str:
    return plain(minor).replace(".", ",")


def camt053(
    entries: Sequence[Entry], *, opening: int = OPENING, currency: str = "CNY", closing: int | None = None
) -> bytes:
    """ISO 20022's."""
    end = opening + sum(one.amount_minor for one in entries) if closing is None else closing
    told = "".join(_camt_entry(one, currency) for one in entries)
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{plain(minor)}</Amt>"
        "<CdtDbtInd>CRDT</CdtDbtInd></Bal>"
        for code, minor in (("OPBD", opening), ("CLBD", end))
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>"
        f"<BkToCstmrStmt><Stmt><Acct><Id><IBAN>{ACCOUNT}</IBAN></Id></Acct>{balances}{told}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _camt_entry(one: Entry, currency: str) -> str:
    side, party = ("CRDT", "Dbtr") if one.amount_minor > 0 else ("DBIT", "Cdtr")
    return (
        f"<Ntry><Amt Ccy='{currency}'>{plain(one.amount_minor)}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><AcctSvcrRef>{one.reference}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<RltdPties><{party}><Pty><Nm>{one.name}</Nm></Pty></{party}>"
        f"<{party}Acct><Id><Othr><Id>{one.number}</Id></Othr></Id></{party}Acct></RltdPties>"
        f"<RmtInf><Ustrd>{one.remark}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
