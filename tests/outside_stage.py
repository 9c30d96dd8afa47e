"""A stage whose buyer's purchases are asked outside as well, at the provider that tests run as a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from litestar.testing import TestClient
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import Member, SignInSession
from orders.approval_apps import jobs
from orders.approval_apps.access import providers_of
from orders.approval_apps.connect import ConnectApp, connect_app, name_member
from orders.approval_apps.models import OutsideAnswer, OutsideApproval
from orders.approval_apps.ports import ApprovalProvider
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Approval, Purchase
from tests.adapters.approval_provider import (
    CLIENT,
    CORP,
    KEY,
    SECRET,
    TEMPLATE,
    TOKEN,
    ApprovalProviders,
    Sent,
)
from tests.api_server import application
from tests.loop_stage import Stage

APPROVER, ASKER = "u-approver", "u-asker"


@dataclass
class Outside:
    """What is asked outside, and what people there do."""

    stage: Stage
    outside: ApprovalProviders
    provider: str
    providers: Mapping[str, ApprovalProvider]
    app_id: UUID

    @cached_property
    def services(self) -> Services:
        return replace(self.stage.services, approval_providers=self.providers)

    @cached_property
    def client(self) -> TestClient[Any]:
        return TestClient(application(self.services), base_url="https://market.example")

    def signed_in(self, who: Principal) -> TestClient[Any]:
        """A member's browser."""
        token = str(uuid7())
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            uow.session.add(
                SignInSession(
                    token_hash=hash_token(token),
                    person_id=who.person(),
                    org_id=who.organization(),
                    expires_at=clock.now() + timedelta(days=900),
                )
            )
        browser: TestClient[Any] = TestClient(application(self.services), base_url="https://market.example")
        browser.cookies.set("session", token)
        browser.headers["x-csrf-token"] = csrf_of(token)
        return browser

    def hold(self, *, quantity: int = 20, principal: Principal | None = None) -> UUID:
        """A purchase that waits for its approver, and was asked outside."""
        quote = self.stage.quote(quantity=quantity, principal=principal)
        held = self.stage.purchase(quote, principal=principal)
        self.stage.run()
        return held

    def asked(self, purchase_id: UUID, step: int = 1) -> OutsideApproval:
        """What was asked of a step, as it stands."""
        wanted = select(OutsideApproval).where(OutsideApproval.purchase_id == purchase_id, OutsideApproval.step == step)
        (row,) = self.stage.rows(wanted)
        assert isinstance(row, OutsideApproval)
        return row

    def said(self, purchase_id: UUID, act: str, user: str = APPROVER, step: int = 1, **what: Any) -> Sent:
        """What the provider sends of an act of somebody's."""
        instance = self.asked(purchase_id, step).instance_id
        return self.outside.said(self.provider, instance=instance, act=act, user=user, **what)

    def deliver(self, sent: Sent, app_id: UUID | None = None) -> Any:
        """A callback comes in; what it says is not counted yet."""
        address = f"/hooks/approvals/{app_id or self.app_id}"
        return self.client.request(
            sent.method, address, params=sent.query, headers=sent.headers, content=sent.body or None
        )

    def answer(self, purchase_id: UUID, act: str, user: str = APPROVER, **what: Any) -> None:
        """Somebody does something there, and it is counted."""
        taken = self.deliver(self.said(purchase_id, act, user, **what))
        assert taken.status_code == 200, taken.text
        self.stage.run()

    def decide(self, who: Principal, purchase_id: UUID, decision: Any = "approved") -> None:
        """Somebody decides inside."""
        command = DecidePurchase(purchase_id, decision, "because")
        transact(self.stage.services.db, who, lambda uow: decide_purchase(uow, command))
        self.stage.run()

    def name(self, who: Principal, user_id: str) -> None:
        """A member's user id there."""
        with unit_of_work(self.stage.services.db, self.stage.buyer.owner) as uow:
            wanted = select(Member.id).where(Member.person_id == who.person(), Member.org_id == self.stage.buyer.id)
            name_member(uow, uow.session.scalars(wanted).one(), user_id)

    def purchase(self, purchase_id: UUID) -> Purchase:
        return self.stage.get(Purchase, purchase_id)

    def decisions(self, purchase_id: UUID) -> list[Approval]:
        return self.stage.rows(select(Approval).where(Approval.purchase_id == purchase_id).order_by(Approval.step))

    def answers(self, purchase_id: UUID) -> list[tuple[str, str, str, str | None]]:
        """User, what they did, what came of it, and why."""
        wanted = (
            select(OutsideAnswer)
            .join(OutsideApproval, OutsideApproval.id == OutsideAnswer.outside_approval_id)
            .where(OutsideApproval.purchase_id == purchase_id)
            .order_by(OutsideAnswer.id)
        )
        return [(one.user_id, one.kind, one.outcome, one.reason) for one in self.stage.rows(wanted)]


def command_for(provider: str, **changes: Any) -> ConnectApp:
    """The app as the test's provider knows it."""
    command = ConnectApp(
        provider=provider,
        corp_id=CORP[provider],
        client_id=CLIENT[provider],
        template_code=TEMPLATE,
        form_field="采购说明",
        requester_user_id="manager",
        approver_node="node-1" if provider == "feishu" else None,
        client_secret=SECRET,
        callback_token=TOKEN,
        callback_key=KEY,
    )
    return replace(command, **changes)


def connected_outside(stage: Stage, outside: ApprovalProviders, provider: str) -> Outside:
    """The buyer's app is connected, its approver and its purchaser have user ids, and everything needs approval."""
    policy = OutboundPolicy(permitted=frozenset({f"127.0.0.1:{outside.port}"}))
    names = ("dingtalk_address", "wecom_address", "feishu_address")
    settings = stage.services.settings.model_copy(update=dict.fromkeys(names, outside.address))
    providers = providers_of(OutboundClient(policy), settings)
    jobs.register(providers, stage.services.secrets, public_url="https://market.example")
    outside.behave()
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 0))
        app_id = connect_app(uow, stage.services.secrets, command_for(provider)).id
    made = Outside(stage, outside, provider, providers, app_id)
    made.name(stage.approver, APPROVER)
    made.name(stage.purchaser, ASKER)
    return made
