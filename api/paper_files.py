"""Where the reader of a trace opens the file of one of its papers."""

from __future__ import annotations

from typing import Final

from kernel.principal import Principal
from orders.tracing.model import Node

_READ, _READ_ALL = "orders.read", "operator.read"
_PAPERS: Final = {
    "receipt": "payments/{}/receipt",
    "purchase_pro_forma": "purchases/{}/pro-forma",
    "quote_pro_forma": "quotes/{}/pro-forma",
}


def paper_files(principal: Principal, node: Node) -> dict[str, str]:
    """By language, the paths of the files of a traced paper that are drawn and that this reader may open.

    A request for payment, a receipt and a pro-forma invoice are opened by whom they were made out to; a letter by the
    operator, too.
    """
    facts = node.facts
    own = facts.get("buyer_id") == str(principal.org_id) and not principal.is_platform and principal.may(_READ)
    languages: list[str] = facts.get("languages") or []
    if node.kind == "dunning_notice" and (own or principal.may(_READ_ALL)):
        of_all = "" if own else "operator/"
        return {one: f"/v1/{of_all}dunning-notices/{node.id}/pdf?locale={one}" for one in languages}
    if node.kind == "payment_request" and own:
        return {one: f"/v1/payments/{facts['subject_id']}/transfer/pdf?locale={one}" for one in languages}
    if node.kind == "sale_paper" and own:
        path = _PAPERS[facts["paper"]].format(facts["subject_id"])
        return {one: f"/v1/{path}?language={one}" for one in languages}
    return {}
