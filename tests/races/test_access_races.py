"""Who owns an organization while it is handed over, and a code that two bring, in every order there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pyotp
import pytest
from sqlalchemy import select

from api.context import Services
from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.members import change_roles, leave, list_members, remove_member
from marketplace.access.models import Member, RecoveryCode, SecondFactor
from marketplace.access.ownership import (
    OfferOwnership,
    accept_ownership,
    decline_ownership,
    offer_ownership,
    withdraw_ownership,
)
from marketplace.access.second_factor import Reauthentication, begin_setup, confirm_setup
from marketplace.access.sessions import PasswordProved, SignIn, sign_in_with_code
from tests.factories_marketplace import PASSWORD, Org, make_member, make_org
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


@dataclass
class Handover:
    """An owner who has offered their organization, the member they offered it to, and another owner where there is one."""

    db: Database
    org: Org
    receiver: Principal
    other: Principal | None
    transfer_id: UUID

    def member_id(self, who: Principal) -> UUID:
        with unit_of_work(self.db, self.org.owner) as uow:
            return next(row.id for row in list_members(uow) if row.person_id == who.person())

    def roles(self, who: Principal) -> list[str]:
        with unit_of_work(self.db, SYSTEM) as uow:
            found = select(Member.roles).where(Member.org_id == self.org.id, Member.person_id == who.person())
            return list(uow.session.scalars(found.where(Member.state == "active")).one_or_none() or ())

    def owners(self) -> int:
        with unit_of_work(self.db, SYSTEM) as uow:
            members = select(Member.id).where(Member.org_id == self.org.id, Member.state == "active")
            return len(uow.session.scalars(members.where(Member.roles.contains(["owner"]))).all())

    def accept(self) -> str:
        person_id = self.receiver.person()
        transact(self.db, PRE_AUTH, lambda uow: accept_ownership(uow, self.transfer_id, person_id))
        return "accepted"


def hand_over(db: Database, *, other_owner: bool = False) -> Handover:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow)
        receiver = make_member(uow, org, "finance")
        other = make_member(uow, org, "owner") if other_owner else None
    with unit_of_work(db, org.owner) as uow:
        member_id = next(row.id for row in list_members(uow) if row.person_id == receiver.person())
        transfer_id = offer_ownership(uow, OfferOwnership(member_id, "viewer"))
    return Handover(db, org, receiver, other, transfer_id)


def leaves(made: Handover, who: Principal) -> Callable[[], str]:
    def side() -> str:
        transact(made.db, who, leave)
        return "left"

    return side


def removes(made: Handover, actor: Principal, whom: Principal) -> Callable[[], str]:
    member_id = made.member_id(whom)

    def side() -> str:
        transact(made.db, actor, lambda uow: remove_member(uow, member_id))
        return "removed"

    return side


@every_order
def test_the_receiver_leaves(db: Database, order: str) -> None:
    made = hand_over(db)
    told = interleaved(db, order, made.accept, leaves(made, made.receiver))
    assert told in (("accepted", "last_owner"), ("transfer_over", "left"))
    assert made.owners() == 1


@every_order
def test_the_receiver_is_removed(db: Database, order: str) -> None:
    made = hand_over(db)
    told = interleaved(db, order, made.accept, removes(made, made.org.owner, made.receiver))
    assert told in (("accepted", "last_owner"), ("transfer_over", "removed"))
    assert made.owners() == 1


@every_order
def test_the_giver_leaves(db: Database, order: str) -> None:
    made = hand_over(db)
    told = interleaved(db, order, made.accept, leaves(made, made.org.owner))
    assert told in (("accepted", "left"), ("accepted", "last_owner"))
    assert made.roles(made.receiver) == ["finance", "owner"]
    assert made.owners() == 1


@every_order
def test_the_giver_is_removed_by_another_owner(db: Database, order: str) -> None:
    made = hand_over(db, other_owner=True)
    assert made.other is not None
    told = interleaved(db, order, made.accept, removes(made, made.other, made.org.owner))
    assert told in (("accepted", "removed"), ("transfer_over", "removed"))
    assert made.owners() == (2 if told[0] == "accepted" else 1)


@every_order
def test_the_giver_loses_the_role(db: Database, order: str) -> None:
    made = hand_over(db, other_owner=True)
    assert made.other is not None
    other, giver_id = made.other, made.member_id(made.org.owner)

    def demote() -> str:
        transact(db, other, lambda uow: change_roles(uow, giver_id, ["catalog"]))
        return "demoted"

    told = interleaved(db, order, made.accept, demote)
    assert told in (("accepted", "demoted"), ("transfer_over", "demoted"))
    assert made.roles(made.org.owner) == ["catalog"]
    assert made.owners() == (2 if told[0] == "accepted" else 1)


@every_order
def test_the_other_owner_leaves(db: Database, order: str) -> None:
    made = hand_over(db, other_owner=True)
    assert made.other is not None
    assert interleaved(db, order, made.accept, leaves(made, made.other)) == ("accepted", "left")
    assert (made.owners(), made.roles(made.org.owner)) == (1, ["viewer"])


@every_order
def test_it_is_withdrawn_or_declined_meanwhile(db: Database, order: str) -> None:
    made = hand_over(db)

    def withdraw() -> str:
        transact(db, made.org.owner, lambda uow: withdraw_ownership(uow, made.transfer_id))
        return "withdrawn"

    told = interleaved(db, order, made.accept, withdraw)
    assert told in (("accepted", "invalid_transition"), ("transfer_over", "withdrawn"))
    assert made.owners() == 1
    declined = hand_over(db)

    def decline() -> str:
        person_id = declined.receiver.person()
        transact(db, PRE_AUTH, lambda uow: decline_ownership(uow, declined.transfer_id, person_id))
        return "declined"

    told = interleaved(db, order, declined.accept, decline)
    assert told in (("accepted", "transfer_over"), ("transfer_over", "declined"))
    assert declined.owners() == 1


@every_order_of_twins
def test_accepted_twice_it_is_handed_over_once(db: Database, order: str) -> None:
    made = hand_over(db)
    assert interleaved(db, order, made.accept, made.accept) == ("accepted", "accepted")
    assert (made.roles(made.org.owner), made.roles(made.receiver)) == (["viewer"], ["finance", "owner"])


@every_order_of_twins
@pytest.mark.parametrize("kind", ["app", "recovery code"])
def test_two_bring_one_code(db: Database, services: Services, order: str, kind: str) -> None:
    box = services.secrets
    with unit_of_work(db, SYSTEM) as uow:
        org = make_org(uow)
    with unit_of_work(db, PRE_AUTH) as uow:
        setup = begin_setup(uow, box, uuid7(), Reauthentication(org.owner.person(), PASSWORD))
        now = int(clock.wall_now().timestamp())
        codes = confirm_setup(uow, box, org.owner.person(), setup, pyotp.TOTP(setup.secret).at(now))
        factor = uow.session.scalars(select(SecondFactor).where(SecondFactor.id == setup.id)).one()
        # As if it had been switched on long ago.
        factor.last_step = 0
    code = codes[0] if kind == "recovery code" else pyotp.TOTP(setup.secret).at(int(clock.wall_now().timestamp()))
    proved = PasswordProved(org.owner.person(), org.email)

    def bring() -> str:
        command = SignIn(org.email, "")
        transact(db, PRE_AUTH, lambda uow: sign_in_with_code(uow, box, proved, code, command, None))
        return "signed in"

    table = "marketplace.recovery_code" if kind == "recovery code" else "marketplace.second_factor"
    assert sorted(map(str, interleaved(db, order, bring, bring, table=table))) == ["code_wrong", "signed in"]
    with unit_of_work(db, SYSTEM) as uow:
        used = select(RecoveryCode.id).where(RecoveryCode.factor_id == setup.id, RecoveryCode.used_at.is_not(None))
        assert len(uow.session.scalars(used).all()) == (kind == "recovery code")
