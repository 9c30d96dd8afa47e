"""Roles and databases on any PostgreSQL from 15 on, embedded or not.

Two roles: the owner migrates and owns every schema; the serving role runs all requests and jobs, and row level security
holds it, because it is no superuser, has no BYPASSRLS and owns nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url

from app.embedded.engine_error import EngineError
from app.embedded.postgres import SUPERUSER, PostgresServer

OWNER_ROLE = "market_owner"
SERVING_ROLE = "market_app"
DATABASE = "market"
OLDEST_MAJOR = 15
DROP_TRIES = 4


@contextmanager
def connect(url: str | URL, database: str | None = None) -> Iterator[psycopg.Connection]:
    """A plain autocommit connection to a SQLAlchemy address, for statements that no unit of work can hold.

    Raises EngineError when the server cannot be reached.
    """
    address = make_url(url)
    parts = {str(name): str(value) for name, value in address.query.items()}
    parts |= {"user": address.username or "", "dbname": database or address.database or ""}
    parts |= {"password": address.password or "", "host": address.host or parts.get("host", "")}
    parts |= {"port": str(address.port or ""), "connect_timeout": parts.get("connect_timeout", "10")}
    try:
        connection = psycopg.connect(
            make_conninfo("", **{name: value for name, value in parts.items() if value}), autocommit=True
        )
    except psycopg.OperationalError as error:
        shown = address.render_as_string(hide_password=True)
        raise EngineError(
            f"PostgreSQL at {shown} cannot be reached; nothing was changed. Check the address and that the server "
            f"runs. It said: {str(error).strip()}",
            f"无法连接 PostgreSQL（{shown}），未作任何更改。请检查地址以及服务是否在运行。"
            f"返回信息：{str(error).strip()}",
        ) from error
    with connection:
        yield connection


def create_embedded_roles(server: PostgresServer) -> None:
    """Create owner, serving role and the database `market` on an embedded server, whatever is missing of them."""
    with connect(server.url(SUPERUSER, "postgres")) as connection:
        have = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER_ROLE not in have:
            # CREATEDB and CREATEROLE let the owner make throw-away databases for tests and checks.
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB CREATEROLE")
        if SERVING_ROLE not in have:
            connection.execute(f"CREATE ROLE {SERVING_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")


def prepare_external(admin_url: str, serving_url: str) -> None:
    """Make sure a server of one's own can serve: recent enough, serving role present, and that role not too mighty.

    Creates the role that `serving_url` names, with its password, when it is missing. The migrations grant everything to
    `market_app`; a serving role of another name becomes its member.
    Raises EngineError with what to do.
    """
    serving = make_url(serving_url)
    role = serving.username or SERVING_ROLE
    with connect(admin_url) as connection:
        if connection.info.server_version < OLDEST_MAJOR * 10_000:
            raise EngineError(
                f"The PostgreSQL at DATABASE_ADMIN_URL is version {connection.info.server_version // 10_000}; "
                f"{OLDEST_MAJOR} or newer is needed. Nothing was changed.",
                f"DATABASE_ADMIN_URL 处的 PostgreSQL 版本为 {connection.info.server_version // 10_000}，"
                f"需要 {OLDEST_MAJOR} 或更新版本。未作任何更改。",
            )
        _create_missing_role(connection, role, sql.SQL("LOGIN"), serving.password)
        if role != SERVING_ROLE:
            _create_missing_role(connection, SERVING_ROLE, sql.SQL("NOLOGIN"), None)
            _make_member(connection, role)
    check_serving_role(serving_url)


def check_serving_role(serving_url: str) -> None:
    """Refuse to serve as a role that row level security does not hold.

    Raises EngineError naming the attribute and the statement that removes it.
    """
    with connect(serving_url) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if row is None or not (row[1] or row[2]):
        return
    attribute = "SUPERUSER" if row[1] else "BYPASSRLS"
    raise EngineError(
        f"The role {row[0]} of DATABASE_URL has {attribute}, so row level security would not hold it. Nothing was "
        f"changed. Name another role there, or run: ALTER ROLE {row[0]} NO{attribute}",
        f"DATABASE_URL 的角色 {row[0]} 具有 {attribute} 属性，行级安全策略对其无效。未作任何更改。"
        f"请改用其他角色，或执行：ALTER ROLE {row[0]} NO{attribute}",
    )


def create_database(admin_url: str, name: str, *, template: str | None = None) -> str:
    """Create the database `name`, owned by the role of `admin_url`, and answer its address for that role.

    An existing database of that name is dropped first, so a killed earlier run is no obstacle. `template` names a
    database to copy, which no one may be connected to.
    """
    drop_database(admin_url, name)
    with connect(admin_url, "postgres") as connection:
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        connection.execute(statement)
    return switch_database(admin_url, name)


def drop_database(admin_url: str, name: str) -> None:
    """Drop the database `name` if it is there, ending the connections to it.

    Only the connections that the role of `admin_url` may end are ended here. The rest is left to the plain drop, which
    asks a worker of autovacuum to go; `WITH (FORCE)` would be refused because of it, as the worker is a superuser's.
    Raises psycopg.errors.ObjectInUse when somebody else's connection stays.
    """
    ended = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'MEMBER')"
    )
    statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    with connect(admin_url, "postgres") as connection:
        for attempt in range(DROP_TRIES):
            connection.execute(ended, (name,))
            try:
                connection.execute(statement)
            except psycopg.errors.ObjectInUse:
                # Somebody connected in between, or the server was too busy to end a worker within its five seconds.
                if attempt + 1 == DROP_TRIES:
                    raise
            else:
                return


def switch_database(url: str, name: str) -> str:
    """The same address with another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _create_missing_role(connection: psycopg.Connection, role: str, login: sql.SQL, password: str | None) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None:
        return
    statement = sql.SQL("CREATE ROLE {} {} NOCREATEDB NOCREATEROLE INHERIT").format(sql.Identifier(role), login)
    if password:
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(password))
    try:
        connection.execute(statement)
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return  # another process was first
    except psycopg.errors.InsufficientPrivilege as error:
        raise EngineError(
            f"The role {role} does not exist and DATABASE_ADMIN_URL may not create roles. Nothing was changed. As an "
            f"administrator run: CREATE ROLE {role} {login.as_string(connection)} PASSWORD '…'",
            f"角色 {role} 不存在，且 DATABASE_ADMIN_URL 无权创建角色。未作任何更改。"
            f"请由管理员执行：CREATE ROLE {role} {login.as_string(connection)} PASSWORD '…'",
        ) from error


def _make_member(connection: psycopg.Connection, role: str) -> None:
    member = connection.execute("SELECT pg_has_role(%s, %s, 'USAGE')", (role, SERVING_ROLE)).fetchone()
    if member is not None and member[0]:
        return
    try:
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(SERVING_ROLE), sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise EngineError(
            f"The role {role} of DATABASE_URL is no member of {SERVING_ROLE}, to which the migrations grant what "
            f"serving needs. As an administrator run: GRANT {SERVING_ROLE} TO {role}",
            f"DATABASE_URL 的角色 {role} 不是 {SERVING_ROLE} 的成员，而迁移把服务所需权限授予了后者。"
            f"请由管理员执行：GRANT {SERVING_ROLE} TO {role}",
        ) from error
