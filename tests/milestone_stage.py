"""A service in three milestones, bought, and what its two sides do with it: for tests of the loop and of races."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.shares.models import Share
from fulfillment.connectors.save_connector import SaveConnector, save_connector
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from kernel.storage import StoredObject
from marketplace.catalog.plan_terms import DraftPlan
from marketplace.pricing.components import PlanPrice
from orders.milestones.cancel import cancel_overdue
from orders.milestones.decide import accept_milestone, ask_rework
from orders.milestones.deliver import AddFile, add_file, deliver
from orders.milestones.take_on import refuse, take_on
from orders.order.milestones import MilestoneFile, OrderMilestone
from tests.factories_marketplace import acting, make_plans, one_off_plan, words
from tests.loop_stage import Stage

AMOUNTS = (280_000, 460_001, 160_000)
GROSS = sum(AMOUNTS)
STEPS = tuple(
    {"code": code, "name": name, "name_en": code.title(), "amount_minor": amount, "days": days}
    for code, name, amount, days in zip(
        ("assessment", "hardening", "retest"), ("评估", "加固", "复测"), AMOUNTS, (10, 20, 5), strict=True
    )
)


def staged_price(**changes: Any) -> PlanPrice:
    """Three milestones, each with its days."""
    milestones = {"kind": "milestones", "steps": STEPS, "accept_days": 7}
    values = {"currency": "CNY", "interval": "none", "term_months": 0, "components": [milestones | changes]}
    return PlanPrice.model_validate(values)


@dataclass
class Service:
    """A service in milestones on a stage."""

    stage: Stage
    plan: UUID
    connector: UUID

    def buy(self, **how: Any) -> UUID:
        """Buy and pay; nothing is taken on yet. Returns the order's id."""
        order_id = self.stage.buy(self.plan, 1, **how)
        self.stage.run()
        return order_id

    def begun(self) -> UUID:
        """Buy, and let the seller take it on."""
        order_id = self.buy()
        self.take_on(order_id)
        return order_id

    def milestones(self, order_id: UUID) -> list[OrderMilestone]:
        """In their order."""
        found = select(OrderMilestone).where(OrderMilestone.order_id == order_id)
        return self.stage.rows(found.order_by(OrderMilestone.position))

    def states(self, order_id: UUID) -> list[str]:
        """Of its milestones."""
        return [one.state for one in self.milestones(order_id)]

    def shares(self, milestone: OrderMilestone) -> list[Share]:
        """What everybody gets of a milestone."""
        return self.stage.rows(select(Share).where(Share.part_reference == milestone.id))

    def do(self, who: Principal, work: Any) -> Any:
        """One command, and what follows it."""
        done = transact(self.stage.services.db, who, work)
        self.stage.run()
        return done

    def take_on(self, order_id: UUID, who: Principal | None = None) -> None:
        """The seller accepts the order."""
        self.do(who or self.stage.seller.owner, lambda uow: take_on(uow, order_id))

    def refuse(self, order_id: UUID, reason: str = "没有档期") -> None:
        """The seller does not."""
        self.do(self.stage.seller.owner, lambda uow: refuse(uow, order_id, reason))

    def add(self, one: OrderMilestone, name: str = "report.pdf", sha256: str = "") -> MilestoneFile:
        """The seller puts a file with what it will deliver."""
        stored = StoredObject(f"milestones/x/{uuid7()}", 10, sha256 or uuid7().hex * 2)
        command = AddFile(one.id, stored, "application/pdf", name)
        added: MilestoneFile = self.do(self.stage.seller.owner, lambda uow: add_file(uow, command))
        return added

    def deliver(self, one: OrderMilestone, version: int = 1, words: str = "请查收") -> None:
        """The seller says that it is done."""
        seller = self.stage.seller.owner
        self.do(seller, lambda uow: deliver(uow, one.id, version=version, words=words))

    def accept(self, one: OrderMilestone, version: int = 1, who: Principal | None = None) -> None:
        """The buyer accepts it."""
        buyer = who or self.stage.purchaser
        self.do(buyer, lambda uow: accept_milestone(uow, one.id, version=version))

    def rework(self, one: OrderMilestone, version: int = 1, words: str = "缺少附录") -> None:
        """The buyer wants it done again."""
        buyer = self.stage.purchaser
        self.do(buyer, lambda uow: ask_rework(uow, one.id, version=version, words=words))

    def cancel(self, one: OrderMilestone) -> None:
        """The buyer waits no longer."""
        self.do(self.stage.purchaser, lambda uow: cancel_overdue(uow, one.id))


def service_on(
    stage: Stage, price: PlanPrice | None = None, *, by_system: bool = False, refund_window_days: int = 7, **plan: Any
) -> Service:
    """A published service of the stage's seller, done by people, or opened `by_system` first. Without a price of one figure."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        connector = stage.connector
        if not by_system:
            with acting(uow, stage.seller.owner):
                command = SaveConnector("people", "none")
                connector = save_connector(
                    uow, command, box=stage.services.secrets, policy=stage.services.outbound_policy
                ).id
        draft = one_off_plan(connector_id=connector, **plan)
        if price is not None:
            draft = DraftPlan(
                code=draft.code,
                name=draft.name,
                name_en=draft.name_en,
                connector_id=connector,
                price=price,
                untaxed_price=draft.untaxed_price,
            )
        text = replace(words("安全加固服务"), refund_window_days=refund_window_days)
        made = make_plans(uow, stage.seller, draft, kind="service", text=text)
        return Service(stage, made[0].id, connector)
