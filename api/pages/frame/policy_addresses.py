"""Addresses of the share policy: what the public reads, and where the operator drafts the next version."""

PUBLISHED = "/share-policy"
VERSIONS = "/operator/share-policies"


def version(version_id: object, act: str = "") -> str:
    """A version: its rules, what they would have changed, and what may be done with it."""
    return f"{VERSIONS}/{version_id}/{act}" if act else f"{VERSIONS}/{version_id}"
