"""`market demo`: the whole loop once, on a fresh market of its own, with the evidence of every step."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape

from app.commands.verify import check as check_all
from app.console import choose, console, results
from app.demo.demo_session import DemoSession, Evidence, check
from app.demo.gateway_player import PLAYERS, DemoGateway
from app.demo.outcome import DemoReport, DemoStep, StepFailed
from app.demo.relations import RelationsStory
from app.demo.story import DemoStory
from app.embedded.supervisor import StartFailed, Stopped, Supervisor
from app.process_plan import ProcessPlan, read_outcome, stripe_environment
from app.sample.scenes import generate_scenes
from kernel.money import to_decimal
from kernel.settings import Settings, load_settings

SCENE = "recruiting"
DemoAct = Literal["loop", "relations"]
DemoStepWork = tuple[str, Callable[[], Evidence]]
"""Name of a step, and what does it and returns its evidence."""


def run(
    *,
    video: Path | None,
    as_json: bool,
    gateway: DemoGateway = "sandbox",
    short: bool = False,
    act: DemoAct = "loop",
) -> int:
    """Run the demo; 0 when every step was as it should be. The documents stay in the folder that is printed.

    `gateway`: through which money comes and goes. Stripe is this machine's own, a process of its own.
    `short`: without the second year. `act`: the loop, or its second act, of organizations that know each other.
    """
    if video is not None and not video.is_file():
        console.print(choose(f"No such file: {video}", f"没有这个文件：{video}"), markup=False)
        return 2
    begun_s = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="market-demo-"))
    outcome = DemoReport()
    try:
        _drive(folder, video, outcome, as_json=as_json, gateway=gateway, short=short, act=act)
    except Stopped:
        return 130
    except StartFailed as failure:
        console.print(choose(failure.en, failure.zh), markup=False)
        return 1
    finally:
        outcome.seconds = int(time.monotonic() - begun_s)
        if outcome.ok:
            # The documents stay; the market they came from is only kept where something went wrong in it.
            shutil.rmtree(folder / "market", ignore_errors=True)
    if as_json:
        print(json.dumps({"ok": outcome.ok, **asdict(outcome)}, ensure_ascii=False))  # noqa: T201
    else:
        _print_end(outcome, folder)
    return 0 if outcome.ok else 1


def _drive(
    folder: Path,
    video: Path | None,
    outcome: DemoReport,
    *,
    as_json: bool,
    gateway: DemoGateway,
    short: bool,
    act: DemoAct,
) -> None:
    stripe_port = _free_port() if gateway == "stripe" else None
    stripe = {name.lower(): value for name, value in stripe_environment(stripe_port).items()} if stripe_port else {}
    settings = load_settings(
        market_home=folder / "market",
        port=_free_port(),
        sample_seller_port=_free_port(),
        database_url=None,
        database_admin_url=None,
        redis_url=None,
        sample_history="off",
        **stripe,
    )
    settings.market_home.mkdir(parents=True)

    def tell(en: str, zh: str) -> None:
        console.print(f"[dim]{escape(choose(en, zh))}[/dim]")

    with Supervisor(settings, tell, ProcessPlan(settings, local_stripe_port=stripe_port)) as market:
        sign_ins = read_outcome(settings).sign_ins
        chosen = video or next(
            scene.path for scene in generate_scenes(settings.market_home / "scenes") if scene.key == SCENE
        )
        seller_url = f"http://127.0.0.1:{settings.sample_seller_port}"
        given = (settings.public_url, seller_url, sign_ins[0].password, chosen, folder, PLAYERS[gateway])
        verified: DemoStepWork = ("verify", partial(_verify, market.settings, seller_url))
        story: DemoSession
        if act == "relations":
            relations = RelationsStory(*given)
            story, steps = relations, [*relations.steps(), verified]
        else:
            loop = DemoStory(*given)
            story, steps = loop, [*loop.steps(short=short), verified]
        _tell_story(steps, outcome, partial(_print_step, console if as_json else results))
        _look_after(story, outcome, folder)


def _verify(settings: Settings, seller_url: str) -> Evidence:
    """Everything that was stored holds together, and with what the seller's own process wrote down."""
    report = check_all(settings, seller_logs=[seller_url])
    broken = {
        one.name: [dict(example) for example in one.found.examples] for one in report.outcomes if one.found.violations
    }
    check(report.ok, "every rule holds", broken)
    return {"rules": len(report.outcomes), "broken": 0}


def _tell_story(steps: Sequence[DemoStepWork], outcome: DemoReport, tell: Callable[[DemoStep], None]) -> None:
    for name, step in steps:
        begun_s = time.monotonic()
        try:
            evidence, ok = step(), True
        except StepFailed as failure:
            evidence, ok = {"problem": str(failure), **failure.evidence}, False
        except Exception as error:  # noqa: BLE001 - whatever went wrong is the step's evidence
            evidence, ok = {"problem": f"{type(error).__name__}: {error}"}, False
        done = DemoStep(name, ok, int((time.monotonic() - begun_s) * 1000), evidence)
        outcome.steps.append(done)
        tell(done)
        if not ok:
            return


def _look_after(story: DemoSession, outcome: DemoReport, folder: Path) -> None:
    for person in story.people.values():
        person.close()
    for attribute, name in (("invoice_pdf", "invoice.pdf"), ("credit_note_pdf", "credit-note.pdf")):
        if (folder / name).exists():
            setattr(outcome, attribute, str(folder / name))
    outcome.trace = story.facts.get("trace")


def _print_step(to: Console, step: DemoStep) -> None:
    mark = "[green]✓[/green]" if step.ok else "[red]✗[/red]"
    to.print(f"{mark} [bold]{step.name}[/bold]  [dim]{step.ms} ms[/dim]")
    for key, value in step.evidence.items():
        to.print(f"    [dim]{key}[/dim]  {escape(_short(value))}")


def _short(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return f"{to_decimal(value['amount'], value['currency'])} {value['currency']}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"


def _print_end(outcome: DemoReport, folder: Path) -> None:
    good = sum(step.ok for step in outcome.steps)
    results.print(
        choose(
            f"{good} of {len(outcome.steps)} steps as they should be, {outcome.seconds} s. Documents: {folder}",
            f"{len(outcome.steps)} 个步骤中 {good} 个符合预期，用时 {outcome.seconds} 秒。文件位于 {folder}",
        ),
        markup=False,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
