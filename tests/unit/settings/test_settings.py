"""Settings: one documented table, refusals that list everything, and the sandbox's key."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from kernel.settings import Settings, find_problems, load_settings
from kernel.settings_error import SettingsError
from kernel.settings_page import render_settings_page

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
REAL = {
    "market_mode": "production",
    "secret_key": SecretStr(KEY),
    "database_url": "postgresql://app:x@db/market",
    "redis_url": "redis://bell:6379/0",
    "storage_url": "s3://bucket",
    "base_url": "https://market.example.com",
    "smtp_url": "smtps://market:secret@mail.example.com",
    "mail_from": "no-reply@example.com",
    "payment_gateways": ("stripe",),
    "stripe_api_key": SecretStr("sk_live_x"),
    "stripe_webhook_secret": SecretStr("whsec_x"),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def names(error: SettingsError) -> set[str]:
    return {problem.name for problem in error.problems}


def test_the_page_is_the_one_generated_from_the_code() -> None:
    page = Path(__file__).parents[3] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == render_settings_page()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_sandbox_needs_nothing() -> None:
    settings = load_settings()
    assert settings.market_home == Path.cwd() / ".market"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.object_store_url == f"{(Path.cwd() / '.market' / 'storage').as_uri()}"
    assert settings.allowed_outbound == {"127.0.0.1:8010"}


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(load_settings(), "port", 1)  # noqa: B010  # written plainly, mypy refuses it already


def test_production_lists_every_problem_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_MODE", "production")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    needed = {
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "STORAGE_URL",
        "BASE_URL",
        "SMTP_URL",
        "MAIL_FROM",
        "PAYMENT_GATEWAYS",
    }
    assert names(caught.value) == needed
    for language in ("en", "zh"):
        assert all(name in caught.value.render(language) for name in needed)


def test_production_accepts_real_settings() -> None:
    assert load_settings(**REAL).is_production


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"smtp_url": "http://mail.example.com"}, "SMTP_URL"),
        ({"dns_resolvers": "dns.example"}, "DNS_RESOLVERS"),
        ({"mail_from": "Market <no-reply@example.com>"}, "MAIL_FROM"),
        ({"base_url": "http://market.example.com"}, "BASE_URL"),
        ({"base_url": "https://localhost"}, "BASE_URL"),
        ({"payment_gateways": ("stripe", "sandbox")}, "PAYMENT_GATEWAYS"),
        ({"payment_gateways": ()}, "PAYMENT_GATEWAYS"),
        ({"fapiao_issuer": "sandbox"}, "FAPIAO_ISSUER"),
        ({"secret_key": SecretStr("changeme")}, "SECRET_KEY"),
        ({"secret_key": SecretStr(base64.urlsafe_b64encode(b"a" * 32).decode())}, "SECRET_KEY"),
        ({"stripe_api_key": SecretStr("sk_test_1")}, "STRIPE_API_KEY"),
        ({"stripe_webhook_secret": None}, "STRIPE_WEBHOOK_SECRET"),
        ({"database_admin_url": "postgresql://app:x@db/market"}, "DATABASE_URL"),
    ],
)
def test_production_refuses(change: dict[str, object], culprit: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{**REAL, **change})
    assert culprit in names(caught.value)


def test_a_value_that_cannot_be_read_names_its_variable_and_not_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("DATABASE_URL", "mysql://root:hunter2@db/x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert names(caught.value) == {"PORT", "DATABASE_URL"}
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(load_settings(**REAL))
    assert KEY not in shown
    assert "app:x" not in shown


def test_plain_postgres_addresses_get_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for plain in ("postgres", "postgresql", "postgresql+psycopg"):
        monkeypatch.setenv("DATABASE_URL", f"{plain}://app:x@db/market")
        assert load_settings().database_url == "postgresql+psycopg://app:x@db/market"


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOWED", "10.0.0.1:80, seller.internal:443")
    assert load_settings().allowed_outbound == {"10.0.0.1:80", "seller.internal:443", "127.0.0.1:8010"}


def test_the_sandbox_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = Settings(market_home=tmp_path / "home")
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.key_encryption_key(), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE((tmp_path / "home" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret.key"]


def test_the_given_key_wins(tmp_path: Path) -> None:
    settings = Settings(market_home=tmp_path, secret_key=SecretStr(KEY))
    assert settings.key_encryption_key() == bytes(range(32))
    assert not list(tmp_path.iterdir())


def test_production_never_makes_a_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Settings(market_home=tmp_path, market_mode="production").key_encryption_key()
    assert not list(tmp_path.iterdir())


def test_a_bad_key_is_found_in_the_sandbox_too() -> None:
    assert [problem.name for problem in find_problems(Settings(secret_key=SecretStr("short")))] == ["SECRET_KEY"]
