"""`market books rebuild`: amounts that follow from facts, computed again from them."""

from __future__ import annotations

from app.console import choose, console, results
from app.embedded.engines import running_engines
from app.verify.check import snapshot
from billing.ledger.derived_balances import Drift, find_drift, rebuild
from kernel.db.uow import Database, transact
from kernel.principal import SYSTEM

DIFFERS = 1


def run(*, check: bool) -> int:
    """Show what differs and, without `check`, write it anew. With `check`, 1 when anything does."""
    with running_engines() as settings:
        if settings.database_url is None:
            raise ValueError("the engines must be resolved before balances are computed")
        db = Database(settings.database_url, pool_size=2)
        try:
            with snapshot(db) as uow:
                found = find_drift(uow)
            for drift in found:
                results.print(_line(drift), markup=False)
            if check:
                console.print(
                    choose(
                        f"Amounts that differ from their facts: {len(found)}. Nothing was changed.",
                        f"与事实不符的金额：{len(found)} 处。未作任何更改。",
                    )
                )
                return DIFFERS if found else 0
            written = transact(db, SYSTEM, rebuild)
            console.print(choose(f"Rows written anew: {written}", f"已重算 {written} 行"))
        finally:
            db.dispose()
    return 0


def _line(drift: Drift) -> str:
    return f"{drift.table} {drift.row_id} {drift.column}: {drift.kept_minor} ≠ {drift.computed_minor}"
