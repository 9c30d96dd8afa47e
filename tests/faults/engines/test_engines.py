"""Both engines together: one run per folder, joining, mending, sharing."""

from collections.abc import Callable

import pytest
import redis

from app.embedded.databases import connect
from app.embedded.engine_error import EngineError
from app.embedded.engines import SOCKET_PATH_LIMIT, Engines, Layout
from app.embedded.folder_lock import FolderInUse
from app.embedded.valkey import ValkeyServer
from kernel.settings import Settings
from tests.faults.machines import Machine, Script, kill_server

HOLD = """
import sys
from pathlib import Path
from app.embedded.engines import Engines
from kernel.settings import Settings
with Engines(Settings(market_home=Path(sys.argv[1]))) as engines:
    print("up", flush=True)
    sys.stdin.read()
print("down", flush=True)
"""

SHARE = """
import sys
from pathlib import Path
from app.embedded.databases import connect
from app.embedded.shared import shared_engines
with shared_engines(Path(sys.argv[1])) as engines:
    own = engines.own_database("test_" + sys.argv[2])
    with connect(own.database_admin_url) as connection:
        started = connection.execute("SELECT pg_postmaster_start_time(), current_database()").fetchone()
    print(started[0].timestamp(), started[1], own.redis_url, flush=True)
    sys.stdin.read()
"""


def works(engines: Engines) -> bool:
    assert engines.addresses is not None
    with connect(engines.addresses.database_url) as connection:
        row = connection.execute("SELECT current_user").fetchone()
    with redis.Redis.from_url(engines.addresses.redis_url) as client:
        return row == ("market_app",) and bool(client.ping())


def test_bell_survives_kills_and_left_over_sockets(bell: ValkeyServer, machine: Machine) -> None:
    bell.start()
    kill_server(bell)
    assert bell.socket.exists()
    bell.start()
    with redis.Redis.from_url(bell.url(7)) as client:
        assert client.set("a", "b")
    bell.stop()
    assert machine.processes() == []


def test_two_starts_in_one_folder_tell_who_holds_it(machine: Machine, start_script: Callable[..., Script]) -> None:
    holder = start_script(HOLD, str(machine.home))
    assert holder.read_line() == "up"
    with pytest.raises(FolderInUse) as caught:
        Engines(machine.settings).__enter__()
    assert caught.value.pid == holder.process.pid
    for language in ("en", "zh"):
        told = caught.value.render(language)
        assert f"kill {holder.process.pid}" in told
        assert str(machine.home) in told
        assert "MARKET_HOME=" in told
    with Engines(machine.settings, join=True) as joined:  # the first one's engines still run, and can be used
        assert works(joined)
    assert holder.process.poll() is None
    holder.kill()
    with Engines(machine.settings) as engines:  # its lock went with it
        assert works(engines)
    assert machine.processes() == []


def test_orderly_end_leaves_nothing(machine: Machine, start_script: Callable[..., Script]) -> None:
    holder = start_script(HOLD, str(machine.home))
    assert holder.read_line() == "up"
    assert holder.process.stdin is not None
    holder.process.stdin.close()
    assert holder.read_line() == "down"
    assert machine.wait_until_empty() == []
    assert not Layout(machine.home).addresses.exists()


def test_dead_engines_come_back_at_the_same_address(machine: Machine) -> None:
    with Engines(machine.settings) as engines:
        before = engines.addresses
        assert engines.mend() == []
        for server in (engines.postgres, engines.valkey):
            assert server is not None
            kill_server(server)
        assert engines.mend() == ["postgres", "valkey"]
        assert engines.addresses == before
        assert works(engines)
    assert machine.processes() == []


def test_long_folder_names_get_a_short_socket_folder(machine: Machine) -> None:
    home = machine.home / ("long" * 30)
    layout = Layout(home)
    assert len(str(layout.run)) < SOCKET_PATH_LIMIT
    with Engines(machine.settings.model_copy(update={"market_home": home})) as engines:
        assert works(engines)
    assert not layout.run.exists()


def test_names_with_spaces_work(machine: Machine) -> None:
    with Engines(machine.settings.model_copy(update={"market_home": machine.home / "我的 市场, %20"})) as engines:
        assert works(engines)


def test_production_never_runs_embedded(machine: Machine) -> None:
    settings = machine.settings.model_copy(update={"market_mode": "production"})
    with pytest.raises(EngineError, match="DATABASE_URL"):
        Engines(settings).__enter__()
    assert machine.processes() == []


def test_servers_of_ones_own_are_used_and_nothing_is_started(machine: Machine) -> None:
    with Engines(machine.settings) as first:
        assert first.addresses is not None
        other = Settings(market_home=machine.home / "other", **first.addresses.__dict__)
        with Engines(other) as second:
            assert (second.postgres, second.valkey) == (None, None)
            assert works(second)
        assert not (machine.home / "other").exists()
        assert works(first)


def test_parallel_users_share_servers_and_the_last_one_stops_them(
    machine: Machine, start_script: Callable[..., Script]
) -> None:
    users = [start_script(SHARE, str(machine.home), f"gw{number}") for number in range(3)]
    told = [user.read_line().split() for user in users]
    assert len({started for started, _, _ in told}) == 1
    assert [name for _, name, _ in told] == ["test_gw0", "test_gw1", "test_gw2"]
    assert len({bell for _, _, bell in told}) == 3
    users[0].kill()
    users[1].kill()
    late = start_script(SHARE, str(machine.home), "gw9")
    assert late.read_line().split()[0] == told[0][0]
    users[2].kill()
    late.kill()  # even the last one's violent end is noticed
    assert machine.wait_until_empty() == []


def test_shared_servers_start_again_for_a_next_session(machine: Machine, start_script: Callable[..., Script]) -> None:
    first = start_script(SHARE, str(machine.home), "gw0")
    started = first.read_line().split()[0]
    first.kill()
    second = start_script(SHARE, str(machine.home), "gw0")  # while the keeper may still be stopping
    assert second.read_line().split()[0] != started
    second.kill()
    assert machine.wait_until_empty() == []


def test_killed_keeper_is_replaced(machine: Machine, start_script: Callable[..., Script]) -> None:
    first = start_script(SHARE, str(machine.home), "gw0")
    assert first.read_line()
    keeper = next(process for process in machine.processes() if "app.embedded.shared" in process.cmdline())
    keeper.kill()
    second = start_script(SHARE, str(machine.home), "gw1")
    assert second.read_line().split()[1] == "test_gw1"
