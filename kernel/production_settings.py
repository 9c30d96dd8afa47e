"""What production mode wants of the settings beyond what each of them says by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kernel.settings_error import SettingProblem

if TYPE_CHECKING:
    from kernel.settings import Settings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  # compared with, never bound


def production_problems(settings: Settings) -> list[SettingProblem]:
    """Every reason why `settings` are refused in production, where nothing is guessed."""
    needed: dict[str, object] = {
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "STORAGE_URL": settings.storage_url,
        "BASE_URL": settings.base_url,
        "SMTP_URL": settings.smtp_url,
        "MAIL_FROM": settings.mail_from,
    }
    problems = [SettingProblem.missing(name) for name, value in needed.items() if not value]
    if settings.base_url:
        address = urlsplit(settings.base_url)
        if address.scheme != "https" or not address.hostname or address.hostname in LOOPBACK_NAMES:
            problems.append(
                SettingProblem(
                    "BASE_URL",
                    "must be a public https:// address in production",
                    "生产模式下必须是公网可访问的 https:// 地址",
                )
            )
    if "sandbox" in settings.payment_gateways:
        problems.append(
            SettingProblem(
                "PAYMENT_GATEWAYS",
                "the sandbox gateway moves no money and is refused in production; name stripe",
                "sandbox 网关不产生真实收款，生产模式下不可用；请改为 stripe",
            )
        )
    if not settings.payment_gateways:
        problems.append(SettingProblem.missing("PAYMENT_GATEWAYS"))
    key = settings.stripe_api_key.get_secret_value() if settings.stripe_api_key else ""
    if "_test_" in key or urlsplit(settings.stripe_base_address).scheme != "https":
        problems.append(
            SettingProblem(
                "STRIPE_API_KEY",
                "is a test key, or STRIPE_BASE_ADDRESS is not https; production needs a live key",
                "是测试密钥，或 STRIPE_BASE_ADDRESS 不是 https；生产模式需要正式密钥",
            )
        )
    if settings.database_url and settings.database_url == settings.database_admin_url:
        problems.append(
            SettingProblem(
                "DATABASE_URL",
                "must name another role than DATABASE_ADMIN_URL: the owner of the tables must not serve requests",
                "不能与 DATABASE_ADMIN_URL 使用同一角色：表的所有者不得用于对外服务",
            )
        )
    return problems
