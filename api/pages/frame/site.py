"""The frame of page handlers: who visits, what surrounds the page, how forms come in and redirects go out.

A handler takes `page_request: Visit` (and `form: Form` when it receives one), reads or acts in `page_request.work()`, and returns
`page_request.render(view)` or `page_request.redirect(path)`. Both are dependencies of the application; see `api/app.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from litestar import MediaType, Response, get, post
from litestar.datastructures import Cookie, UploadFile
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from api.auth import SAFE, is_own_token, refuse_other_organization
from api.context import Services
from api.csrf import cover_token, is_token, page_token
from api.language import Language, language_of
from api.origin import referring_path
from api.pages.frame.followed import carry_over
from api.pages.frame.formats import Formats
from api.pages.frame.rendering import Chrome, FlashMessage, OrganizationChoice, View, render
from api.pages.frame.sent_form import read_form
from api.pages.frame.sidebar import NO_SIDEBAR, Sidebar, sidebar_of
from api.pages.frame.translations import translations
from api.pages.frame.typed_numbers import find_whole, whole_number
from api.request import ApiRequest
from kernel import clock, sandbox_history
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.principal import Principal
from marketplace.access.authenticate import SignedIn

T = TypeVar("T")

FORM_COOKIE = "form"
NOTICE_COOKIE = "notice"
TIME_ZONE = "Asia/Shanghai"
"""Of a visitor who has not signed in."""
_NOTICE_S = 60
NOT_INDEXED: Mapping[str, str] = {"X-Robots-Tag": "noindex"}
"""Of pages that search engines are not to keep: what belongs to a video beside itself, and what its link alone opens."""


@dataclass(frozen=True, slots=True)
class Form:
    """A page's form that has proved to be ours. Values are trimmed and free of control characters."""

    values: Mapping[str, str]
    files: Mapping[str, UploadFile]
    csrf: str = field(default="", repr=False)

    def text(self, name: str, *, most: int = 500) -> str:
        """A field, empty when it was not sent. Raises Invalid(`text_too_long`) beyond `most` characters."""
        value = self.values.get(name, "")
        if len(value) > most:
            raise Invalid("text_too_long", field=name, limit=most)
        return value

    def number(self, name: str, *, least: int = 0, most: int = 1_000_000_000) -> int:
        """A whole number in bounds. Raises Invalid(`number_out_of_range`) otherwise."""
        return whole_number(self.values.get(name, ""), field=name, least=least, most=most)

    def has_file(self, name: str) -> bool:
        """Whether a file was chosen."""
        found = self.files.get(name)
        return found is not None and bool(found.filename)

    def file(self, name: str) -> UploadFile:
        """An uploaded file. Raises Invalid(`validation_failed`) when none was chosen."""
        found = self.files.get(name)
        if found is None or not found.filename:
            raise Invalid("validation_failed", field=name)
        return found


class PageRequest:
    """One request for a page: who, in which language, with what at hand.

    Who visits is looked up when the page first asks, in the transaction in which it then works (`api/request.py`).
    """

    def __init__(self, request: ApiRequest) -> None:
        self.request = request
        self.services = request.services
        self.language: Language = language_of(request)
        self._own_token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
        self._sidebar: Sidebar | None = None

    @property
    def principal(self) -> Principal:
        """The visitor as an actor."""
        return self.request.principal

    @property
    def signed_in(self) -> SignedIn | None:
        """The visitor as a person, None before signing in."""
        return self.request.signed_in

    @property
    def _token(self) -> str:
        """What the page's forms and scripts carry, covered: the session's, for the organization that the page is drawn for.
        A visitor without a session gets a token of their own, kept in a cookie.
        """
        own = self.signed_in
        return page_token(own.csrf, own.organization.org_id) if own else self._own_token

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        """A unit of work of the visitor. A page's own also reads what the frame around it shows."""
        with self.request.transaction() as uow:
            yield uow
            self._read_sidebar(uow)

    def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do `work` in a unit of work of the visitor, again when the database asks for it."""

        def with_sidebar(uow: UnitOfWork) -> T:
            result = work(uow)
            self._read_sidebar(uow)
            return result

        return self.request.transact(with_sidebar)

    def require_own_form(self, form: Form) -> None:
        """Raises Forbidden(`csrf_refused`): the hidden field is not the session's token (before signing in, the cookie's);
        as `refuse_other_organization`.
        """
        own, kept = self.signed_in, self.request.cookies.get(FORM_COOKIE, "")
        if not (is_own_token(form.csrf, own) if own else kept and is_token(form.csrf, kept)):
            raise Forbidden("csrf_refused")
        if own is not None:
            refuse_other_organization(self.request, own, self.request.route_handler.opt["permission"], form.csrf)

    def _read_sidebar(self, uow: UnitOfWork) -> None:
        if self._sidebar is None and self.request.method in SAFE:
            uow.flush()
            self._sidebar = sidebar_of(uow, self.signed_in)

    def pick(self, chinese: str | None, english: str | None) -> str:
        """The text in the page's language; the other one when it is missing."""
        first, second = (chinese, english) if self.language == "zh-CN" else (english, chinese)
        return first or second or ""

    def t(self, key: str, /, **params: object) -> str:
        """A text of the pages."""
        return translations(self.language).text(key, **params)

    @property
    def formats(self) -> Formats:
        """Money, days and numbers for the visitor."""
        return Formats(translations(self.language).locale, self.time_zone)

    @property
    def time_zone(self) -> str:
        """Where the visitor's calendar is kept."""
        return self.signed_in.time_zone if self.signed_in else TIME_ZONE

    def query(self, name: str, *, most: int = 100) -> str:
        """A filter from the address, cut to `most` characters."""
        return _clean(str(self.request.query_params.get(name, "")))[:most]

    def query_number(self, name: str, *, default: int = 0, most: int = 86_400) -> int:
        """A number from the address; anything else counts as `default`."""
        number = find_whole(self.query(name, most=12))
        return default if number is None else min(number, most)

    def render(
        self,
        view: View,
        *,
        status: int = 200,
        part: str | None = None,
        refresh_s: int = 0,
        notice: FlashMessage | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response[str]:
        """The page, or one `part` of it. What the previous request had to say is said now."""
        flashed, cookies = notice or self._flashed(), []
        if self.request.cookies.get(NOTICE_COOKIE) and part is None:
            cookies.append(_cookie(self.services, NOTICE_COOKIE, "", 0))
        if part is None and (carried := carry_over(self.request)) is not None:
            cookies.append(carried)
        if self.signed_in is None and self.request.cookies.get(FORM_COOKIE) != self._token:
            cookies.append(_cookie(self.services, FORM_COOKIE, self._token, None))
        body = render(view, self.chrome(notice=flashed, refresh_s=refresh_s), part=part)
        return Response(body, status_code=status, media_type=MediaType.HTML, cookies=cookies, headers=headers)

    def chrome(self, *, notice: FlashMessage | None = None, refresh_s: int = 0) -> Chrome:
        """What surrounds the page."""
        signed_in = self.signed_in
        sidebar = self._sidebar or self._read_sidebar_alone()
        return Chrome(
            language=self.language,
            nonce=self.request.scope["state"].get("nonce", ""),
            csrf=cover_token(self._token),
            path=_own_address(self.request),
            time_zone=self.time_zone,
            sandbox=self.services.sandbox,
            person=signed_in.person_name if signed_in else None,
            organizations=_choices(signed_in),
            areas=sidebar.areas,
            badges=sidebar.badges,
            notice=notice,
            refresh_s=refresh_s,
            history_percent=sandbox_history.percent_done(),
            own_time=own.at if (own := clock.own_time()) is not None else None,
        )

    def redirect(self, path: str, *, notice: str = "", cookies: tuple[Cookie, ...] = ()) -> Response[bytes]:
        """Send the browser to a local `path` (303 See Other). `notice` is a key under `notice.`, said there once."""
        flashed = [_cookie(self.services, NOTICE_COOKIE, notice, _NOTICE_S)] if notice else []
        return redirect(local_path(path), cookies=[*cookies, *flashed])

    def redirect_back(self, default: str = "/") -> Response[bytes]:
        """Send the browser to the page it came from."""
        return self.redirect(referring_path(self.request) or default)

    def _read_sidebar_alone(self) -> Sidebar:
        if self.signed_in is None:
            return NO_SIDEBAR
        with self.request.transaction() as uow:
            return sidebar_of(uow, self.signed_in)

    def _flashed(self) -> FlashMessage | None:
        key = f"notice.{self.request.cookies.get(NOTICE_COOKIE, '')}"
        texts = translations(self.language).texts
        return FlashMessage("good", texts[key]) if key in texts else None


def redirect(address: str, *, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
    """303 See Other to an address that has been checked, or that is not a person's own words."""
    return Response(b"", status_code=303, media_type=MediaType.HTML, headers={"Location": address}, cookies=cookies)


def page(path: str, permission: str, **options: Any) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A GET route of a page."""
    return get(path, permission=permission, include_in_schema=False, sync_to_thread=True, **options)


def form_post(
    path: str, permission: str, *, file_bytes: int | None = None, **options: Any
) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A POST route of a page's form. Its handler takes `page_request` and `form`, and does not run unless the form is ours.

    `file_bytes`: how large its files may be. Of a larger one the handler finds a byte more, and says so with all that was typed.
    """
    if file_bytes is not None:
        options |= {"file_bytes": file_bytes, "request_max_body_size": None}
    route = post(path, permission=permission, include_in_schema=False, sync_to_thread=True, status_code=303, **options)

    def decorate(handler: Callable[..., Any]) -> HTTPRouteHandler:
        @wraps(handler)
        def checked(*, page_request: PageRequest, form: Form, **arguments: Any) -> Any:
            page_request.require_own_form(form)
            return handler(page_request=page_request, form=form, **arguments)

        return route(checked)

    return decorate


def provide_page_request(request: ApiRequest) -> PageRequest:
    """Dependency `page_request`."""
    return PageRequest(request)


async def provide_form(request: ApiRequest) -> Form:
    """Dependency `form`. Raises Invalid(`validation_failed`) for what is not a form at all."""
    try:
        sent = await read_form(request, request.route_handler.opt.get("file_bytes"))
    except HTTPException:
        raise
    except Exception as error:  # the parsers raise their own kinds for a body that is no form
        raise Invalid("validation_failed") from error
    values: dict[str, str] = {}
    files: dict[str, UploadFile] = {}
    for name, value in sent:
        if isinstance(value, UploadFile):
            files.setdefault(name, value)
        else:
            # A password is what was typed, blanks and all.
            values.setdefault(name, str(value) if name == "password" else _clean(str(value)))
    return Form(values, files, values.pop("csrf", ""))


def local_path(path: str) -> str:
    """`path` when it stays on this site, else the front page: no other host, no trick a browser would follow to one."""
    plain = path.isprintable() and "\\" not in path and path.startswith("/") and not path.startswith("//")
    if not plain or " " in path:
        return "/"
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc and path.isascii() else "/"


def _own_address(request: ApiRequest) -> str:
    if request.method not in SAFE:
        return local_path(referring_path(request) or "/")
    query = request.scope.get("query_string", b"").decode("ascii", "ignore")
    path: str = request.scope["path"]
    return local_path(f"{path}?{query}" if query else path)


def _choices(signed_in: SignedIn | None) -> tuple[OrganizationChoice, ...]:
    if signed_in is None:
        return ()
    current = signed_in.organization.org_id
    return tuple(
        OrganizationChoice(str(one.org_id), one.display_name, one.org_id == current) for one in signed_in.organizations
    )


def _cookie(services: Services, name: str, value: str, max_age: int | None) -> Cookie:
    https = services.settings.public_url.startswith("https://")
    return Cookie(name, value=value, path="/", httponly=True, secure=https, samesite="lax", max_age=max_age)


def _clean(value: str) -> str:
    kept = "".join(sign for sign in value if sign >= " " or sign in "\n\t")
    return kept.encode("utf-8", "ignore").decode().strip()


def parse_uuid_or_404(text: str, code: str = "not_found") -> UUID:
    """The id a form names. Raises NotFound(`code`) for what is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(code) from None
