"""The table of every setting, for people: `python -m kernel.settings_page` writes `docs/settings.md`."""

from __future__ import annotations

from pathlib import Path

from kernel.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"


def render_settings_page() -> str:
    """The text of `docs/settings.md`: one table of every setting, its default and what it means."""
    lines = [
        "# Settings",
        "",
        "Generated from `kernel/settings.py` by `python -m kernel.settings_page`; do not edit by hand.",
        "",
        "Every setting is an environment variable. In sandbox mode all have a working default. In production mode",
        "`SECRET_KEY`, `DATABASE_URL`, `REDIS_URL`, `STORAGE_URL`, `BASE_URL` (https), `SMTP_URL`, `MAIL_FROM` and",
        "`PAYMENT_GATEWAYS` (without `sandbox`) must be given; a start without them lists every one that is missing or unsafe.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        shown = f"`{default}`" if default not in (None, "") else "—"
        lines.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render_settings_page())
