"""The embedded PostgreSQL after every kind of bad end; nothing ever needs mending by hand."""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.embedded.databases import (
    DATABASE,
    OWNER_ROLE,
    SERVING_ROLE,
    connect,
    create_database,
    create_embedded_roles,
    drop_database,
    prepare_external,
)
from app.embedded.engine_error import EngineError
from app.embedded.postgres import SUPERUSER, PostgresServer
from app.embedded.server_user import find_server_user
from tests.faults.machines import PATIENCE_S, Machine, Script, kill_server, wait_for_end


def write_note(server: PostgresServer) -> None:
    with connect(server.url(SUPERUSER, "postgres")) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")


def read_note(server: PostgresServer) -> str:
    with connect(server.url(SUPERUSER, "postgres")) as connection:
        row = connection.execute("SELECT text FROM note").fetchone()
    assert row is not None
    return str(row[0])


def test_stop_leaves_nothing_running_and_data_survives(postgres: PostgresServer, machine: Machine) -> None:
    postgres.start()
    assert machine.processes()
    write_note(postgres)
    postgres.stop()
    assert machine.processes() == []
    postgres.start()
    assert read_note(postgres) == "kept"


def test_killed_server_starts_again_with_what_was_committed(postgres: PostgresServer) -> None:
    postgres.start()
    write_note(postgres)
    kill_server(postgres)
    postgres.start()
    assert read_note(postgres) == "kept"


def test_killed_with_all_its_backends_it_starts_again(postgres: PostgresServer, machine: Machine) -> None:
    postgres.start()
    write_note(postgres)
    for process in machine.processes():
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for_end(postgres)
    postgres.start()
    assert read_note(postgres) == "kept"


def test_pid_file_that_names_a_stranger_is_no_obstacle(postgres: PostgresServer) -> None:
    """The number of a dead server, given meanwhile to another process of the same user, fools PostgreSQL itself."""
    postgres.start()
    write_note(postgres)
    left = (postgres.data / "postmaster.pid").read_text().splitlines()
    postgres.stop()
    user = find_server_user()
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if user else None, group=user.gid if user else None)
    try:
        (postgres.data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left[1:]]))
        (postgres.socket_folder / ".s.PGSQL.5432.lock").write_text("\n".join([str(stranger.pid), *left[1:]]))
        postgres.start()
        assert read_note(postgres) == "kept"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "garbage\n", "999999999\n"])
def test_broken_pid_file_is_no_obstacle(postgres: PostgresServer, text: str) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(text)
    postgres.start()
    assert postgres.is_ready()


def test_server_left_running_is_taken_over(postgres: PostgresServer, machine: Machine) -> None:
    postgres.start()
    write_note(postgres)
    postgres.stop()
    user = find_server_user()
    orphan = subprocess.Popen(
        [str(postgres.programs / "postgres"), "-D", str(postgres.data), "-k", str(postgres.socket_folder), "-h", ""],
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not postgres.is_ready():
        assert orphan.poll() is None
    postgres.start()
    assert orphan.wait(PATIENCE_S) is not None
    assert read_note(postgres) == "kept"
    postgres.stop()
    assert machine.processes() == []


def test_creation_cut_short_is_done_again(postgres: PostgresServer) -> None:
    draft = postgres.data.with_name("data.new")
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert postgres.is_ready()
    assert not draft.exists()


def test_strange_files_are_not_touched(postgres: PostgresServer) -> None:
    postgres.data.mkdir(parents=True)
    (postgres.data / "thesis.txt").write_text("mine")
    with pytest.raises(EngineError, match="Move it away"):
        postgres.start()
    assert (postgres.data / "thesis.txt").read_text() == "mine"


def test_data_of_another_version_is_refused_untouched(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EngineError) as caught:
        postgres.start()
    assert "PostgreSQL 9" in caught.value.render("en")
    assert "PostgreSQL 9" in caught.value.render("zh")


def test_failed_start_shows_the_log(postgres: PostgresServer) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(EngineError, match="no_such_setting"):
        postgres.start()


def test_killed_parent_takes_the_server_along(machine: Machine, start_script: Callable[..., Script]) -> None:
    source = """
import sys
from contextlib import suppress
from pathlib import Path
from app.embedded.engines import Engines
from app.embedded.databases import connect
from kernel.settings import Settings
with Engines(Settings(market_home=Path(sys.argv[1]))) as engines:
    with connect(engines.addresses.database_admin_url) as connection:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    print(engines.postgres.pid, engines.valkey.pid, flush=True)
    sys.stdin.read()
"""
    script = start_script(source, str(machine.home))
    pids = [int(word) for word in script.read_line().split()]
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    script.kill()
    assert machine.wait_until_empty() == []
    again = start_script(
        source.replace("CREATE TABLE note AS SELECT 'kept' AS text", "SELECT text FROM note"), str(machine.home)
    )
    assert len(again.read_line().split()) == 2


def test_roles_are_held_by_row_level_security(postgres: PostgresServer) -> None:
    postgres.start()
    create_embedded_roles(postgres)
    create_embedded_roles(postgres)  # harmless when done
    for role in (OWNER_ROLE, SERVING_ROLE):
        with connect(postgres.url(role, DATABASE)) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (False, False)
    with connect(postgres.url(OWNER_ROLE, DATABASE)) as connection:
        connection.execute("CREATE SCHEMA shown CREATE TABLE shown.item (id int)")
    with (
        connect(postgres.url(SERVING_ROLE, DATABASE)) as connection,
        pytest.raises(Exception, match="permission denied"),
    ):
        connection.execute("SELECT * FROM shown.item")


def test_server_of_ones_own_gets_its_serving_role(postgres: PostgresServer) -> None:
    postgres.start()
    admin, serving = postgres.url(SUPERUSER, "postgres"), postgres.url("shop", "postgres")
    prepare_external(admin, serving)
    prepare_external(admin, serving)
    with connect(serving) as connection:
        assert connection.execute(f"SELECT pg_has_role(current_user, '{SERVING_ROLE}', 'USAGE')").fetchone() == (True,)


def test_owner_that_may_create_roles_needs_no_superuser(postgres: PostgresServer) -> None:
    postgres.start()
    with connect(postgres.url(SUPERUSER, "postgres")) as connection:
        connection.execute("CREATE ROLE landlord LOGIN CREATEROLE")
    prepare_external(postgres.url("landlord", "postgres"), postgres.url("shop", "postgres"))
    with connect(postgres.url("shop", "postgres")) as connection:
        row = connection.execute(f"SELECT pg_has_role(current_user, '{SERVING_ROLE}', 'USAGE')").fetchone()
    assert row == (True,)


@pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
def test_mighty_serving_role_is_refused(postgres: PostgresServer, attribute: str) -> None:
    postgres.start()
    with connect(postgres.url(SUPERUSER, "postgres")) as connection:
        connection.execute(f"CREATE ROLE shop LOGIN {attribute}")
    with pytest.raises(EngineError, match=f"ALTER ROLE shop NO{attribute}"):
        prepare_external(postgres.url(SUPERUSER, "postgres"), postgres.url("shop", "postgres"))


def test_missing_role_and_no_right_to_create_it(postgres: PostgresServer) -> None:
    postgres.start()
    with connect(postgres.url(SUPERUSER, "postgres")) as connection:
        connection.execute("CREATE ROLE weak LOGIN")
    with pytest.raises(EngineError, match="CREATE ROLE shop LOGIN"):
        prepare_external(postgres.url("weak", "postgres"), postgres.url("shop", "postgres"))


def test_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(EngineError) as caught, connect("postgresql+psycopg://app:hunter2@127.0.0.1:1/market"):
        pass
    assert "127.0.0.1:1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_databases_are_made_copied_and_dropped(postgres: PostgresServer) -> None:
    postgres.start()
    create_embedded_roles(postgres)
    admin = postgres.url(OWNER_ROLE, DATABASE)
    first = create_database(admin, "first")
    with connect(first) as connection:
        connection.execute("CREATE TABLE note (id int)")
    with connect(create_database(admin, "second", template="first")) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)
    with connect(create_database(admin, "first")) as connection:  # again: the old one is dropped
        assert connection.execute("SELECT to_regclass('note')").fetchone() == (None,)
        drop_database(admin, "second")
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'second'").fetchone() is None


def test_vacuum_at_work_does_not_hold_up_a_drop(postgres: PostgresServer) -> None:
    """A worker of autovacuum is a superuser's: the owner may not end it, and the drop asks it to go."""
    postgres.start()
    create_embedded_roles(postgres)
    admin = postgres.url(OWNER_ROLE, DATABASE)
    with connect(postgres.url(SUPERUSER, "postgres")) as superuser:
        for setting, value in (("naptime", "1s"), ("vacuum_threshold", "1"), ("vacuum_cost_delay", "100ms")):
            superuser.execute(f"ALTER SYSTEM SET autovacuum_{setting} = '{value}'")
        superuser.execute("ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 1")
        superuser.execute("SELECT pg_reload_conf()")
        with connect(create_database(admin, "vacuumed")) as connection:
            connection.execute("CREATE TABLE note AS SELECT repeat('x', 900) FROM generate_series(1, 20000)")
            connection.execute("DELETE FROM note")
        at_work = "SELECT pid FROM pg_stat_activity WHERE datname = 'vacuumed' AND backend_type = 'autovacuum worker'"
        until = time.monotonic() + PATIENCE_S
        while superuser.execute(at_work).fetchone() is None:
            assert time.monotonic() < until, "no vacuum began"
            time.sleep(0.1)
        drop_database(admin, "vacuumed")
        assert superuser.execute("SELECT 1 FROM pg_database WHERE datname = 'vacuumed'").fetchone() is None


def test_log_is_private_to_the_folder(postgres: PostgresServer, machine: Machine) -> None:
    postgres.start()
    for folder in (postgres.data, postgres.data.parent, postgres.socket_folder):
        assert folder.stat().st_mode & 0o077 == 0, folder
    assert Path(machine.home, "logs", "postgres.log").exists()
