"""Organizations and people made in masses are as good as those that signed up: every rule holds, and an owner acts for theirs."""

from __future__ import annotations

from app.verify.check import snapshot
from app.verify.rules import RULES
from bench.organizations import populate
from bench.stack import BUYER
from tests.service.bench.conftest import Market

ORGANIZATIONS, PEOPLE = 40, 700


def test_made_people_keep_every_rule(market: Market) -> None:
    market.connection.execute(
        "UPDATE marketplace.person SET email = %s WHERE id = (SELECT m.person_id FROM marketplace.member m "
        "JOIN marketplace.billing_profile b ON b.org_id = m.org_id AND b.is_default LIMIT 1)",
        (BUYER,),
    )
    populate(market.connection, ORGANIZATIONS, PEOPLE)
    sizes = [
        size
        for (size,) in market.connection.execute(
            "SELECT count(*) FROM marketplace.member m JOIN marketplace.person p ON p.id = m.person_id "
            "WHERE p.email LIKE '%%@made.example' GROUP BY m.org_id ORDER BY 1 DESC"
        )
    ]
    assert (len(sizes), sum(sizes)) == (ORGANIZATIONS, PEOPLE)
    assert sizes[0] > 5 * sizes[-1] > 0, "a few are large, most are small"
    owners = market.connection.execute(
        "SELECT count(*) FROM marketplace.member m JOIN marketplace.person p ON p.id = m.person_id "
        "WHERE p.email LIKE '%%@made.example' AND 'owner' = ANY (m.roles)"
    ).fetchone()
    assert owners == (ORGANIZATIONS,)
    with snapshot(market.stage.services.db) as uow:
        found = {rule.name: what for rule in RULES if (what := rule.find(uow)).violations}
    assert found == {}
