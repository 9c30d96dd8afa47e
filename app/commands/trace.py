"""`market trace ID`: the chain around any id, for the operator at the terminal."""

from __future__ import annotations

import json
from typing import Any

from rich.markup import escape

from api.v1.traces import TraceOut
from app.console import choose, console, results
from kernel.db.uow import Database, unit_of_work
from kernel.errors import NotFound
from kernel.ids import parse_uuid
from kernel.money import to_decimal
from kernel.principal import SYSTEM
from kernel.settings import Settings
from orders.tracing.model import Node, Trace
from orders.tracing.trace import trace


def run(settings: Settings, identifier: str, *, as_json: bool) -> int:
    """Print everything recorded around the id, in reading order; 1 when a link is missing, 2 when nothing has the id."""
    any_id = parse_uuid(identifier)
    found = find(settings, identifier) if any_id else None
    if found is None:
        console.print(
            choose(
                f"Nothing here has the id {identifier}. Ids are UUIDs, as orders, invoices and payouts show them.",
                f"没有编号为 {identifier} 的记录。编号为 UUID，订单、发票和打款页面均有显示。",
            ),
            markup=False,
        )
        return 2
    if as_json:
        print(json.dumps(TraceOut.of(found, SYSTEM).as_json(), ensure_ascii=False, indent=1))  # noqa: T201
    else:
        show(found)
    return 0 if found.is_whole else 1


def find(settings: Settings, identifier: str) -> Trace | None:
    """The trace as the platform sees it, or None."""
    any_id = parse_uuid(identifier)
    if settings.database_url is None or any_id is None:
        return None
    db = Database(settings.database_url, pool_size=1)
    try:
        with unit_of_work(db, SYSTEM) as uow:
            return trace(uow, any_id)
    except NotFound:
        return None
    finally:
        db.dispose()


def show(found: Trace) -> None:
    """One line per fact, never shortened: each id can be copied and traced in turn."""
    gaps = {gap.after: gap.missing for gap in found.gaps}
    for node in found.nodes:
        at = node.at.strftime("%Y-%m-%d %H:%M:%S.%fZ") if node.at else ""
        mark = f"  [red]✗ {gaps[node.id]}[/red]" if node.id in gaps else ""
        results.print(
            f"[dim]{at:27}[/dim]  {node.kind:18}  {node.state or '':14}  [dim]{node.id}[/dim]  {escape(describe(node))}{mark}"
        )
    results.print(
        choose("[green]The chain is whole.[/green]", "[green]链路完整。[/green]")
        if found.is_whole
        else choose("[red]Links are missing.[/red]", "[red]链路有缺失。[/red]")
    )


def describe(node: Node) -> str:
    """A node's facts in a few words."""
    parts = [node.title] if node.title else []
    for name, value in node.facts.items():
        if value is None or value == node.title:
            continue
        parts.append(f"{name}={_plain(value)}")
    return " ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, dict) and "amount" in value:
        return f"{to_decimal(value['amount'], value['currency'])} {value['currency']}"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return str(value)
