"""`market openapi`: the checked-in OpenAPI document, written or compared."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

from app.console import choose, console
from kernel.settings import load_settings

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def run(*, check: bool) -> int:
    """Write the document, or with `check` show how the routes differ from it; 1 when they do."""
    text = render()
    if not check:
        DOCUMENT.write_text(text, "utf-8")
        return 0
    known = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    difference = list(difflib.unified_diff(known.splitlines(), text.splitlines(), "docs/openapi.json", "routes", n=1))
    for line in difference[:200]:
        console.print(line, markup=False, highlight=False)
    if difference:
        console.print(
            choose(
                "The API differs from docs/openapi.json. If that is meant, run `market openapi` and commit the file.",
                "接口与 docs/openapi.json 不一致。如属有意改动，请运行 `market openapi` 并提交该文件。",
            )
        )
    return 1 if difference else 0


def render() -> str:
    """The document of this release as stable JSON."""
    document = build()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def build() -> dict[str, Any]:
    """The document from the routes. Needs no database: nothing is connected before the first request."""
    from api.app import create_app
    from api.openapi import openapi_document
    from app.composition import compose

    settings = load_settings(database_url="postgresql+psycopg://nobody@localhost/none", market_mode="sandbox")
    services = compose(settings)
    try:
        return openapi_document(create_app(services))
    finally:
        services.db.dispose()
