"""Words and forms of the published contract's tags and parameters, where the handlers' own say too little."""

from __future__ import annotations

from typing import Any

from kernel.idempotency import MAX_KEY
from kernel.money import CURRENCIES
from marketplace.catalog.categories import CATEGORIES
from marketplace.videos.captions.check_captions import LANGUAGES

TAGS = {
    "buying": "Quotes, purchases, their approval and payment, orders and refunds",
    "catalogue": "Listings and plans that are for sale",
    "halls": "Exhibition halls: booths, agenda, visitors and their badges",
    "circles": "Communities: who is in one, what is written in it, and which channels it follows",
    "content": "Feed, videos, channels, the product cards in videos, and what viewers do with them",
    "courses": "Services whose episodes are videos: what they consist of, watching them, and how far one came",
    "entitlements": "What was bought: its use, its seats, where it opens",
    "hooks": "What sellers' systems, payment gateways and approval providers call; the address or a signature is the credential",
    "invoices": "Invoices and credit notes, their files, and the check of a printed one",
    "money": "Shares, balances, statements and payouts",
    "notifications": "What a person was told, and how they would like to be told",
    "operator": "The platform's own desk",
    "people": "Sessions, API keys, organizations, their members, billing profiles and onboarding",
    "sandbox": "What exists only where no real money moves",
    "seller": "A seller's connectors, deliveries, listings, videos and orders",
    "test clocks": "Organizations of a sandbox to test with, and the time of each, which its developer moves",
    "webhooks": "What happened, and the endpoints of an organization's own systems that are told of it",
    "trace": "One chain from the video to the payout",
}
_PATH = {
    "app_id": "Id of the approval app",
    "any_id": "Id of a touchpoint, video, order, run, entitlement, invoice, statement or payout",
    "event_type": "Name of the type, as `order.paid`",
    "code": "The verification code printed on a document",
    "currency": "ISO 4217 code",
    "language": "Language of the captions (BCP 47)",
    "key_id": "Id of the API key",
    "org_id": "Id of one's own organization",
    "profile_id": "Id of the billing profile",
    "step": "The step that is done",
    "token": "The signed last part of the address that the seller's system was given",
}
_FORMS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {"minLength": 1, "maxLength": MAX_KEY},
    "Tus-Resumable": {"enum": ["1.0.0"]},
    "category": {"enum": list(CATEGORIES)},
    "currency": {"enum": list(CURRENCIES)},
    "language": {"enum": list(LANGUAGES)},
}
"""What the domain refuses after the framework let it pass, so that the refusal has its own words."""


def complete_parameter(parameter: dict[str, Any]) -> None:
    """Describe `parameter`, and declare it as the server takes it.

    In a path, a query or a header nothing is null: what may be left out is optional. An Idempotency-Key may be left out
    for the framework alone; the domain refuses its absence, in its own words.
    """
    name = parameter["name"]
    schema = _without_null(parameter["schema"]) | _FORMS.get(name, {})
    schema.pop("description", None)
    if schema.get("type") == "integer":
        # Litestar's limits are decimals, which generators copy into integers.
        schema |= {limit: int(schema[limit]) for limit in ("minimum", "maximum") if limit in schema}
    parameter["schema"] = schema
    if name == "Idempotency-Key":
        parameter["required"] = True
    if parameter["in"] == "path":
        parameter["description"] = _PATH.get(name) or f"Id of the {name.removesuffix('_id')}"


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    found = dict(schema)
    kinds = [kind for kind in found.pop("oneOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        found |= kinds[0]
    elif kinds:
        found["oneOf"] = kinds
    if isinstance(found.get("type"), list):
        left = [kind for kind in found["type"] if kind != "null"]
        found["type"] = left[0] if len(left) == 1 else left
    if "enum" in found:
        found["enum"] = [value for value in found["enum"] if value is not None]
    return found
