"""The story of the sample market's past: always the same, in order, and true to what its films say."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from stdnum.cn import uscc

import marketplace.access.jobs
import marketplace.live.jobs
import marketplace.mail.jobs
import marketplace.notifications.jobs
import marketplace.response_cards.jobs
import marketplace.robots.jobs
import marketplace.training.jobs
import marketplace.videos.jobs
import marketplace.webhooks.jobs
from app.partition_retention import PARTITIONS
from app.sample.catalogue import spoken
from app.sample.history import acts, command
from app.sample.history.clips import CLIPS
from app.sample.history.component_products import COMPONENT_PRODUCTS
from app.sample.history.live import SWEEPS
from app.sample.history.participants import NEWCOMERS
from app.sample.history.plan import BASE_FILM_DAYS, plan, posted_at
from app.sample.history.products import MORE_PRODUCTS
from app.sample.history.world import ALL_PRODUCTS, PARTICIPANTS
from app.sample.organizations import ORGANIZATIONS
from app.sample.products import PRODUCTS, SampleProduct
from app.sample.scenes.facts import STORIES, FilmScript
from app.sample.scenes.short_films import SHORT_STORIES
from billing.connected_accounts.ask_account import SWEEP as ACCOUNTS_DUE
from billing.fapiao.jobs import SWEEP_FAPIAO
from billing.gateway_balances.read_balance import SWEEP as READ_BALANCES
from billing.invoices.jobs import SWEEP as DOCUMENTS_LEFT
from billing.ledger.heads import KEEP_HEADS
from billing.payouts.schedule import PAY_DUE
from billing.reconciliation.jobs import RECONCILE
from fulfillment.jobs import SWEEP_DATA_KEPT
from fulfillment.reliability.count_deliveries import COUNT_DELIVERIES
from fulfillment.reliability.pause import PAUSE_FAILING, RELEASE_MENDED
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from marketplace.attribution.count_touchpoints import COUNT_TOUCHPOINTS
from marketplace.catalog.plan_terms import checked_plan
from marketplace.discovery.jobs import INDEX_ANEW
from marketplace.placements.claim_checks import ClaimValue, Terms, find_contradiction, price_unit
from marketplace.pricing.engine import price_term
from marketplace.publishing.jobs import PUBLISH_DUE
from orders.analytics.count_sales import COUNT_SALES
from orders.announcements.deliver import SWEEP_ANNOUNCEMENTS
from orders.approval_apps.jobs import SWEEP as SWEEP_OUTSIDE
from orders.approval_rules.jobs import SWEEP_DEPUTIES
from orders.buyer_statements.jobs import SWEEP_STATEMENTS
from orders.coupons.jobs import SWEEP_ENDING
from orders.feed_outcomes import COUNT_OUTCOMES
from orders.notifications.notify_of_events import NOTIFY
from orders.outgoing_events.publish_events import PUBLISH
from orders.response_times.count_answers import COUNT_ANSWERS
from orders.test_clocks.jobs import SWEEP_CLOCKS

ENDS = [
    datetime(2026, 11, 28, 8, 30, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 5, tzinfo=UTC),
    datetime(2028, 3, 1, tzinfo=UTC),
]
OF_THE_PRESENT = {
    RECONCILE,
    KEEP_HEADS,
    SWEEP_CLOCKS,
    READ_BALANCES,
    ACCOUNTS_DUE,
    SWEEP_STATEMENTS,
    SWEEP_FAPIAO,
    PAY_DUE,
    marketplace.access.jobs.RETENTION,
    marketplace.mail.jobs.RETENTION,
    marketplace.live.jobs.SWEEP_SOON,
    marketplace.live.jobs.SWEEP_OVER,
    marketplace.response_cards.jobs.SWEEP_RESPONSES,
    marketplace.training.jobs.SWEEP_TRAININGS,
    marketplace.videos.jobs.SWEEP_ORPHANS,
    marketplace.videos.jobs.SWEEP_GIVEN_UP,
    marketplace.videos.jobs.SWEEP_UPLOADS,
    PUBLISH_DUE,
    "kernel.retention",
    PARTITIONS,
    DOCUMENTS_LEFT,
    INDEX_ANEW,
    COUNT_OUTCOMES,
    COUNT_TOUCHPOINTS,
    COUNT_SALES,
    COUNT_DELIVERIES,
    COUNT_ANSWERS,
    PAUSE_FAILING,
    RELEASE_MENDED,
    marketplace.notifications.jobs.DIGESTS,
    marketplace.notifications.jobs.RETENTION,
    NOTIFY,
    SWEEP_ANNOUNCEMENTS,
    SWEEP_DEPUTIES,
    SWEEP_OUTSIDE,
    SWEEP_ENDING,
    SWEEP_DATA_KEPT,
    PUBLISH,
    marketplace.webhooks.jobs.WAKE,
    marketplace.robots.jobs.WAKE,
    marketplace.robots.jobs.RETENTION_SWEEP,
    marketplace.webhooks.jobs.RETENTION_SWEEP,
}
"""Sweeps that look after storage, what is old and whom to tell, not after what is due by the calendar of a sale."""


_ABOUT_PURCHASES = (
    acts.Decide | acts.PayAgain | acts.Accept | acts.AskRefund | acts.AskBack | acts.Serve | acts.GiveSeats
)


@pytest.mark.parametrize("ends_at", ENDS)
class TestStory:
    def test_it_is_the_same_each_time_and_ends_at_the_present(self, ends_at: datetime) -> None:
        steps = plan(ends_at)
        assert steps == plan(ends_at)
        assert [step.at for step in steps] == sorted(step.at for step in steps)
        assert steps[-1].at <= ends_at
        assert ends_at - steps[0].at <= timedelta(days=93)

    def test_some_three_hundred_purchases_each_found_by_its_number(self, ends_at: datetime) -> None:
        bought = [step.act for step in plan(ends_at) if isinstance(step.act, acts.Buy)]
        assert 270 <= len(bought) <= 330
        assert max(Counter((act.buyer, act.po_number) for act in bought).values()) == 1
        assert len({act.buyer for act in bought}) >= 12

    def test_nothing_is_bought_in_a_number_that_it_is_not_sold_in(self, ends_at: datetime) -> None:
        for act in [step.act for step in plan(ends_at) if isinstance(step.act, acts.Buy)]:
            sold = ALL_PRODUCTS[act.product].plan
            if sold.price is None:
                terms = checked_plan(sold)
                assert terms["min_seats"] <= act.quantity <= terms["max_seats"], act

    def test_what_is_done_to_a_purchase_comes_after_it(self, ends_at: datetime) -> None:
        bought: set[tuple[str, str]] = set()
        for step in plan(ends_at):
            if isinstance(step.act, acts.Buy):
                bought.add((step.act.buyer, step.act.po_number))
            elif isinstance(step.act, _ABOUT_PURCHASES):
                assert (step.act.buyer, step.act.po_number) in bought, step

    def test_nobody_buys_from_a_video_before_it_is_published(self, ends_at: datetime) -> None:
        starts_at = ends_at - timedelta(days=92)
        since = {clip.key: posted_at(starts_at, clip.day) for clip in CLIPS}
        since |= {key: ends_at - timedelta(days=days) for key, days in BASE_FILM_DAYS.items()}
        for step in plan(ends_at):
            if isinstance(step.act, acts.Buy) and step.act.clip is not None:
                assert since[step.act.clip] < step.at, step
                film = next((clip.film for clip in CLIPS if clip.key == step.act.clip), step.act.clip)
                assert film == step.act.product, step

    def test_every_kind_of_request_is_made_and_answered_after_it(self, ends_at: datetime) -> None:
        asked: set[tuple[str, str]] = set()
        kinds, offers = Counter[str](), Counter[type]()
        for step in plan(ends_at):
            if isinstance(step.act, acts.Ask):
                asked.add((step.act.buyer, step.act.product))
                kinds[step.act.kind] += 1
            elif isinstance(step.act, acts.RequestTalk):
                assert (step.act.buyer, step.act.product) in asked, step
                offers[type(step.act)] += 1
        assert set(kinds) == {"demo", "quote", "consult"}
        assert {acts.OfferPrice, acts.TakeOffer, acts.TakeBack, acts.GiveUp} <= set(offers)

    def test_a_code_is_named_after_it_was_made_and_a_promotion_goes_on(self, ends_at: datetime) -> None:
        codes: dict[str, acts.Reduce] = {}
        running, named = 0, 0
        for step in plan(ends_at):
            if isinstance(step.act, acts.Reduce):
                codes[step.act.code] = step.act
                running += not step.act.code and step.at + timedelta(days=step.act.days) > ends_at
            elif isinstance(step.act, acts.Buy) and step.act.coupon:
                assert codes[step.act.coupon].product == step.act.product
                named += 1
        assert (running, named) == (1, 1)

    def test_who_reviews_has_bought_before_and_is_answered_after(self, ends_at: datetime) -> None:
        bought: set[tuple[str, str]] = set()
        stars: Counter[tuple[str, str]] = Counter()
        reported = 0
        for step in plan(ends_at):
            if isinstance(step.act, acts.Buy):
                bought.add((step.act.buyer, step.act.product))
            elif isinstance(step.act, acts.GiveStars):
                assert (step.act.buyer, step.act.product) in bought, step
                stars[step.act.buyer, step.act.product] += 1
            elif isinstance(step.act, acts.AnswerReview | acts.ReportReview):
                assert stars[step.act.buyer, step.act.product], step
                reported += isinstance(step.act, acts.ReportReview)
        assert len(stars) >= 6
        assert max(stars.values()) == 2, "one has changed its mind"
        assert reported == 1

    def test_sellers_work_again_at_the_end(self, ends_at: datetime) -> None:
        behaviour = {step.act.vendor: step.act.how for step in plan(ends_at) if isinstance(step.act, acts.Behave)}
        assert set(behaviour.values()) == {"well"}


def test_everything_due_by_the_calendar_is_done_in_the_past_too() -> None:
    import app.composition  # noqa: F401 - whoever registers sweeps as it loads

    assert {item.name for item in sweeps()} <= {*SWEEPS, *OF_THE_PRESENT}


def test_the_feed_has_a_second_page() -> None:
    assert len(CLIPS) + len(PRODUCTS) > 20
    keys = [clip.key for clip in CLIPS] + [product.scene for product in PRODUCTS]
    assert len(set(keys)) == len(keys)
    assert len({(clip.channel, clip.title_zh) for clip in CLIPS}) == len(CLIPS)
    assert {clip.channel for clip in CLIPS} <= {key for key, who in PARTICIPANTS.items() if who.channel}


def test_participants_could_be_real() -> None:
    everybody = (*ORGANIZATIONS, *NEWCOMERS)
    assert all(uscc.is_valid(who.tax_id) for who in everybody)
    for names in ([who.tax_id for who in everybody], [person.email for who in everybody for person in who.people]):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("product", MORE_PRODUCTS, ids=lambda product: product.scene)
def test_short_films_promise_what_their_plans_hold(product: SampleProduct) -> None:
    terms_of_plan = checked_plan(product.plan)
    terms = Terms(
        terms_of_plan["unit_price_minor"],
        terms_of_plan["currency"],
        price_unit(terms_of_plan["pricing"], terms_of_plan["interval"]),
        terms_of_plan["included_seats"],
        terms_of_plan["trial_days"],
        {feature["key"]: feature["value"] for feature in terms_of_plan["features"]},
    )
    (story,) = [story for story in SHORT_STORIES if story.key == product.scene]
    for claim in story.claims:
        entered = spoken(uuid7(), story.key, claim)
        said = ClaimValue(entered.kind, entered.value_int, entered.value_text, entered.currency, entered.unit)
        assert find_contradiction(said, terms) is None, claim


def test_prices_of_components_are_sold_in_what_is_bought() -> None:
    composed = {product.scene: product.plan for product in COMPONENT_PRODUCTS}
    bought = [step.act for step in plan(ENDS[0]) if isinstance(step.act, acts.Buy) and step.act.product in composed]
    assert {act.product for act in bought} == set(composed)
    for act in bought:
        price = composed[act.product].price
        assert price is not None
        assert price_term(price, act.quantity).amount_minor > 0
    shapes = {checked_plan(one)["pricing"] for one in composed.values()}
    assert shapes == {"mixed", "one_off", "flat"}


@pytest.mark.parametrize("story", SHORT_STORIES, ids=lambda story: story.key)
def test_claims_and_cards_of_short_films_lie_within_them(story: FilmScript) -> None:
    assert story.key in ALL_PRODUCTS
    assert story.key not in {one.key for one in STORIES}
    assert all(claim.second * 1000 < story.duration_ms - 1500 for claim in story.claims)
    assert story.placement_ms[0] < story.placement_ms[1] <= story.duration_ms


def test_the_past_waits_for_those_who_use_the_market_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    shares, now_s = [95.0, 95.0, 95.0, 20.0], [0.0]
    asked = iter(shares)
    monkeypatch.setattr(command, "psutil", SimpleNamespace(cpu_times_percent=lambda: _share(next(asked, 95.0))))
    monkeypatch.setattr("app.sample.history.command.time.monotonic", lambda: now_s[0])
    monkeypatch.setattr(
        "app.sample.history.command.time.sleep", lambda seconds: now_s.__setitem__(0, now_s[0] + seconds)
    )
    let_others_first = command.LetOthersFirst()
    let_others_first()
    assert now_s[0] == 2.0
    for _ in range(20):
        let_others_first()
    assert now_s[0] == command.PATIENCE_S


def _share(percent: float) -> SimpleNamespace:
    return SimpleNamespace(user=percent, system=0.0)
