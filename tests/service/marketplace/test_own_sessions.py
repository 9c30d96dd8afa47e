"""Sessions as their owner sees them and ends them, and the second step of signing in, to the instant when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select, update

from kernel import clock
from kernel.audit import AuditEntry
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound, Unauthenticated
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner, hash_password
from marketplace.access.models import Person, SignInSession
from marketplace.access.second_factor import (
    Reauthentication,
    begin_setup,
    confirm_setup,
    counted_as,
)
from marketplace.access.sessions import (
    AGENT_CHARACTERS,
    CODE_WITHIN,
    FIRST_DAY,
    MOST_LISTED,
    SIGNED_FOR,
    Browser,
    CodeRequired,
    PasswordProved,
    SessionRow,
    SignIn,
    begin_session,
    list_sessions,
    open_challenge,
    revoke_other_sessions,
    revoke_session,
    sign_challenge,
    sign_in,
    sign_in_with_code,
    switch_organization,
)
from marketplace.access.sign_in_limits import ACCOUNT, count_attempt
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.folder_transport import FolderTransport
from marketplace.parties.models import Organization
from tests.factories_marketplace import PASSWORD, Org, make_org

BOX, SIGNER = SecretBox({"k1": b"b" * 32}), TokenSigner([b"s" * 32])
SYSTEM_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NETWORK = "203.0.113.7"


@pytest.fixture
def org(uow: UnitOfWork, noon: datetime) -> Org:
    return make_org(uow)


def begun(uow: UnitOfWork, org: Org, browser: Browser | None = None) -> SignInSession:
    opened = begin_session(uow, org.owner.person(), org.id, browser or Browser())
    return uow.session.get_one(SignInSession, opened.session_id)


def audited(uow: UnitOfWork, subject_id: UUID) -> list[str]:
    uow.flush_outbox()
    found = select(AuditEntry.action).where(AuditEntry.subject_id == subject_id).order_by(AuditEntry.id)
    return [action for action in uow.session.scalars(found) if action.startswith("session.")]


def new_devices(uow: UnitOfWork, session_id: UUID) -> int:
    uow.flush_outbox()
    found = select(EventRow.payload).where(EventRow.topic == "marketplace.signed_in_from_new_device.v1")
    return sum(payload["session_id"] == str(session_id) for payload in uow.session.scalars(found))


class TestListing:
    def test_everything_its_owner_is_told_of_one(self, uow: UnitOfWork, org: Org, noon: datetime) -> None:
        row = begun(uow, org, Browser("Firefox " + "x" * AGENT_CHARACTERS, NETWORK))
        assert list_sessions(uow, org.owner.person(), uuid7()) == [
            SessionRow(
                id=row.id,
                is_current=False,
                organization=uow.session.get_one(Organization, org.id).display_name,
                agent=("Firefox " + "x" * AGENT_CHARACTERS)[:AGENT_CHARACTERS],
                network_address=NETWORK,
                created_at=noon,
                expires_at=noon + timedelta(days=14),
            )
        ]

    def test_the_one_in_use_comes_first_then_the_newest(self, uow: UnitOfWork, org: Org) -> None:
        oldest, older = begun(uow, org), begun(uow, org)
        clock.advance(timedelta(minutes=1))
        newest = begun(uow, org)
        rows = list_sessions(uow, org.owner.person(), oldest.id)
        assert [(row.id, row.is_current) for row in rows] == [(oldest.id, True), (newest.id, False), (older.id, False)]

    def test_what_has_ended_and_what_is_anothers_is_not_there(self, uow: UnitOfWork, org: Org, noon: datetime) -> None:
        ended, over, kept = (begun(uow, org) for _ in range(3))
        begun(uow, make_org(uow))
        ended.revoked_at, over.expires_at = noon, noon
        uow.flush()
        assert [row.id for row in list_sessions(uow, org.owner.person(), kept.id)] == [kept.id]

    def test_a_list_has_an_end(self, uow: UnitOfWork, org: Org) -> None:
        for _ in range(MOST_LISTED + 1):
            begun(uow, org)
        assert len(list_sessions(uow, org.owner.person(), uuid7())) == MOST_LISTED


class TestEnding:
    def test_one_of_ones_own_and_no_other(self, uow: UnitOfWork, org: Org, noon: datetime) -> None:
        ended, kept = begun(uow, org), begun(uow, org)
        revoke_session(uow, org.owner.person(), ended.id)
        uow.session.expire_all()
        assert (ended.revoked_at, kept.revoked_at) == (noon, None)
        assert audited(uow, ended.id) == ["session.revoked"]

    def test_somebody_elses_is_not_found_and_goes_on(self, uow: UnitOfWork, org: Org) -> None:
        others = begun(uow, make_org(uow))
        for unknown in (others.id, uuid7()):
            with pytest.raises(NotFound) as refused:
                revoke_session(uow, org.owner.person(), unknown)
            assert refused.value.code == "session_not_found"
        uow.session.expire_all()
        assert others.revoked_at is None

    def test_all_others_at_once(self, uow: UnitOfWork, org: Org, noon: datetime) -> None:
        kept, open_one, ended, others = begun(uow, org), begun(uow, org), begun(uow, org), begun(uow, make_org(uow))
        ended.revoked_at = noon - timedelta(hours=1)
        uow.flush()
        revoke_other_sessions(uow, org.owner.person(), kept.id)
        uow.session.expire_all()
        assert [one.revoked_at for one in (kept, open_one, ended, others)] == [
            None, noon, noon - timedelta(hours=1), None,
        ]  # fmt: skip
        assert audited(uow, org.owner.person()) == ["session.others_revoked"]

    def test_an_organization_one_has_left_is_not_switched_to(self, uow: UnitOfWork, org: Org) -> None:
        session = begun(uow, org)
        with pytest.raises(NotFound) as refused:
            switch_organization(uow, session.id, org.owner.person(), make_org(uow).id)
        assert refused.value.code == "organization_not_found"


class TestNewDevice:
    @pytest.mark.parametrize(
        ("age", "device_id", "told"),
        [
            (FIRST_DAY + timedelta(seconds=1), None, 1),
            (FIRST_DAY + timedelta(seconds=1), "known", 0),
            (FIRST_DAY, None, 0),
        ],
    )
    def test_its_owner_is_told_once_the_account_is_no_longer_new(
        self, uow: UnitOfWork, org: Org, noon: datetime, age: timedelta, device_id: str | None, told: int
    ) -> None:
        uow.session.get_one(Person, org.owner.person()).created_at = noon - age
        uow.flush()
        opened = sign_in(uow, SignIn(org.email, PASSWORD, network_address=NETWORK, device_id=device_id, agent="Opera"))
        assert new_devices(uow, opened.session_id) == told
        (row,) = list_sessions(uow, org.owner.person(), opened.session_id)
        assert (row.agent, row.network_address) == ("Opera", NETWORK)


class TestTheSecondStep:
    @pytest.fixture(autouse=True)
    def outside(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(clock, "wall_now", lambda: SYSTEM_NOON)
        composer = Composer(SIGNER, public_url="https://market.example", sender="no-reply@market.example")
        mail_jobs.register(FolderTransport(tmp_path), composer)

    @pytest.fixture
    def codes(self, uow: UnitOfWork, org: Org) -> tuple[str, ...]:
        """The recovery codes of a second factor that has been switched on."""
        person_id = org.owner.person()
        setup = begin_setup(uow, BOX, uuid7(), Reauthentication(person_id, PASSWORD))
        return confirm_setup(uow, BOX, person_id, setup, pyotp.TOTP(setup.secret).at(SYSTEM_NOON))

    def required(self, uow: UnitOfWork, org: Org) -> CodeRequired:
        with pytest.raises(CodeRequired) as raised:
            sign_in(uow, SignIn(org.email, PASSWORD))
        assert raised.value.code == "code_required"
        assert raised.value.person_id == org.owner.person()
        return raised.value

    def test_the_password_is_proved_by_what_the_browser_brings(
        self, uow: UnitOfWork, org: Org, codes: tuple[str, ...]
    ) -> None:
        token = sign_challenge(SIGNER, self.required(uow, org))
        assert open_challenge(uow, SIGNER, token) == PasswordProved(org.owner.person(), org.email)
        clock.advance(CODE_WITHIN - timedelta(seconds=1))
        assert open_challenge(uow, SIGNER, token).email == org.email
        clock.advance(timedelta(seconds=1))
        with pytest.raises(Unauthenticated) as over:
            open_challenge(uow, SIGNER, token)
        assert over.value.code == "challenge_over"

    def test_it_is_over_with_another_password_and_was_never_anothers(
        self, uow: UnitOfWork, org: Org, codes: tuple[str, ...], noon: datetime
    ) -> None:
        required = self.required(uow, org)
        token = sign_challenge(SIGNER, required)
        until = noon + CODE_WITHIN
        claims = {"id": str(uuid7()), "password": required.password_id}
        uow.session.get_one(Person, org.owner.person()).password_hash = hash_password("another-" + PASSWORD)
        uow.flush()
        for wrong in (
            token,
            "no token",
            SIGNER.sign_token(SIGNED_FOR, claims, until),
            SIGNER.sign_token("something else", claims, until),
            TokenSigner([b"x" * 32]).sign_token(SIGNED_FOR, claims, until),
        ):
            with pytest.raises(Unauthenticated) as over:
                open_challenge(uow, SIGNER, wrong)
            assert over.value.code == "challenge_over"

    def test_a_right_code_opens_a_session_and_forgives_what_was_counted(
        self, uow: UnitOfWork, org: Org, codes: tuple[str, ...]
    ) -> None:
        proved = PasswordProved(org.owner.person(), org.email)
        command = SignIn(org.email, "", network_address=NETWORK, agent="Safari", device_id="of the password")
        for _ in range(ACCOUNT.attempts - 1):
            count_attempt(uow, counted_as(proved.person_id), NETWORK)
        opened = sign_in_with_code(uow, BOX, proved, codes[0], command, None)
        assert (opened.person_id, opened.org_id) == (org.owner.person(), org.id)
        (row,) = list_sessions(uow, org.owner.person(), opened.session_id)
        assert (row.agent, row.network_address, row.is_current) == ("Safari", NETWORK, True)
        for _ in range(ACCOUNT.attempts):
            count_attempt(uow, counted_as(proved.person_id), NETWORK)

    @pytest.mark.parametrize("code", ["", "000000", "used"])
    def test_a_wrong_one_opens_none(self, uow: UnitOfWork, org: Org, codes: tuple[str, ...], code: str) -> None:
        proved = PasswordProved(org.owner.person(), org.email)
        if code == "used":
            code = codes[1]
            sign_in_with_code(uow, BOX, proved, code, SignIn(org.email, ""), None)
        with pytest.raises(Unauthenticated) as refused:
            sign_in_with_code(uow, BOX, proved, code, SignIn(org.email, ""), None)
        assert refused.value.code == "code_wrong"

    def test_switched_off_meanwhile_the_password_is_enough(self, uow: UnitOfWork, org: Org) -> None:
        opened = sign_in_with_code(uow, BOX, PasswordProved(org.owner.person(), org.email), "", SignIn("", ""), None)
        assert opened.org_id == org.id

    def test_without_an_organization_there_is_nothing_to_act_for(self, uow: UnitOfWork, org: Org) -> None:
        with pytest.raises(Forbidden) as refused:
            sign_in(uow, SignIn(org.email, PASSWORD, org_id=uuid7()))
        assert refused.value.code == "membership_ended"

    @pytest.mark.parametrize("device_id", [None, "known"])
    def test_the_device_is_that_of_the_code(
        self, uow: UnitOfWork, org: Org, codes: tuple[str, ...], noon: datetime, device_id: str | None
    ) -> None:
        uow.session.execute(
            update(Person).where(Person.id == org.owner.person()).values(created_at=noon - timedelta(days=9))
        )
        command = SignIn(org.email, "", device_id="of the password")
        opened = sign_in_with_code(
            uow, BOX, PasswordProved(org.owner.person(), org.email), codes[2], command, device_id
        )
        assert new_devices(uow, opened.session_id) == (device_id is None)
