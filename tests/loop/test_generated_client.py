"""The contract in other people's hands: a generated client signs in, looks at the feed, asks for a price and buys."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from app.commands.openapi import DOCUMENT, build
from kernel.ids import uuid7
from tests.api_server import serving
from tests.contract_tools import TOOLS, needs_tools, run
from tests.factories_marketplace import PASSWORD
from tests.loop_stage import Stage

PACKAGE = "generated_market_client"
FILES = (
    *(
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "application/zip",
        "application/pdf",
        "application/xml",
    ),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/offset+octet-stream",  # of tus: a piece of a file
)

pytestmark = [pytest.mark.conformance, pytest.mark.slow]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a client made from the checked-in document, none of which the generator left out."""
    folder = tmp_path_factory.mktemp("generated") / PACKAGE
    # The generator knows no media type of files by itself; and nothing of it has to be pretty.
    told = ConfigFile(content_type_overrides=dict.fromkeys(FILES, "application/octet-stream"), post_hooks=[])
    config = Config.from_sources(told, MetaType.NONE, DOCUMENT, "utf-8", overwrite=False, output_path=folder)
    complaints = generate(config=config)
    assert [(problem.header, problem.detail) for problem in complaints] == []
    sys.path.insert(0, str(folder.parent))
    yield folder
    sys.path.remove(str(folder.parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def part(name: str) -> ModuleType:
    """A module of the client."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def test_every_operation_and_schema_has_its_code(generated: Path) -> None:
    document = build()
    operations = {operation["operationId"] for item in document["paths"].values() for operation in item.values()}
    assert {file.stem for file in (generated / "api").glob("*/*.py")} - {"__init__"} == operations
    for file in generated.rglob("*.py"):
        importlib.import_module(".".join((PACKAGE, *file.relative_to(generated).with_suffix("").parts)))
    models = part("models")
    assert [name for name in document["components"]["schemas"] if not hasattr(models, name)] == []


def test_it_signs_in_reads_the_feed_asks_for_a_price_and_buys(generated: Path, stage: Stage) -> None:
    models = part("models")

    def ask(name: str, client: Any, status: int, **arguments: Any) -> Any:
        answer = part(f"api.{name}").sync_detailed(client=client, **arguments)
        assert answer.status_code == status, answer.content
        return answer.parsed

    # Over plain HTTP, as on one's own machine: a session's cookie of an https address would not be sent back.
    settings = stage.services.settings.model_copy(update={"base_url": ""})
    with serving(replace(stage.services, settings=settings)) as address:
        client = part("client").Client(base_url=address, raise_on_unexpected_status=True)
        credentials = models.SignInBody(email=stage.buyer.email, password=PASSWORD)
        session = ask("people.post_v1_session", client, 201, body=credentials)
        # `with_headers` would begin anew, without the session's cookie.
        client.get_httpx_client().headers["X-CSRF-Token"] = session.csrf

        feed = ask("content.get_v1_feed", client, 200, limit=100)
        video = next(item for item in feed.items if item.id == stage.video)
        card = next(card for card in video.cards if card.plan_id == stage.seat_plan)

        wanted = models.QuoteIn(plan_id=card.plan_id, quantity=20, video_id=video.id, placement_id=card.placement_id)
        quote = ask("buying.post_v1_quotes", client, 201, body=wanted)
        assert quote.gross.amount > 0

        accepted = models.PurchaseIn(quote_id=quote.id, billing_profile_id=stage.profile, payment_method="sbx_ok")
        bought = ask("buying.post_v1_purchases", client, 201, body=accepted, idempotency_key=str(uuid7()))
    assert (bought.state, bought.gross) == ("paid", quote.gross)


@needs_tools
def test_one_for_typescript_does_the_same(stage: Stage, tmp_path: Path) -> None:
    for name in ("package.json", "tsconfig.json", "buy.ts"):
        shutil.copy(TOOLS / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    # What has a default may be left out of a body.
    market = str(tmp_path / "market.ts")
    run("openapi-typescript", str(DOCUMENT), "--default-non-nullable=false", "--output", market)
    run("tsc", "-p", str(tmp_path))
    # Over plain HTTP, as on one's own machine: a session's cookie of an https address would not be sent back.
    settings = stage.services.settings.model_copy(update={"base_url": ""})
    with serving(replace(stage.services, settings=settings)) as address:
        given = (address, stage.buyer.email, PASSWORD, str(stage.seat_plan), str(stage.profile))
        told = json.loads(run(str(tmp_path / "buy.ts"), *given, folder=tmp_path).splitlines()[0])
    assert (told["state"], told["paid"]) == ("paid", told["quoted"])
    assert told["paid"] > 0
