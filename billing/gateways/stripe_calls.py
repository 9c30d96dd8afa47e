"""Calls of Stripe's SDK: its errors sorted into what may be concluded from them, its objects read as plain fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import stripe

from billing.gateways.ports import GatewayRefused, KeyReused, NotReached, OutcomeUnknown

T = TypeVar("T")


def call(work: Callable[[], T]) -> T:
    """Sort the SDK's errors into what the caller may conclude from them."""
    try:
        return work()
    except stripe.CardError as error:
        raise GatewayRefused(code_of(error, "card_declined")) from error
    except (stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as error:
        # Turned away at the door: not executed. Wrong credentials are mended by the operator, not by the buyer.
        raise NotReached from error
    except stripe.IdempotencyError as error:
        # What the key did before, nobody here knows: it may have moved money.
        raise KeyReused from error
    except stripe.InvalidRequestError as error:
        raise GatewayRefused(code_of(error, "invalid_request")) from error
    except (stripe.APIConnectionError, stripe.APIError) as error:
        # Also 409: the first request with this key is still running there.
        raise OutcomeUnknown from error


def code_of(error: stripe.StripeError, otherwise: str) -> str:
    """Why Stripe refused: the bank's own reason, where it gave one."""
    details = details_of(error)
    return str(details.get("decline_code") or details.get("code") or otherwise)


def details_of(error: stripe.StripeError) -> Mapping[str, Any]:
    """What Stripe says of an error, as it sent it."""
    body = error.json_body
    details = body.get("error") if isinstance(body, Mapping) else None
    return details if isinstance(details, Mapping) else {}


def plain(value: Any) -> dict[str, Any]:
    """A Stripe object's fields as a dictionary; the SDK's objects are no mappings any more."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    fields: dict[str, Any] = value.to_dict()
    return fields
