"""Payouts as their pages show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from api.pages.frame.choices import Choice
from api.pages.frame.codes import in_words
from api.pages.frame.phrases import money
from api.pages.frame.site import PageRequest
from api.pages.payouts import views
from billing.connected_accounts.pay_to_account import PayableGatewayAccount
from billing.gateways.sandbox import NAME as SANDBOX
from billing.payout_batches.import_report import ImportedLine, ImportedReport
from billing.payout_batches.queries import (
    BatchedPayout,
    PayoutBatchRow,
    PayoutReportLineRow,
    PayoutReportRow,
    WaitingPayouts,
)
from billing.payouts.outlook import PayoutOutlook
from billing.payouts.schedule import PayoutScheduleRow
from billing.statements.queries import StatementRow
from kernel.money import CURRENCIES, Money
from marketplace.onboarding.queries import PayoutAccountView


def settings(
    page_request: PageRequest,
    *,
    accounts: Sequence[PayoutAccountView],
    schedules: Sequence[PayoutScheduleRow],
    closed: Sequence[StatementRow],
    found: Mapping[UUID, PayoutOutlook],
    offers: Sequence[PayableGatewayAccount],
    held: Collection[UUID],
    is_seller: bool,
) -> views.PayoutSettingsView:
    """A party's page. The currencies it has to do with stand first in the select; `held`: accounts that a gateway holds."""
    own = dict.fromkeys([*(one.currency for one in accounts), *(one.currency for one in closed), "CNY"])
    view = views.PayoutSettingsView if is_seller else views.PromoterPayoutSettingsView
    return view(
        accounts=tuple(
            views.PayoutAccountItem(
                one.currency,
                one.rail,
                one.bank_name,
                one.holder,
                one.account_last4,
                one.trouble or ("gateway_held" if one.id in held else ""),
                one.held_until,
            )
            for one in accounts
        ),
        schedules=tuple(
            views.PayoutScheduleItem(
                one.currency,
                one.every,
                one.day,
                money(one.minimum_minor, one.currency) if one.minimum_minor else None,
            )
            for one in schedules
        ),
        waiting=tuple(waiting(row, found[row.id]) for row in closed if row.id in found),
        currencies=tuple(Choice(one, one) for one in dict.fromkeys([*own, *CURRENCIES])),
        typed={
            "currency": next(iter(own)),
            "every": "monthly",
            "weekday": "1",
            "month_day": "1",
            "minimum": "",
            "account": "",
        },
        is_seller=is_seller,
        may_change=page_request.principal.may("billing.manage"),
        plays=SANDBOX in page_request.services.gateways and page_request.services.sandbox,
        offers=tuple(offers),
    )


def waiting(row: StatementRow, one: PayoutOutlook) -> views.WaitingStatement:
    """A closed statement, and what it waits for."""
    return views.WaitingStatement(
        id=str(row.id),
        number=row.number,
        net=money(row.net_minor, row.currency),
        rail=one.rail or "",
        account_last4=one.account_last4,
        waits_for=one.waits_for,
        until=one.until,
        on=one.on,
    )


def batches(
    waits: Sequence[WaitingPayouts],
    rows: Sequence[PayoutBatchRow],
    reports: Sequence[PayoutReportRow],
    next_address: str | None,
    error: str | None,
) -> views.PayoutBatchesView:
    """The operator's list."""
    return views.PayoutBatchesView(
        waiting=tuple(
            views.WaitingAmount(one.currency, one.payouts, money(one.amount_minor, one.currency)) for one in waits
        ),
        rows=tuple(
            views.BatchItem(
                str(one.id), one.state, one.payouts, money(one.control_sum_minor, one.currency), one.created_at
            )
            for one in rows
        ),
        reports=tuple(
            views.ReportItem(str(one.id), one.file_name, one.kind, one.lines, one.created_at) for one in reports
        ),
        next_address=next_address,
        error=error,
    )


def batch(
    page_request: PageRequest, row: PayoutBatchRow, payouts: Sequence[BatchedPayout], names: Mapping[UUID, str]
) -> views.PayoutBatchView:
    """One batch."""
    return views.PayoutBatchView(
        id=str(row.id),
        state=row.state,
        amount=money(row.control_sum_minor, row.currency),
        rows=tuple(
            views.BatchedItem(
                payout_id=str(one.payout_id),
                party=names.get(one.org_id, one.holder),
                statement_number=one.statement_number,
                bank=one.bank_name,
                account_last4=one.account_last4,
                amount=money(one.amount_minor, one.currency),
                state=one.state,
                error=in_words(page_request.language, one.error_code) if one.error_code else "",
                stale=one.stale,
            )
            for one in payouts
        ),
        created_at=row.created_at,
        approved_at=row.approved_at,
        sent_at=row.sent_at,
        execution_on=row.execution_on,
        second_person=row.needs_second_person,
        plays=page_request.services.sandbox,
    )


def checked(found: ImportedReport, file_name: str) -> views.PayoutReportView:
    """What would follow from a file."""
    rows = tuple(_line(one, one.amount) for one in found.lines)
    return views.PayoutReportView(found.kind, file_name, rows, dry_run=True, is_new=found.is_new)


def report_line(line: PayoutReportLineRow) -> views.ReportLineItem:
    """A stored line."""
    amount = money(line.amount_minor, line.currency) if line.amount_minor is not None and line.currency else None
    return _line(line, amount)


def _line(line: PayoutReportLineRow | ImportedLine, amount: Money | None) -> views.ReportLineItem:
    return views.ReportLineItem(
        line.position,
        str(line.payout_id) if line.payout_id else "",
        line.end_to_end_id,
        line.says,
        line.reason,
        amount,
        line.outcome,
    )
