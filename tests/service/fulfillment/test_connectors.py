"""Connectors: where a seller is called and what signs it. Secrets are shown once and stored sealed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.queries import connectors_of, get_connector
from fulfillment.connectors.save_connector import (
    OVERLAP,
    ChangeConnector,
    SaveConnector,
    SavedConnector,
    change_connector,
    open_secrets,
    rotate_secret,
    save_connector,
)
from fulfillment.runs.check_connector import PATIENCE, ask_for_test
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.outbound import OutboundPolicy
from kernel.signing import new_webhook_secret
from tests.factories_fulfillment import BOX
from tests.factories_marketplace import acting, make_seller

STRICT = OutboundPolicy()
URL = "https://seller.example/hooks"


def save(uow: UnitOfWork, command: SaveConnector) -> SavedConnector:
    saved = save_connector(uow, command, box=BOX, policy=STRICT)
    uow.flush()
    return saved


def secrets_of(uow: UnitOfWork, saved: SavedConnector) -> tuple[str, ...]:
    return open_secrets(uow.session.get_one(ConnectorRow, saved.id), BOX)


def test_a_secret_is_shown_once_and_nowhere_else(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    with acting(uow, seller.owner):
        saved = save(uow, SaveConnector("main", "webhook", URL))
        assert saved.secret is not None
        assert saved.secret not in repr(connectors_of(uow)) + repr(get_connector(uow, saved.id))
        change_connector(uow, ChangeConnector(saved.id, "renamed"), policy=STRICT)
    assert secrets_of(uow, saved) == (saved.secret,)
    for table in ("fulfillment.connector", "kernel.audit_entry", "kernel.event"):
        rows = uow.session.scalars(text(f"SELECT t::text FROM {table} t")).all()
        assert not [row for row in rows if saved.secret.removeprefix("whsec_") in row], table


def test_after_a_rotation_both_sign_for_a_day(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    with clock.frozen(clock.now()), acting(uow, seller.owner):
        first = save(uow, SaveConnector("main", "webhook", URL))
        second = rotate_secret(uow, first.id, box=BOX)
        assert first.secret != second.secret
        assert secrets_of(uow, first) == (second.secret, first.secret)
        assert get_connector(uow, first.id).overlap_until == clock.now() + OVERLAP
        clock.advance(OVERLAP - timedelta(seconds=1))
        assert secrets_of(uow, first) == (second.secret, first.secret)
        clock.advance(timedelta(seconds=1))
        assert secrets_of(uow, first) == (second.secret,)
        assert get_connector(uow, first.id).overlap_until is None


@pytest.mark.parametrize(
    "url",
    [
        "http://seller.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://100.100.100.200/",
        "https://seller.example:22/",
        "https://user@seller.example/",
        "https://seller.example/#x",
        "ftp://seller.example/",
        "https://[::1]/",
        "https://2130706433/",
        "not an address",
    ],
)
def test_an_address_that_would_not_be_called_is_refused(uow: UnitOfWork, url: str) -> None:
    seller = make_seller(uow)
    with acting(uow, seller.owner):
        with pytest.raises(Invalid) as refused:
            save(uow, SaveConnector("main", "webhook", url))
        assert (refused.value.code, refused.value.field) == ("connector_url_refused", "url")
        assert connectors_of(uow) == []


def test_what_is_missing_or_unusable_is_named(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    with acting(uow, seller.owner):
        for command, code in (
            (SaveConnector("main", "webhook"), "connector_url_required"),
            (SaveConnector("main", "carrier pigeon"), "connector_kind_unknown"),
            (SaveConnector("main", "webhook", URL, "whsec_short"), "connector_secret_invalid"),
            (SaveConnector("main", "webhook", URL, ""), "connector_secret_invalid"),
        ):
            with pytest.raises(Invalid) as refused:
                save(uow, command)
            assert refused.value.code == code
        none = save(uow, SaveConnector("nothing to call", "none"))
        assert none.secret is None
        with pytest.raises(Conflict):
            rotate_secret(uow, none.id, box=BOX)


def test_a_secret_of_ones_own_is_kept(uow: UnitOfWork) -> None:
    seller, own = make_seller(uow), new_webhook_secret()
    with acting(uow, seller.owner):
        saved = save(uow, SaveConnector("main", "webhook", URL, own))
    assert secrets_of(uow, saved) == (own,)


def test_anothers_connector_does_not_exist(uow: UnitOfWork) -> None:
    seller, other = make_seller(uow), make_seller(uow)
    with acting(uow, seller.owner):
        saved = save(uow, SaveConnector("main", "webhook", URL))
    with acting(uow, other.owner):
        assert connectors_of(uow) == []
        with pytest.raises(NotFound):
            get_connector(uow, saved.id)
        with pytest.raises(NotFound):
            change_connector(uow, ChangeConnector(saved.id, "mine now"), policy=STRICT)
        with pytest.raises(NotFound):
            rotate_secret(uow, saved.id, box=BOX)
        with pytest.raises(NotFound):
            ask_for_test(uow, saved.id)


def test_what_is_not_named_stays_as_it_is(uow: UnitOfWork) -> None:
    seller = make_seller(uow)
    with acting(uow, seller.owner):
        saved = save(uow, SaveConnector("main", "webhook", URL))
        change_connector(uow, ChangeConnector(saved.id, "renamed"), policy=STRICT)
        change_connector(uow, ChangeConnector(saved.id, url=f"{URL}/2"), policy=STRICT)
        with pytest.raises(Invalid, match="connector_url_refused"):
            change_connector(uow, ChangeConnector(saved.id, "again", "https://10.0.0.1/"), policy=STRICT)
        found = get_connector(uow, saved.id)
    assert (found.name, found.url) == ("again", f"{URL}/2")
    assert secrets_of(uow, saved) == (saved.secret,)


class TestTest:
    def test_one_at_a_time(self, uow: UnitOfWork, noon: datetime) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            saved = save(uow, SaveConnector("main", "webhook", URL))
            assert get_connector(uow, saved.id).test == "untested"
            ask_for_test(uow, saved.id)
            assert get_connector(uow, saved.id).test == "running"
            with pytest.raises(Conflict, match="connector_test_running"):
                ask_for_test(uow, saved.id)
            clock.advance(PATIENCE)
            ask_for_test(uow, saved.id)
        jobs = uow.session.scalars(
            text("SELECT dedupe_key FROM kernel.job WHERE payload->>'connector_id' = :c"), {"c": str(saved.id)}
        )
        assert len(list(jobs)) == 2

    @pytest.mark.parametrize("change", ["address", "secret", "name"])
    def test_it_is_of_one_address_and_secret(self, uow: UnitOfWork, change: str) -> None:
        seller = make_seller(uow)
        with acting(uow, seller.owner):
            saved = save(uow, SaveConnector("main", "webhook", URL))
            row = uow.session.get_one(ConnectorRow, saved.id)
            row.test_asked_at = row.tested_at = clock.now()
            uow.flush()
            assert get_connector(uow, saved.id).test == "passed"
            if change == "secret":
                rotate_secret(uow, saved.id, box=BOX)
            else:
                changed = ChangeConnector(saved.id, "other", f"{URL}/2" if change == "address" else URL)
                change_connector(uow, changed, policy=STRICT)
            assert get_connector(uow, saved.id).test == ("passed" if change == "name" else "untested")
