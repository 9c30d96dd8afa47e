"""Which share terms a sale gets: of its category, in force at its time, with or without a promoter."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billing.shares.models import SharePolicy
from billing.shares.rules import Sale
from billing.shares.split import ShareTerms
from billing.shares.terms import ask_terms, terms_for
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.conftest import NOON
from tests.statement_counter import counting

MOMENT = timedelta(microseconds=1)
PROMOTER = uuid7()


def sold(category: str) -> Sale:
    """A first sale of something that no rule names."""
    return Sale(category, uuid7(), uuid7(), uuid7(), "new")


def publish(uow: UnitOfWork, version: int, effective_at: datetime, category: str = "books") -> None:
    """A version whose figures all tell which one it is."""
    uow.session.add(
        SharePolicy(
            version=version,
            category=category,
            commission_ppm=version * 10_000,
            promoter_ppm=version * 1_000,
            hold_days=version * 10,
            effective_at=effective_at,
            published_at=NOON - timedelta(days=1),
        )
    )
    uow.session.flush()


def version_at(uow: UnitOfWork, at: datetime) -> int:
    return terms_for(uow, sold("books"), PROMOTER, at).policy_version


class TestTermsFor:
    def test_a_sale_gets_what_was_published_for_its_category(self, uow: UnitOfWork) -> None:
        publish(uow, 3, NOON)
        publish(uow, 4, NOON, category="films")
        assert terms_for(uow, sold("books"), PROMOTER, NOON) == ShareTerms(3, 30_000, 3_000, 30)
        assert terms_for(uow, sold("films"), PROMOTER, NOON) == ShareTerms(4, 40_000, 4_000, 40)

    def test_without_a_promoter_nothing_goes_to_one(self, uow: UnitOfWork) -> None:
        publish(uow, 3, NOON)
        assert terms_for(uow, sold("books"), None, NOON) == ShareTerms(3, 30_000, 0, 30)

    def test_a_version_applies_from_its_instant_until_the_next(self, uow: UnitOfWork) -> None:
        later = NOON + timedelta(days=10)
        publish(uow, 1, NOON)
        publish(uow, 2, later)
        versions = [version_at(uow, at) for at in (NOON, later - MOMENT, later, later + timedelta(days=400))]
        assert versions == [1, 1, 2, 2]

    def test_of_two_that_begin_together_the_higher_version_counts(self, uow: UnitOfWork) -> None:
        for version in (2, 3, 1):
            publish(uow, version, NOON)
        assert version_at(uow, NOON) == 3

    def test_what_began_last_counts_before_the_higher_version(self, uow: UnitOfWork) -> None:
        publish(uow, 1, NOON)
        publish(uow, 2, NOON - timedelta(days=1))
        assert version_at(uow, NOON) == 1

    def test_what_no_version_covers_cannot_be_sold(self, uow: UnitOfWork) -> None:
        publish(uow, 1, NOON)
        for category, at in (("books", NOON - MOMENT), ("films", NOON)):
            with pytest.raises(NotFound) as refused:
                terms_for(uow, sold(category), None, at)
            assert (refused.value.code, refused.value.params) == ("share_policy_missing", {"category": category})


class TestAskTerms:
    def test_what_was_asked_ahead_is_not_asked_again(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        with counting(monkeypatch) as asked, unit_of_work(db, SYSTEM) as uow:
            sale = sold("saas")
            ask_terms(uow, sale, NOON)
            assert asked.trips == 0
            assert terms_for(uow, sale, PROMOTER, NOON) == ShareTerms(1, 150_000, 50_000, 7)
            assert (len(asked.statements), asked.trips) == (1, 1)
