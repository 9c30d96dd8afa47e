"""`market retention`: partitions made ahead and dropped when they are past their time, as the role that owns the tables."""

from __future__ import annotations

from app.console import choose, console
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines
from app.partition_retention import retain_partitions


def run() -> int:
    """Do it once and say what was dropped."""
    with running_engines() as settings:
        if settings.database_admin_url is None:
            raise EngineError(
                "DATABASE_ADMIN_URL is not set: only the role that owns the tables makes and drops their partitions. "
                "Nothing was changed.",
                "未设置 DATABASE_ADMIN_URL：只有表的所有者角色能创建和删除分区。未作任何更改。",
            )
        dropped = retain_partitions(settings.database_admin_url)
        console.print(choose(f"Partitions dropped: {len(dropped)}", f"已删除过期分区：{len(dropped)} 个"))
        for name in dropped:
            console.print(f"  {name}", markup=False)
    return 0
