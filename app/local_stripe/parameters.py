"""Checks what is sent to Stripe against Stripe's own description: the parameters that its SDK is generated from.

The SDK's `stripe.params` are TypedDicts made from Stripe's published OpenAPI description. They name every parameter,
which of them are needed, and of what type each is.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from stripe import params as base
from stripe.params import checkout

OPERATIONS: tuple[tuple[str, str, Any], ...] = (
    ("POST", r"payment_intents", base.PaymentIntentCreateParams),
    ("POST", r"payment_intents/[^/]+/cancel", base.PaymentIntentCancelParams),
    ("POST", r"payment_intents/[^/]+/confirm", base.PaymentIntentConfirmParams),
    ("GET", r"payment_intents/search", base.PaymentIntentSearchParams),
    ("GET", r"payment_intents/pi_[^/]+", base.PaymentIntentRetrieveParams),
    ("POST", r"refunds", base.RefundCreateParams),
    ("GET", r"refunds", base.RefundListParams),
    ("POST", r"transfers", base.TransferCreateParams),
    ("GET", r"transfers", base.TransferListParams),
    ("POST", r"transfers/[^/]+/reversals", base.TransferReversalCreateParams),
    ("GET", r"transfers/[^/]+/reversals", base.TransferReversalListParams),
    ("GET", r"balance_transactions", base.BalanceTransactionListParams),
    ("POST", r"accounts", base.AccountCreateParams),
    ("POST", r"account_links", base.AccountLinkCreateParams),
    ("POST", r"disputes/[^/]+", base.DisputeUpdateParams),
    ("POST", r"customers", base.CustomerCreateParams),
    ("GET", r"customers/[^/]+/payment_methods", base.CustomerPaymentMethodListParams),
    ("POST", r"payment_methods/[^/]+/detach", base.PaymentMethodDetachParams),
    ("POST", r"checkout/sessions", checkout.SessionCreateParams),
    ("GET", r"checkout/sessions", checkout.SessionListParams),
    ("POST", r"checkout/sessions/[^/]+/expire", checkout.SessionExpireParams),
)
"""What the adapter calls with parameters; a call that stands here in no line may have none (`GET` of one object)."""
_OPTIONS = {"api_key", "stripe_version", "stripe_account", "stripe_context", "idempotency_key", "max_network_retries"}
"""Of the SDK's own, which its parameters carry beside Stripe's."""
_OF_OPTIONS: Final = {"StripeContext": object, "Mapping": Mapping}
"""The names that those are described by."""


def problem_of(method: str, path: str, fields: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with a request, as Stripe would say it: the parameter, and why. None where all is well."""
    described = next((one for verb, form, one in OPERATIONS if verb == method and re.fullmatch(form, path)), None)
    sent = {name: value for name, value in fields.items() if not name.startswith("_")}
    if described is None:
        return (next(iter(sent)), "parameter_unknown") if sent else None
    return _of_object(nested(sent), described, "")


def nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """Form fields such as `a[b][0]` as objects; a list is an object of its indices."""
    made: dict[str, Any] = {}
    for name, value in fields.items():
        head, *rest = re.findall(r"[^\[\]]+", name)
        place = made
        for part in rest:
            place = place.setdefault(head, {})
            head = part
        place[head] = value
    return made


@cache
def _described(described: Any) -> dict[str, tuple[Any, bool]]:
    """The parameters of a TypedDict: the type of each, and whether it may be left out."""
    module = sys.modules[described.__module__]
    hints = get_type_hints(described, vars(module) | _OF_OPTIONS, include_extras=True)
    found = {}
    for name, hint in hints.items():
        optional = get_origin(hint) is NotRequired
        found[name] = (get_args(hint)[0] if optional else hint, optional or name not in described.__required_keys__)
    return {name: one for name, one in found.items() if name not in _OPTIONS}


def _of_object(sent: Any, described: Any, at: str) -> tuple[str, str] | None:
    if not isinstance(sent, dict):
        return at, "parameter_invalid_object"
    known = _described(described)
    for name, (_, optional) in known.items():
        if not optional and name not in sent:
            return _at(at, name), "parameter_missing"
    for name, value in sent.items():
        if name not in known:
            return _at(at, name), "parameter_unknown"
        problem = _of_value(value, known[name][0], _at(at, name))
        if problem:
            return problem
    return None


def _of_value(sent: Any, hint: Any, at: str) -> tuple[str, str] | None:
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        kinds = [one for one in get_args(hint) if one is not type(None)]
        # `Literal[…] | str` stands for words that Stripe may add to: here only those that it knows by now.
        if any(get_origin(one) is Literal for one in kinds):
            kinds = [one for one in kinds if one is not str]
        tried = [_of_value(sent, one, at) for one in kinds]
        return None if any(way is None for way in tried) else tried[0]
    if origin is Literal:
        return None if sent in get_args(hint) else (at, "parameter_invalid_word")
    if origin is list:
        if not isinstance(sent, dict):
            return at, "parameter_invalid_list"
        found = (_of_value(value, get_args(hint)[0], f"{at}[{index}]") for index, value in sent.items())
        return next(filter(None, found), None)
    if origin is dict:
        return None if isinstance(sent, dict) and all(isinstance(one, str) for one in sent.values()) else (at, "map")
    if hasattr(hint, "__required_keys__"):
        return _of_object(sent, hint, at)
    return _of_scalar(sent, hint, at)


def _of_scalar(sent: Any, hint: Any, at: str) -> tuple[str, str] | None:
    if isinstance(sent, dict):
        # Untyped objects, such as metadata.
        return None if "Untyped" in str(hint) else (at, "parameter_invalid_scalar")
    if hint is int and not re.fullmatch(r"-?\d+", sent):
        return at, "parameter_invalid_integer"
    if hint is bool and sent not in {"true", "false"}:
        return at, "parameter_invalid_boolean"
    if hint in {float, Decimal} and not re.fullmatch(r"-?\d+(\.\d+)?", sent):
        return at, "parameter_invalid_number"
    return None


def _at(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name
