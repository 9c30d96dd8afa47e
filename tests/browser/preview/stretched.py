"""Sample pages whose names, titles, numbers and addresses are as long as the product lets people make them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

WORD = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunte"
"""One word without a place to break, as long as the longest name seen."""
PEOPLES = frozenset(
    "billing_profile buyer_name channel_name counterparty description detail display_name email error label listing_name "
    "name number of order_number party person placed_by plan_name po_number query reference refusal searched "
    "seller_name seller_tax_id statement_number subject summary term text title value video_title".split()
)
"""Fields of views that hold what people or sellers' systems wrote."""


def stretch(value: Any, name: str = "") -> Any:
    """The same view with every such field made long."""
    if isinstance(value, str):
        return f"{value}{WORD}" if name in PEOPLES else value
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(stretch(one, name) for one in value)
    if is_dataclass(value) and not isinstance(value, type) and type(value).__module__.startswith("api.pages"):
        # The label of a fact names a text of ours.
        ours = {"label"} if type(value).__name__ == "TimelineFact" else set()
        made = {
            one.name: stretch(getattr(value, one.name), one.name)
            for one in fields(value)
            if one.init and one.name not in ours
        }
        return replace(value, **made)
    return value
