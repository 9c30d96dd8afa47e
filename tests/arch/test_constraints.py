"""Every installed version is pinned in pyproject.toml, and the script that renews the pins writes what it should."""

import importlib.machinery
import importlib.metadata
import importlib.util
import re
import tomllib
from types import ModuleType

import pytest

from tests.arch.rules.source import ROOT


@pytest.fixture(scope="module")
def renew() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("renew_constraints", str(ROOT / ".ci/renew-constraints"))
    spec = importlib.util.spec_from_loader("renew_constraints", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def normal(name: str) -> str:
    """A project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_installed_version_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = [pin.split(";")[0].strip() for pin in project["tool"]["uv"]["constraint-dependencies"]]
    installed = {
        f"{normal(found.name)}=={found.version}"
        for found in importlib.metadata.distributions()
        if normal(found.name) != project["project"]["name"]
    }
    assert len(installed) > 100
    assert sorted(installed - set(pins)) == [], "run .ci/renew-constraints --keep"


def test_every_pin_is_one_exact_version() -> None:
    uv = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    pins = uv["constraint-dependencies"] + uv["build-constraint-dependencies"]
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[\w.+!]+( ; [^;]+)?", pin)] == []


def test_an_array_is_replaced_and_the_rest_left(renew: ModuleType) -> None:
    before = '[tool.uv]\na-dependencies = [\n  "old==1",\n]\nb-dependencies = [\n]\n[x]\n'
    after = renew.with_array(before, "a-dependencies", ["new==2", "other==3"])
    assert after == '[tool.uv]\na-dependencies = [\n  "new==2",\n  "other==3",\n]\nb-dependencies = [\n]\n[x]\n'
    assert renew.with_array(after, "a-dependencies", ["old==1"]) == before


def test_an_array_that_is_not_there_is_said_to_be_missing(renew: ModuleType) -> None:
    with pytest.raises(ValueError, match="expected one array `constraint-dependencies`, found 0"):
        renew.with_array("[tool.uv]\n", "constraint-dependencies", [])


def test_a_marker_is_kept_only_where_it_chooses_a_version(renew: ModuleType) -> None:
    exported = (
        "# a comment\n-e .\nav==18.1 ; python_full_version < '3.12'\nav==19.0 ; python_full_version >= '3.12'\n"
        'colorama==0.4.6 ; sys_platform == "win32"\nrich==15.0.0\n'
    )
    assert renew.pins_of(exported) == [
        "av==18.1 ; python_full_version < '3.12'",
        "av==19.0 ; python_full_version >= '3.12'",
        "colorama==0.4.6",
        "rich==15.0.0",
    ]
