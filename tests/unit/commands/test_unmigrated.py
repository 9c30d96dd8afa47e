"""A command on a database without tables says what to do; any other fault keeps its traceback."""

from __future__ import annotations

import psycopg.errors
import pytest
from sqlalchemy.exc import DBAPIError

from app import cli


def raised(kind: type[psycopg.Error]) -> DBAPIError:
    return DBAPIError.instance("SELECT", None, kind("x"), psycopg.Error, dialect=None)  # type: ignore[return-value]


@pytest.mark.parametrize(
    "kind", [psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName]
)
def test_what_is_not_migrated_is_told_in_one_line(
    kind: type[psycopg.Error], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise raised(kind)

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setenv("LC_ALL", "en")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.UNUSABLE
    said = capsys.readouterr().err
    assert "market migrate" in said
    assert "Traceback" not in said


def test_another_fault_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise raised(psycopg.errors.UniqueViolation)

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(DBAPIError):
        cli.main()
