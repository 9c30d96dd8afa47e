"""Parameters that take one of a few words: any other is refused in one way for all lists, by naming those that are known.

A route says them where it declares the parameter, as a `Literal` or by `state_in`; the contract shows them from there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from litestar import Request
from litestar.params import QueryParameter

from kernel.errors import UnknownValue

OPTION = "known_values"
"""Option of routes: their parameters' words, by the name in the address."""


def state_in(states: Collection[str]) -> QueryParameter:
    """The parameter `state` of a list whose rows are in one of these."""
    return QueryParameter(
        name="state", max_length=40, required=False, enum=sorted(states), description="Only rows in this state"
    )


def known_values(fn: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    """What a handler's parameters take, of those that do not take whatever is sent."""
    found = {}
    for argument, hint in get_type_hints(fn, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        taken, *marks = get_args(hint)
        for parameter in (mark for mark in marks if isinstance(mark, QueryParameter)):
            if words := tuple(parameter.enum or _words(taken)):
                found[parameter.name or argument] = words
    return found


def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Refuse a word that is not known. Raises UnknownValue(`filter_unknown`)."""
    handler = request.scope.get("route_handler")
    taken: dict[str, tuple[str, ...]] = handler.opt.get(OPTION, {}) if handler is not None else {}
    for name, known in taken.items():
        sent = request.query_params.get(name)
        if sent is not None and sent not in known:
            raise UnknownValue("filter_unknown", field=name, name=name, known=", ".join(known))


def _words(taken: Any) -> tuple[str, ...]:
    parts = (taken, *get_args(taken))
    return tuple(
        word for part in parts if get_origin(part) is Literal for word in get_args(part) if isinstance(word, str)
    )
