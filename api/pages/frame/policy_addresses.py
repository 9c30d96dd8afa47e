"""Addresses of promoter plans and of the share policy: what the public reads, and where the operator drafts the next version."""

PUBLISHED = "/share-policy"
VERSIONS = "/operator/share-policies"


def version(version_id: object, act: str = "") -> str:
    """A version: its rules, what they would have changed, and what may be done with it."""
    return f"{VERSIONS}/{version_id}/{act}" if act else f"{VERSIONS}/{version_id}"


PLANS = "/promoter/plans"
SELLER_PLANS = "/seller/promoter-plans"


def plan_act(plan_id: str, act: str) -> str:
    """Where a seller ends a promoter plan, or invites to it."""
    return f"{SELLER_PLANS}/{plan_id}/{act}"


def application(plan_id: str) -> str:
    """Where a promoter asks to be let into a plan."""
    return f"{PLANS}/{plan_id}/application"


def membership_act(membership_id: str, act: str) -> str:
    """Where a promoter's place in a plan is answered or ended."""
    return f"/promoter-memberships/{membership_id}/{act}"
