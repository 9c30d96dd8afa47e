"""Lives through a sandbox's past: step by step, each at its own time, with all the jobs and sweeps that it causes.

This process's jobs lie in queues of their own, so that no worker takes them at the present time; its scheduler stands in for
the present's. Every step is counted in the transaction that does it: whoever is stopped goes on where they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound

from api.context import Services
from app.sample.catalogue import await_examination, make_organization, make_product, publish, upload
from app.sample.connectors import seed_connectors
from app.sample.history import acts, arranging, buying, talking
from app.sample.history.clips import CLIPS, COMING, clip_scene
from app.sample.history.component_products import COMPONENT_PRODUCTS
from app.sample.history.plan import base_posted_at, plan, posted_at
from app.sample.history.products import MORE_PRODUCTS
from app.sample.history.world import World, participant
from app.sample.organizations import APPROVAL_ABOVE_MINOR
from app.sample.products import PRODUCTS
from app.sample.scenes import Scene, generate_scenes
from app.sample.scenes.short_films import SHORT_STORIES
from app.sample.seller_start import SellerStart
from app.scheduler import run_sweep
from billing.bank.gateway import takes_play_money
from billing.bank.remind_payers import SWEEP_REMINDERS
from billing.gateways.janitor import JANITOR, WEBHOOKS
from billing.gateways.sandbox import NAME as SANDBOX
from billing.ledger.seal import SEAL
from billing.on_account.dun_payers import SWEEP_DUNNING
from billing.payouts.pay_out import PayOut, pay_out
from billing.settlement.jobs import CLOSE_MONTH
from billing.shares.release import RELEASE
from billing.statements.models import Statement
from fulfillment.jobs import SWEEP_CHALLENGES, SWEEP_OVERDUE, SWEEP_USAGE
from fulfillment.reliability.count_deliveries import count_deliveries
from kernel import clock, sandbox_history
from kernel.db.uow import UnitOfWork, transact
from kernel.errors import Conflict, DomainError
from kernel.jobs.hand_over import hand_over, put_off
from kernel.jobs.kinds import sweeps
from kernel.jobs.runner import due
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from marketplace.attribution import count_touchpoints
from orders.analytics import count_sales
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.disputes.jobs import SWEEP_DISPUTES
from orders.feed_outcomes import count_outcomes
from orders.instalments.jobs import SWEEP_INSTALMENTS
from orders.invoicing.invoice_month import SWEEP_MONTHS
from orders.loop import PURGE_QUOTES, SWEEP_ACCEPTANCE, SWEEP_PURCHASES, SWEEP_RENEWALS, SWEEP_TERMS
from orders.milestones.jobs import SWEEP_MILESTONES
from orders.notifications.notify_of_events import notify_past
from orders.outgoing_events.publish_events import publish_past
from orders.refunds.jobs import SWEEP_CASES
from orders.response_times.count_answers import count_answers
from orders.tickets.jobs import SWEEP_TICKETS
from orders.usage.jobs import SWEEP_UNPAID_USAGE, SWEEP_USAGE_CREDITS

log = structlog.get_logger(__name__)

APART = "past."
"""Before the names of this process's queues."""
QUEUES = (f"{APART}default", f"{APART}media")
SWEEPS = (
    SWEEP_PURCHASES,
    SWEEP_OVERDUE,
    SWEEP_USAGE,
    SWEEP_CHALLENGES,
    SWEEP_ACCEPTANCE,
    SWEEP_MILESTONES,
    SWEEP_TICKETS,
    SWEEP_RENEWALS,
    SWEEP_TERMS,
    SWEEP_INSTALMENTS,
    SWEEP_UNPAID_USAGE,
    SWEEP_USAGE_CREDITS,
    SWEEP_CASES,
    SWEEP_DISPUTES,
    SWEEP_MONTHS,
    SWEEP_REMINDERS,
    SWEEP_DUNNING,
    RELEASE,
    JANITOR,
    WEBHOOKS,
    CLOSE_MONTH,
    SEAL,
    PURGE_QUOTES,
)
CAREFUL_BUYERS = ("minghu", "beilun", "qinling")
"""Newcomers with a purchase rule of their own."""
FOLLOWS_AFTER = timedelta(seconds=2)
"""Between a purchase and its payment, its payment and its delivery: about what the present needs, too."""
BEATS = 12
COMES_AFTER = timedelta(days=3)
"""From the present until the clip is published that is not yet."""
NOTIFIED = timedelta(days=3)
"""Of the past: what people find in their notifications. Nobody is mailed about any of it."""
DRAWN_WITHIN = timedelta(hours=12)
"""After the past's end: until when its documents may wait."""
_BEHAVIOUR: Mapping[str, dict[str, object]] = {
    "well": {},
    "refuses": {"mode": "fail_permanently"},
    "fails": {"fail_times": 1_000_000, "fail_status": 503},
}
Work = Callable[[UnitOfWork], object]


@dataclass
class Past:
    """One sandbox's past in the making."""

    services: Services
    scenes_folder: Path
    seller_url: str
    tell: Callable[[int], None]
    """Is told the share done, in percent."""
    let_others_first: Callable[[], None] = lambda: None
    """Waits while the machine is busy with something else."""
    world: World = field(init=False)
    _films: dict[str, Scene] = field(default_factory=dict)
    _starts_at: datetime = field(init=False)
    _ends_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.services.db)

    def live(self) -> None:
        """Do every step that is not done. Returns when the past has reached the present, at once where there is none."""
        found = transact(self.services.db, SYSTEM, sandbox_history.read)
        if found is None or found.finished:
            return
        self._starts_at, self._ends_at = found.starts_at, found.ends_at
        steps = plan(found.ends_at)
        transact(self.services.db, SYSTEM, lambda uow: sandbox_history.keep_alive(uow, len(steps)))
        self._finish_what_was_left()
        # The scheduler of the present waits for the end of a step, and this for the end of its sweeps.
        with self.services.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as gate:
            gate.execute(text("SET lock_timeout = '60s'"))
            for number in range(found.steps_done, len(steps)):
                step = steps[number]
                self.let_others_first()
                self.tell(number * 100 // len(steps))
                if isinstance(step.act, acts.Join | acts.Post):
                    self._do(number, step)
                    continue
                gate.execute(text("SELECT pg_advisory_lock(:key)"), {"key": sandbox_history.MAKING})
                try:
                    self._do(number, step)
                finally:
                    gate.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": sandbox_history.MAKING})
        notify_past(partial(transact, self.services.db, SYSTEM), self._ends_at - NOTIFIED, self._ends_at)
        publish_past(partial(transact, self.services.db, SYSTEM), self._ends_at - NOTIFIED, clock.now())
        count_outcomes(partial(transact, self.services.db, SYSTEM), self._starts_at, self._ends_at)
        transact(self.services.db, SYSTEM, count_deliveries)
        transact(self.services.db, SYSTEM, count_answers)
        transact(self.services.db, SYSTEM, count_touchpoints.recount)
        transact(self.services.db, SYSTEM, count_sales.recount)
        transact(self.services.db, SYSTEM, _complete)

    def _do(self, number: int, step: acts.Step) -> None:
        """Do the step, with what follows it. One that the market does not allow any more is left out.

        People use the sample while its past is made: they retire a listing, begin to sell, change a rule. The rest of the
        past must not wait for that for ever, and with it whatever is due by the calendar.
        """
        with clock.frozen(step.at):
            try:
                who, work = self._work_of(step.act) if self._is_possible(step.act) else (SYSTEM, lambda _: None)

                def counted(uow: UnitOfWork) -> None:
                    work(uow)
                    uow.flush()
                    sandbox_history.take_step(uow, number)

                transact(self.services.db, who, counted)
            except (DomainError, NoResultFound) as error:
                log.warning("history_step_left_out", number=number, act=repr(step.act), reason=str(error))
                transact(self.services.db, SYSTEM, lambda uow: sandbox_history.take_step(uow, number))
        self._follow(step.at)

    def _work_of(self, act: acts.Act) -> tuple[Principal, Work]:
        """Who does the act, and its transaction. What takes several is done before, and may be done twice."""
        world = self.world
        match act:
            case (
                acts.Buy()
                | acts.Decide()
                | acts.PayAgain()
                | acts.Accept()
                | acts.AskRefund()
                | acts.AskBack()
                | acts.Service()
                | acts.Banking()
            ):
                return buying.bought(world, act)
            case acts.Use():
                return world.seller(act.product), buying.use(act)
            case acts.Browse():
                return ANONYMOUS, buying.browse(world, self._shown(), act.seed)
            case acts.RequestTalk():
                return talking.said(world, act)
            case acts.PublicTalk():
                return talking.said_in_public(world, act)
            case (
                acts.GiveDemos()
                | acts.Reduce()
                | acts.Ally()
                | acts.Agree()
                | acts.AskPromoters()
                | acts.TakePart()
                | acts.OfferPartners()
                | acts.Deputise()
                | acts.Confide()
            ):
                return arranging.arranged(world, act)
            case acts.Join():
                self._join(act.organization)
            case acts.Post():
                self._post(act.clip)
            case acts.Behave():
                self._behave(act)
            case acts.PayOuts():
                self._pay_out(act)
            case acts.Tick():
                self._tick()
        return SYSTEM, lambda _: None

    def _follow(self, at: datetime) -> None:
        """Run what follows, each beat a little later."""
        for beat in range(1, BEATS):
            with clock.frozen(at + beat * FOLLOWS_AFTER):
                found = due(self.services.db, QUEUES)
                if not found:
                    return
                self.services.runner.run_batch([signal.job_id for signal in found])

    def _finish_what_was_left(self) -> None:
        """Jobs of an earlier process that was stopped: their leases run out first."""
        running = text("SELECT EXISTS (SELECT 1 FROM kernel.job WHERE queue = ANY(:queues) AND state = 'running')")
        while transact(self.services.db, SYSTEM, lambda uow: uow.session.scalar(running, {"queues": list(QUEUES)})):
            transact(self.services.db, SYSTEM, sandbox_history.keep_alive)
            time.sleep(0.5)
            with clock.frozen(self._starts_at):
                # Those alone whose lease ran out: nothing else was due by then.
                self.services.runner.run_batch([signal.job_id for signal in due(self.services.db, QUEUES)])

    # ── who joins, what is shown ─────────────────────────────────────────────────────────────────────────────────

    def _join(self, key: str) -> None:
        db, wanted = self.services.db, participant(key)
        owner = transact(db, SYSTEM, make_organization(wanted))
        if key in CAREFUL_BUYERS:
            transact(db, owner, lambda uow: _rule(uow, 2 * APPROVAL_ABOVE_MINOR))
        services = self.services
        start = SellerStart(db, services.storage, services.secrets)
        if wanted.channel and not wanted.is_seller:
            # Sellers ask them to promote: they are found by their names.
            start.prove(owner)
        if not wanted.is_seller:
            return
        org_id = owner.organization()
        connectors = seed_connectors(db, services.secrets, services.outbound_policy, self.seller_url, {key: org_id})
        self._tell_seller("/secrets", {"vendor": key, "secret": connectors[key].secret})
        start.finish(owner)
        for product in (*MORE_PRODUCTS, *COMPONENT_PRODUCTS):
            if product.seller == key:
                make_product(db, owner, product, connectors[key].connector_id)

    def _post(self, key: str) -> None:
        clip = next(one for one in (*CLIPS, COMING) if one.key == key)
        scene = clip_scene(clip, self._film(clip.film), self.scenes_folder)
        owner = self.world.owner(clip.channel)
        products = {product.scene: product for product in (*PRODUCTS, *MORE_PRODUCTS)}
        video_id = upload(self.services.db, self.services.storage, owner, products[clip.film], scene)
        await_examination(self.services.db, owner, video_id, QUEUES)
        at = self._ends_at + COMES_AFTER if clip is COMING else None
        publish(self.services.db, owner, video_id, scene, self.world.plan_id(clip.film), at)

    def _film(self, key: str) -> Scene:
        if key not in self._films:
            stories = [story for story in SHORT_STORIES if story.key == key] or None
            found = generate_scenes(self.scenes_folder, stories=stories, at_once=1)
            self._films |= {scene.key: scene for scene in found}
        return self._films[key]

    def _shown(self) -> list[str]:
        """The videos that are published by now."""
        now = clock.now() - timedelta(days=1)
        clips = [clip.key for clip in CLIPS if posted_at(self._starts_at, clip.day) < now]
        base = [product.scene for product in PRODUCTS if base_posted_at(self._ends_at, product.scene) < now]
        return [key for key in clips + base if self.world.has_film(key)]

    def _is_possible(self, act: acts.Act) -> bool:
        """What goes by bank does not happen where people chose gateways without the sandbox's bank."""
        by_bank = isinstance(act, acts.Banking) or (isinstance(act, acts.Buy) and act.gateway != SANDBOX)
        return not by_bank or takes_play_money(self.services.gateways)

    # ── the seller's system, the operator, the clock ─────────────────────────────────────────────────────────────

    def _behave(self, act: acts.Behave) -> None:
        self._tell_seller("/behaviour", {"vendor": act.vendor, "reset": True, **_BEHAVIOUR[act.how]})

    def _tell_seller(self, path: str, body: object) -> None:
        httpx.post(f"{self.seller_url}{path}", json=body, trust_env=False, timeout=10).raise_for_status()

    def _pay_out(self, act: acts.PayOuts) -> None:
        """Pay what is closed and not paid; what was paid back since leaves too little for some, which then wait."""
        spared = {self.world.org_id(key) for key in act.not_yet}
        refused = self.world.org_id(act.closed_account) if act.closed_account else None

        def payable(uow: UnitOfWork) -> list[Statement]:
            closed = select(Statement).where(Statement.state == "closed", Statement.net_minor > 0)
            return list(uow.session.scalars(closed.order_by(Statement.number)))

        operator = self.world.operator
        for statement in transact(self.services.db, operator, payable):
            if statement.org_id not in spared:
                account = "sbx_acct_closed" if statement.org_id == refused else "sbx_acct_ok"
                command = PayOut(statement.id, SANDBOX, account)
                with suppress(Conflict):
                    transact(self.services.db, operator, partial(pay_out, command=command))

    def _tick(self) -> None:
        known = {item.name: item for item in sweeps()}
        for name in SWEEPS:
            run_sweep(self.services.db, known[name])
        # Documents are drawn when everything else is there; until then none of them is late.
        transact(self.services.db, SYSTEM, lambda uow: put_off(uow, APART, "documents", self._ends_at + DRAWN_WITHIN))


def _rule(uow: UnitOfWork, above_minor: int) -> None:
    set_rule(uow, SetRule("CNY", above_minor))


def _complete(uow: UnitOfWork) -> None:
    """The present takes over: what is still to come is the workers', but for the documents, which are drawn here."""
    sandbox_history.finish(uow)
    put_off(uow, APART, "documents", clock.now() + DRAWN_WITHIN)
    for queue in ("default", "media"):
        uow.signals += hand_over(uow, APART, queue)
