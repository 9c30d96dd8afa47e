"""Documents made of hostile words: nothing comes in, nothing runs away, and a missing library is an answer."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest

from billing.documents import renderer
from billing.documents.html import invoice_html
from billing.documents.lines import TaxCategory
from billing.documents.model import InvoiceDocument
from billing.documents.renderer import render_pdf
from billing.documents.subprocess_renderer import NICENESS, SubprocessRenderer
from kernel.errors import DomainError, Invalid, Unavailable
from tests.sample_documents import (
    PANGO_MISSING,
    SELLER_CN,
    chinese_invoice,
    credit_note,
    included_line,
    invoice_of,
    pango_is_there,
    seats_line,
    statement,
    untaxed_line,
)

pytestmark = pytest.mark.skipif(not pango_is_there(), reason=PANGO_MISSING)


def text_of(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def streams_of(pdf: bytes) -> Iterator[bytes]:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for thing in opened.objects:
            if isinstance(thing, pikepdf.Stream):
                yield thing.read_bytes()


CANARY = "canary-4f1d9b6c2e"
SHORT = {
    f"{field}: document_text_too_long"
    for field in (
        "cost_centre",
        *("unit", "fiscal_number", "number", "drawer"),
        *("confirmation_number", "order_ref", "purchase_order"),
    )
}


def payloads(canary_file: Path) -> list[str]:
    """Ways in which a name has been known to make a renderer read a file, ask a network or run a script."""
    url = canary_file.as_uri()
    return [
        f'<link rel="attachment" href="{url}">',
        f'<a rel="attachment" href="{url}">x</a>',
        f'<img src="{url}">',
        f"<img src={url} />",
        f'<iframe src="{url}"></iframe>',
        f'<object data="{url}"></object>',
        f'<embed src="{url}">',
        f'<link rel=stylesheet href="{url}">',
        f"<style>@import url({url});</style>",
        f"<style>@font-face{{font-family:x;src:url({url})}}*{{font-family:x}}</style>",
        f"<style>body{{background:url({url})}}</style>",
        f'<style>@page{{@top-left{{content:url("{url}")}}}}</style>',
        f'<svg><image href="{url}"/></svg>',
        f'<svg><use xlink:href="{url}#x"/></svg>',
        f'<svg><foreignObject><iframe src="{url}"/></foreignObject></svg>',
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>',
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}" parse="text"/>',
        f"<?xml-stylesheet href='{url}'?>",
        f'<base href="{url}"><img src="">',
        f'" onload="x" style="background:url({url})',
        f"' style='list-style-image:url({url})",
        f'</td></table><meta http-equiv=refresh content="0;url={url}">',
        f"]]></ram:Name><script>fetch('{url}')</script>",
        f"{{{{ self.__init__.__globals__.__builtins__.open('{canary_file}').read() }}}}",
        f"{{% include '{canary_file}' %}}",
        f"${{open('{canary_file}').read()}}#{{7*7}}",
        "{{7*7}}<%= 7*7 %>",
        "<script>document.write('x')</script>",
        f"javascript:fetch('{url}')",
        f"@import '{url}';/*",
        "asset:font\u0000<img src=http://127.0.0.1:9/x>",
        f"<form action='{url}'><input name=a></form>",
    ]


def everywhere(payload: str) -> tuple[InvoiceDocument, list[str]]:
    """An invoice with the payload in every text field, and the fields that would not take it."""

    def filled(record: Any, **kept: Any) -> Any:
        for field in fields(record):
            if field.type != "str" or field.name in kept or field.name in {"country", "currency", "unit_code"}:
                continue
            try:
                record = replace(record, **{field.name: payload})
            except Invalid as refusal:
                refused.append(f"{field.name}: {refusal.code}")
        return record

    refused: list[str] = []
    party = replace(filled(SELLER_CN), address_lines=(payload[:200], "x"))
    line = filled(seats_line())
    document = filled(chinese_invoice(period=None), verification_url="")
    original = replace(filled(credit_note().original), issued_on=date(2026, 1, 1))
    document = replace(
        document,
        kind=credit_note().kind,
        original=original,
        paid_minor=0,
        seller=party,
        buyer=party,
        lines=(line,),
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
    )
    return document, refused


@pytest.fixture(scope="module")
def canary_file() -> Iterator[Path]:
    # A short path: pytest's own are longer than some fields take.
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        path = Path(folder) / "c"
        path.write_text(CANARY)
        yield path


class TestNothingComesIn:
    @pytest.mark.parametrize("index", range(32))
    def test_a_payload_in_every_field_brings_no_byte_of_the_canary(self, canary_file: Path, index: int) -> None:
        payload = payloads(canary_file)[index]
        document, refused = everywhere(payload)
        # Only the shortest fields, of 40 to 80 characters, may be too small for a payload.
        assert set(refused) <= SHORT
        assert payload.replace("\0", "") in document.seller.legal_name + document.remarks
        pdf = render_pdf(document)
        for stream in streams_of(pdf):
            assert CANARY.encode() not in stream
            assert CANARY.encode("utf-16-be") not in stream
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert list(opened.attachments) == ["factur-x.xml"]
            assert all("/Annots" not in page for page in opened.pages)
        text = "".join(text_of(pdf))
        assert CANARY not in text
        assert "49" not in text or "{{7*7}}" not in payload

    def test_there_are_thirty_or_more(self, tmp_path: Path) -> None:
        assert len(set(payloads(tmp_path))) == 32

    @pytest.mark.parametrize(
        "address", ["file:///etc/passwd", "http://127.0.0.1:9/x", "data:text/css,*{}", "asset:else"]
    )
    def test_a_page_that_asks_for_more_is_not_drawn(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:

        def tampered(document: InvoiceDocument) -> Any:
            paper = invoice_html(document)
            return replace(paper, html=paper.html.replace("</body>", f'<img src="{address}"></body>'))

        monkeypatch.setattr(renderer, "invoice_html", tampered)
        with pytest.raises(DomainError, match="document_asset_refused"):
            render_pdf(chinese_invoice())


class _Touch:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self._mark),)


class TestAtArmsLength:
    def test_the_child_draws_the_same_and_is_kept(self) -> None:
        with SubprocessRenderer() as isolated:
            assert isolated.render(chinese_invoice(), 60) == render_pdf(chinese_invoice())
            child = isolated._child
            assert isolated.render(statement(), 60) == render_pdf(statement())
            assert isolated._child is child

    @pytest.mark.parametrize("niceness", [0, NICENESS])
    def test_the_child_lets_others_go_first(self, niceness: int) -> None:
        with SubprocessRenderer(niceness=niceness) as isolated:
            isolated.render(statement(), 60)
            child = isolated._child
            assert child is not None
            own = os.getpriority(os.PRIO_PROCESS, 0)
            assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(own + niceness, 19)

    def test_a_runaway_is_killed_and_the_next_document_is_drawn(self) -> None:
        endless = invoice_of(*(included_line("字" * 300, 10_000 + i, description="字" * 1000) for i in range(2000)))
        with SubprocessRenderer() as isolated:
            assert isolated.render(chinese_invoice(), 60)
            child = isolated._child
            assert child is not None
            with pytest.raises(Unavailable, match="document_render_timeout"):
                isolated.render(endless, 0.5)
            assert child.returncode is not None
            assert isolated.render(chinese_invoice(), 60) == render_pdf(chinese_invoice())

    def test_a_child_that_died_is_an_error_not_a_wait(self) -> None:
        with SubprocessRenderer() as isolated:
            isolated.render(statement(), 60)
            assert isolated._child is not None
            isolated._child.kill()
            isolated._child.wait()
            assert isolated.render(statement(), 60)

    def test_an_idle_child_ends_and_the_next_document_has_another(self) -> None:
        with SubprocessRenderer(idle_s=0.01) as isolated:
            assert isolated.render(statement(), 60)
            rest = isolated._rest
            assert rest is not None
            rest.join(60)
            assert isolated._child is None
            assert isolated.render(statement(), 60) == render_pdf(statement())

    def test_a_refusal_crosses_as_itself(self) -> None:
        price, net = Decimal(10**13), 10**18
        line = replace(
            untaxed_line("all there is", TaxCategory.ZERO, 1),
            quantity=Decimal(10**5),
            unit_price_minor=price,
            net_minor=net,
            gross_minor=net,
        )
        with SubprocessRenderer() as isolated, pytest.raises(Invalid) as refusal:
            isolated.render(invoice_of(line), 60)
        assert (refusal.value.code, refusal.value.field) == ("amount_out_of_range", "amount_minor")

    @pytest.mark.parametrize("kind", [b"\0", b"\1", b"R", b"D"])
    def test_a_child_taken_over_gives_its_parent_nothing_to_run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: bytes
    ) -> None:
        """In the place of the interpreter stands a program that answers with an object which runs when it is read."""
        bomb = pickle.dumps(_Touch(tmp_path / "taken"))
        length = 1 << 50 if kind == b"D" else len(bomb)
        (tmp_path / "answer").write_bytes(kind + struct.pack(">Q", length) + bomb)
        taken = tmp_path / "child"
        taken.write_text(f"#!/bin/sh\ncat {tmp_path / 'answer'}\nsleep 60\n")
        taken.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(taken))
        with SubprocessRenderer() as isolated, pytest.raises(Unavailable, match="document_render_failed"):
            isolated.render(chinese_invoice(), 10)
        assert not (tmp_path / "taken").exists()

    @pytest.mark.parametrize(
        "deed",
        [
            "import socket; socket.create_connection(('127.0.0.1', 9))",
            "import subprocess; subprocess.run(['true'])",
            "import os; os.system('true')",
            "open('forbidden.txt', 'w')",
        ],
    )
    def test_the_child_may_not(self, deed: str, tmp_path: Path) -> None:
        program = f"from kernel.isolation import forbid; forbid('renderer')\n{deed}"
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TMPDIR": str(tmp_path)}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
        assert run.returncode == 1
        assert b"PermissionError: a renderer" in run.stderr


def test_a_missing_pango_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    uncached: Callable[[], Any] = renderer._weasyprint.__wrapped__
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(Unavailable, match="renderer_unavailable"):
        uncached()
