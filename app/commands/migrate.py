"""`market migrate`: Alembic, run as the owner role, one process at a time."""

from app.console import choose, console
from app.database_schema import downgrade, find_differences, upgrade
from app.embedded.databases import create_database, drop_database
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines


def run(*, check: bool) -> int:
    """Upgrade to the newest revision, or with `check` prove the migrations on a throw-away database."""
    with running_engines() as settings:
        if settings.database_admin_url is None:
            raise EngineError(
                "DATABASE_ADMIN_URL is not set: migrations run as the role that owns the schemas. Nothing was changed.",
                "未设置 DATABASE_ADMIN_URL：迁移须以数据库结构的所有者角色执行。未作任何更改。",
            )
        if check:
            return _check(settings.database_admin_url)
        upgrade(settings.database_admin_url)
    return 0


def _check(admin_url: str) -> int:
    name = "market_migration_check"
    own_url = create_database(admin_url, name)
    try:
        upgrade(own_url)
        differences = find_differences(own_url)
        for difference in differences:
            console.print(choose("Differs from the models: ", "与模型不一致：") + difference, markup=False)
        downgrade(own_url)
        upgrade(own_url)
    finally:
        drop_database(admin_url, name)
    if not differences:
        console.print(
            choose("Migrations equal the models; up, down, up works.", "迁移与模型一致；升级、回退、再升级均正常。")
        )
    return 1 if differences else 0
