"""`market doctor`: whether this machine can run the product, and what to do where it cannot."""

import ctypes
import importlib.util
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from app.console import choose, results
from app.embedded.engine_error import EngineError
from app.embedded.engines import Engines
from app.embedded.folder_lock import FolderInUse, FolderLock
from app.embedded.supervised_process import accepts_connections, find_listener
from kernel.settings import Settings, load_settings
from kernel.settings_error import SettingsError

OLDEST_PYTHON = (3, 11)
NEEDED_FREE_BYTES = 300_000_000
WISHED_FREE_BYTES = 2_000_000_000

# The names under which WeasyPrint looks for its libraries: Linux, macOS, Windows.
FONT_PACKAGES = {"cvttf_NotoSansCJK_Regular": "Noto Sans CJK", "manimgx_fonts": "Noto Sans"}
"""The typefaces by the package that carries them."""
PANGO_NAMES = (
    ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
)
PANGO_COMMANDS = {
    "debian": "apt install libpango-1.0-0 libpangoft2-1.0-0",
    "fedora": "dnf install pango",
    "alpine": "apk add pango",
    "arch": "pacman -S pango",
    "suse": "zypper install libpango-1_0-0",
    "darwin": "brew install pango",
    "windows": "winget install MSYS2.MSYS2, then in its shell: pacman -S mingw-w64-x86_64-pango",
}


@dataclass(frozen=True)
class Finding:
    """One check's outcome. `todo` says how to mend it; empty when it is well."""

    name: str
    state: Literal["ok", "warning", "failed"]
    en: str
    zh: str
    todo_en: str = ""
    todo_zh: str = ""


def run(*, as_json: bool) -> int:
    """Run every check; 1 when one failed. A warning does not fail."""
    findings = list(examine())
    failed = any(item.state == "failed" for item in findings)
    if as_json:
        print(json.dumps({"ok": not failed, "checks": [asdict(item) for item in findings]}, ensure_ascii=False))  # noqa: T201  # the command's result
        return int(failed)
    marks = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "failed": "[red]✗[/red]"}
    for item in findings:
        results.print(f"{marks[item.state]} {item.name}: ", end="")
        results.print(choose(item.en, item.zh), markup=False)
        if item.todo_en:
            results.print(f"    → {choose(item.todo_en, item.todo_zh)}", markup=False)
    return int(failed)


def examine() -> Iterator[Finding]:
    """All findings, in the order in which they matter."""
    yield check_python()
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding(
            "settings",
            "failed",
            f"cannot be used:\n{error.render('en')}",
            f"无法使用：\n{error.render('zh')}",
            "See docs/settings.md",
            "参见 docs/settings.md",
        )
        return
    yield Finding("settings", "ok", settings.market_mode, settings.market_mode)
    yield check_disk(settings)
    running = is_running(settings)
    for host, port, variable in (
        (settings.host, settings.port, "PORT"),
        ("127.0.0.1", settings.sample_seller_port, "SAMPLE_SELLER_PORT"),
    ):
        yield check_port(host, port, variable, running=running)
    yield from check_engines(settings, running=running)
    yield check_font()
    yield check_pango()


def check_python() -> Finding:
    """Python 3.11 or newer."""
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding(
            "python", "failed", version, version, "Install Python 3.11 or newer", "请安装 Python 3.11 或更新版本"
        )
    return Finding("python", "ok", version, version)


def check_disk(settings: Settings) -> Finding:
    """Space where the data folder is, or will be."""
    folder = settings.market_home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "warning", "failed"] = "ok" if free >= WISHED_FREE_BYTES else "warning"
    if free < NEEDED_FREE_BYTES:
        state = "failed"
    todo = (
        ("", "")
        if state == "ok"
        else (
            "Free some space, or choose another disk with MARKET_HOME",
            "请释放磁盘空间，或用 MARKET_HOME 选择其他磁盘",
        )
    )
    return Finding("disk", state, f"{free // 10**6} MB free at {folder}", f"{folder} 剩余 {free // 10**6} MB", *todo)


def check_port(host: str, port: int, variable: str, *, running: bool) -> Finding:
    """A port that `market up` needs is free, or its own."""
    name = f"port {port}"
    if not accepts_connections("127.0.0.1" if host == "0.0.0.0" else host, port):  # noqa: S104  # compared only
        return Finding(name, "ok", "free", "空闲")
    if running:
        return Finding(name, "ok", "in use by the running market", "由运行中的 market 使用")
    holder = find_listener(port) or "?"
    return Finding(
        name,
        "failed",
        f"taken by {holder}",
        f"已被 {holder} 占用",
        f"Free it, or choose another: {variable}={port + 1}",
        f"请释放该端口，或改用其他端口：{variable}={port + 1}",
    )


def is_running(settings: Settings) -> bool:
    """Whether a `market up` works in this data folder."""
    if not settings.market_home.exists():
        return False
    try:
        with FolderLock(settings.market_home):
            return False
    except FolderInUse:
        return True


def check_engines(settings: Settings, *, running: bool) -> Iterator[Finding]:
    """The engines start and answer, and the database is at this release's revision.

    A data folder that is still to be made is tried in a temporary one, so that looking leaves nothing behind.
    """
    external = bool(settings.database_url and settings.redis_url)
    fresh = not external and not running and not (settings.market_home / "pg" / "data" / "PG_VERSION").exists()
    with tempfile.TemporaryDirectory(prefix="market-doctor-") as folder:
        tried = settings.model_copy(update={"market_home": Path(folder)}) if fresh else settings
        try:
            with Engines(tried, join=True) as engines:
                yield from _look_at(engines.settings)
                yield _check_revision(engines.settings, fresh=fresh)
        except (EngineError, FolderInUse) as error:
            yield Finding("engines", "failed", error.render("en"), error.render("zh"))


def check_font() -> Finding:
    """The wheels with the typefaces of documents: Chinese, and every other script."""
    missing = [name for package, name in FONT_PACKAGES.items() if not _has_font(package)]
    if not missing:
        names = " + ".join(FONT_PACKAGES.values())
        return Finding("fonts", "ok", names, names)
    names = ", ".join(missing)
    return Finding(
        "fonts",
        "failed",
        f"{names} missing: no document could be drawn",
        f"缺少 {names}：无法绘制发票等文件",
        "Install the project again with its dependencies: uv sync",
        "请重新安装项目及其依赖：uv sync",
    )


def _has_font(package: str) -> bool:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations or [] if spec else []
    return any(path.suffix.lower() in {".ttf", ".otf", ".ttc"} for place in places for path in Path(place).rglob("*"))


def check_pango(load: Callable[[str], object] = ctypes.CDLL) -> Finding:
    """Pango, the one system library needed: WeasyPrint sets documents with it."""
    missing = [names[0] for names in PANGO_NAMES if not _loads(names, load)]
    if not missing:
        return Finding("pango", "ok", "found", "已找到")
    todo = PANGO_COMMANDS[find_system()]
    return Finding(
        "pango",
        "failed",
        f"not found ({', '.join(missing)}): invoices cannot be rendered; everything else works",
        f"未找到（{', '.join(missing)}）：无法生成发票 PDF，其余功能不受影响",
        todo,
        todo,
    )


def find_system() -> str:
    """The family of this operating system, a key of PANGO_COMMANDS (os-release(5): ID, then ID_LIKE)."""
    system = platform.system().lower()
    if system != "linux":
        return system if system in PANGO_COMMANDS else "debian"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "debian"
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".replace("rhel", "fedora").split()
    return next((word for word in words if word in PANGO_COMMANDS), "debian")


def _loads(names: tuple[str, ...], load: Callable[[str], object]) -> bool:
    for name in names:
        try:
            load(name)
        except OSError:
            continue
        return True
    return False


def _look_at(settings: Settings) -> Iterator[Finding]:
    import redis

    from app.embedded.databases import connect

    with connect(settings.database_url or "") as connection:
        row = connection.execute("SELECT current_setting('server_version'), current_user").fetchone()
    shown = f"{row[0]} ({row[1]})" if row else "?"
    yield Finding("postgresql", "ok", shown, shown)
    try:
        with redis.Redis.from_url(settings.redis_url or "", socket_timeout=5.0) as client:
            answer = client.info("server")
        info = dict(answer) if isinstance(answer, dict) else {}
        version = str(info.get("valkey_version") or info.get("redis_version"))
        yield Finding("valkey", "ok", version, version)
    except (redis.RedisError, OSError) as error:
        yield Finding(
            "valkey",
            "failed",
            f"does not answer: {error}",
            f"无响应：{error}",
            "Check REDIS_URL and that the server runs",
            "请检查 REDIS_URL 以及服务是否在运行",
        )


def _check_revision(settings: Settings, *, fresh: bool) -> Finding:
    from app.database_schema import find_revision

    if fresh:
        return Finding("migrations", "ok", "no data yet; `market up` creates it", "尚无数据，`market up` 时创建")
    at, newest = find_revision(settings.database_admin_url or settings.database_url or "")
    if at == newest:
        return Finding("migrations", "ok", f"at {at}", f"版本 {at}")
    return Finding(
        "migrations",
        "failed",
        f"at {at}, this release needs {newest}",
        f"当前 {at}，本版本需要 {newest}",
        "Run: market migrate",
        "请运行：market migrate",
    )
