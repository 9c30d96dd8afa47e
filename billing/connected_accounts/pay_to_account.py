"""A party chooses its account at a gateway for its payouts, once the gateway pays out what is sent there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from billing.connected_accounts.models import ConnectedAccount
from billing.connected_accounts.open_account import find_account
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.secrets import SecretBox
from kernel.states import state_in
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import UseGatewayAccount, use_gateway_account


@dataclass(frozen=True, slots=True)
class PayToConnectedAccount:
    """Be paid in a currency to one's own account at `gateway`."""

    gateway: str
    currency: str


def pay_to_connected_account(uow: UnitOfWork, command: PayToConnectedAccount, box: SecretBox) -> PayoutAccount:
    """Let payouts in this currency go to the acting organization's account at the gateway from now on. Where it replaces
    another account it is held as one at a bank is: whoever steals a password could open an account at a gateway, too.

    Raises:
        Forbidden: `permission_missing` without billing.manage.
        NotFound: `account_not_found`: none was opened there, or it is closed.
        Invalid: `currency_unknown`.
        Conflict: `gateway_account_held`: the gateway does not pay out to it now; `payout_account_changed`: somebody else
            changed it at the same moment.

    Emits: PayoutAccountReplaced, where there was another.
    Locks: the account at the gateway, the checklist, then the payout account that is replaced.
    """
    uow.principal.require("billing.manage")
    known = find_account(uow, uow.principal.organization(), command.gateway)
    account = lock_row(uow.session, ConnectedAccount, known.id) if known is not None else None
    if account is None or account.reference is None:
        raise NotFound("account_not_found")
    if not account.is_payable:
        raise Conflict("gateway_account_held", state=account.state)
    return use_gateway_account(uow, UseGatewayAccount(command.currency, command.gateway, account.reference), box)


@dataclass(frozen=True, slots=True)
class PayableGatewayAccount:
    """An account at a gateway that payouts may go to; `currencies`: those in which they do."""

    gateway: str
    account_last4: str
    currencies: tuple[str, ...]


def list_payable_accounts(uow: UnitOfWork) -> list[PayableGatewayAccount]:
    """The acting organization's accounts that it may choose for its payouts, by gateway."""
    org_id = uow.principal.organization()
    accounts = uow.session.scalars(
        select(ConnectedAccount)
        .where(ConnectedAccount.org_id == org_id, state_in(ConnectedAccount.state, "enabled"))
        .order_by(ConnectedAccount.gateway)
    ).all()
    chosen = uow.session.execute(
        select(PayoutAccount.gateway_account, PayoutAccount.rail, PayoutAccount.currency)
        .where(PayoutAccount.org_id == org_id, PayoutAccount.replaced_at.is_(None))
        .order_by(PayoutAccount.currency)
    ).all()
    return [
        PayableGatewayAccount(
            one.gateway,
            (one.reference or "")[-4:],
            tuple(row.currency for row in chosen if (row.rail, row.gateway_account) == (one.gateway, one.reference)),
        )
        for one in accounts
    ]
