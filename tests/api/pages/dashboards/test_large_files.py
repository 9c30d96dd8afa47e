"""A file that is too large: the form's own page says so, with everything that was typed; a program is told by a code."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import UploadFile

from api.pages.frame import sent_form
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from marketplace.access.authenticate import csrf_of
from marketplace.catalog.draft_listing import DraftListing, draft_listing
from marketplace.catalog.prepare_image import MAX_BYTES
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.event_loop import run_async
from tests.factories_marketplace import words

LARGE = b"\x00" * (MAX_BYTES + 100_000)


@pytest.fixture
def draft(dashboards: Dashboards) -> UUID:
    with unit_of_work(dashboards.stage.services.db, dashboards.stage.seller.owner) as uow:
        return draft_listing(uow, DraftListing("saas", "hr", f"large-{uuid7().hex[-10:]}", words())).id


def send(visitor: Visitor, path: str, name: str, **fields: str) -> Any:
    return visitor.post(path, {name: ("large.bin", LARGE, "application/octet-stream")}, **fields)


class TestThePageSaysSo:
    def test_of_a_picture(self, dashboards: Dashboards, draft: UUID) -> None:
        refused = send(dashboards.seller, f"/seller/listings/{draft}/images", "file")
        assert refused.status_code == 413
        assert "10 MB" in text_of(refused)
        assert f'action="/seller/listings/{draft}/images"' in refused.text

    def test_of_terms_with_what_was_typed(self, dashboards: Dashboards, draft: UUID) -> None:
        fields = {"version": "春季版", "text": "按季付费", "text_en": "By the quarter"}
        refused = send(dashboards.seller, f"/seller/listings/{draft}/terms", "document", **fields)
        assert refused.status_code == 413
        for typed in fields.values():
            assert typed in refused.text, typed
        assert "10 MB" in text_of(refused)

    @pytest.mark.parametrize("path", ["/seller/start/legal", "/organization/verification"])
    def test_of_a_licence(self, dashboards: Dashboards, path: str) -> None:
        _, beginner = dashboards.new_organization(seller=True)
        refused = send(beginner, path, "file")
        assert refused.status_code in {413, 422}
        assert "10 MB" in text_of(refused)
        assert f'action="{path}"' in refused.text

    def test_of_a_body_that_nobody_reads_to_its_end(
        self, dashboards: Dashboards, draft: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sent_form, "MOST_READ_BYTES", len(LARGE) - 50_000)
        fields = {"version": "夏季版", "text": "按年付费", "text_en": ""}
        refused = send(dashboards.seller, f"/seller/listings/{draft}/terms", "document", **fields)
        assert (refused.status_code, "夏季版" in refused.text) == (413, True)

    def test_a_form_of_somebody_else_is_refused_as_before(self, dashboards: Dashboards, draft: UUID) -> None:
        files = {"file": ("large.bin", LARGE, "image/png")}
        path = f"/seller/listings/{draft}/images"
        assert dashboards.seller.post(path, files, csrf="x").status_code == 403
        assert send(dashboards.buyer, path, "file").status_code == 404

    def test_what_is_typed_has_its_bound(self, dashboards: Dashboards, draft: UUID) -> None:
        path = f"/seller/listings/{draft}/terms"
        for files in ({"document": ("x.pdf", b"x", "application/pdf")}, None):
            assert dashboards.seller.post(path, files, text="x" * 1_100_000).status_code == 413


@pytest.mark.parametrize("path", ["images/upload", "terms/upload"])
def test_a_program_is_told_by_a_code(dashboards: Dashboards, draft: UUID, path: str) -> None:
    headers = {
        "Cookie": f"__Host-session={dashboards.seller.cookie}",
        "X-CSRF-Token": csrf_of(dashboards.seller.cookie),
    }
    files = {"file": ("large.bin", LARGE, "application/pdf")}
    refused = dashboards.seller.client.post(f"/v1/listings/{draft}/{path}", files=files, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "application/problem+json")
    assert refused.json()["code"] == "body_too_large"


@given(
    st.binary(max_size=300), st.integers(0, 200), st.integers(1, 50), st.text(st.characters(codec="utf-8"), max_size=60)
)
def test_a_file_is_cut_a_byte_over_its_bound_and_nothing_else_is(
    content: bytes, bound: int, step: int, typed: str
) -> None:
    text = typed.encode()
    body = (
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + text + b"\r\n--b\r\n"
        b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + content + b"\r\n--b--\r\n"
    )
    if b"\r\n--b" in content or b"\r\n--b" in text:
        return

    async def chunks() -> Any:
        for at in range(0, len(body), step):
            yield body[at : at + step]

    async def read() -> tuple[str, bytes]:
        (_, said), (_, file) = await sent_form._multipart(chunks(), b"b", bound)
        assert isinstance(file, UploadFile)
        return str(said), await file.read()

    assert run_async(read()) == (typed, content[: bound + 1])
