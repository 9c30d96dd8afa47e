"""The operator drafts a share policy on pages, sees what it would change, and publishes it; everybody reads it."""

from __future__ import annotations

from sqlalchemy import select

from billing.shares.models import SharePolicyVersion
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of


def test_a_policy_from_draft_to_published(dashboards: Dashboards) -> None:
    operator, stage = dashboards.operator, dashboards.stage
    path = "/operator/share-policies"
    for visitor in (dashboards.seller, dashboards.buyer, dashboards.promoter):
        assert visitor.get(path).status_code == 403
        assert visitor.post(path).status_code == 403
    begun = operator.post(path)
    assert begun.status_code == 303
    here = begun.headers["location"]
    assert "Version" not in text_of(operator.get(here)).split("Rules")[0].split("Draft")[0]
    rule = {"category": "saas", "deal_type": "renewal", "seller": str(stage.seller.id), "hold_days": "14"}
    assert operator.post(f"{here}/rules", **rule, commission="12.5%", promoter="7.5").status_code == 303
    # For the same: it takes the other's place.
    assert operator.post(f"{here}/rules", **rule, commission="11", promoter="7.5").status_code == 303
    assert operator.post(f"{here}/rules", **rule, commission="x", promoter="7.5").status_code == 422
    assert operator.post(f"{here}/rules", **rule, commission="99", promoter="7.5").status_code == 422
    shown = text_of(operator.get(here))
    assert "11%" in shown
    assert "12.5%" not in shown
    # The fixed quarter of the stage's clock has no sales, and says so.
    assert "Nothing was sold in that quarter." in text_of(operator.get(f"{here}?simulate=1"))
    nothing_said = operator.post(f"{here}/publish", effective_on="2190-01-01")
    assert nothing_said.status_code == 422
    assert operator.post(f"{here}/reason", reason="续期降低费率", reason_en="Less of renewals").status_code == 303
    assert operator.post(f"{here}/publish", effective_on="2001-01-01").status_code == 422
    assert operator.post(f"{here}/publish", effective_on="2190-01-01").status_code == 303
    assert operator.post(f"{here}/publish", effective_on="2190-01-01").status_code == 303
    assert operator.post(f"{here}/discard").status_code == 409
    (row,) = stage.rows(select(SharePolicyVersion).where(SharePolicyVersion.state == "published"))
    public = text_of(Visitor(operator.client, "").get("/share-policy"))
    assert f"Version {row.version}" in public
    assert "Less of renewals" in public
    assert "15%" in public


def test_a_rule_is_taken_out_and_a_draft_discarded(dashboards: Dashboards) -> None:
    operator = dashboards.operator
    here = operator.post("/operator/share-policies").headers["location"]
    assert operator.post(f"{here}/rules/remove", place="0").status_code == 303
    assert operator.post(f"{here}/rules/remove", place="7").status_code == 422
    incomplete = operator.get(f"{here}?simulate=1")
    assert incomplete.status_code == 422
    assert "has no rule for the whole of it" in text_of(incomplete)
    assert operator.post(f"{here}/discard").status_code == 303
    assert "Discarded" in text_of(operator.get(here))
