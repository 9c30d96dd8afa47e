"""A mail's words become a message: plain text and HTML, in the reader's language, with its code or link made on the spot."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy, default
from email.utils import format_datetime
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from kernel.signing import TokenSigner
from kernel.text import plain_text
from marketplace.mail.calendar_entry import calendar_entry, time_in_words

LOCALES: Final = ("zh-CN", "en")
UNSUBSCRIBE: Final = "unsubscribe"
"""What the token of a link is signed for by which a reader wants no more mails of a kind."""
UNSUBSCRIBE_PATH: Final = "/notifications/unsubscribe"
UNSUBSCRIBE_WITHIN: Final = timedelta(days=400)
"""Mails are kept for long, and one of them may be the only one at hand."""


class AddressHeader(UnstructuredHeader, BaseHeader):
    """An address of the web: on one line as it is, where the library would write what is long in encoded words."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent; RFC 5322 §2.1.1 allows 998 characters in a line."""
        return f"{self.name}: {self}{policy.linesep}"


class HeaderTypes(HeaderRegistry):
    """The registry, which makes a class for each header it is asked for, asked once for each name."""

    @cache
    def __getitem__(self, name: str) -> type[BaseHeader]:
        """The class of a header of this name."""
        return super().__getitem__(name)


_HEADERS: Final = HeaderTypes()
_HEADERS.map_to_type("list-unsubscribe", AddressHeader)
_POLICY: Final = default.clone(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class MailContent:
    """A stored mail, as it is to be composed."""

    id: UUID
    to_address: str
    kind: str
    locale: str
    created_at: datetime
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """What a mail proves that its reader received: a code to type, or a link to follow."""

    purpose: str
    """Of the signed token in the link."""
    subject_id: str
    path: str
    expires_at: datetime
    has_code: bool


class Composer:
    """Composes for one installation: its address, its sender, the key that signs its links."""

    def __init__(self, signer: TokenSigner, *, public_url: str, sender: str) -> None:
        self._signer = signer
        self._public_url = public_url
        self._sender = sender

    def compose(self, mail: MailContent) -> EmailMessage:
        """The message. Header injection is impossible: `email.policy` refuses line ends, and what is filled in is one line."""
        words = texts(mail.locale)[mail.kind]
        items = [self._item(one) for one in mail.params.get("items", ())]
        said = {name: plain_text(value) for name, value in mail.params.items() if name != "items"}
        params = said | self._secrets(mail.params)
        if "calendar_uid" in mail.params:
            params["when"] = time_in_words(mail.params, mail.locale)
        filled = {key: _fill(text, params) for key, text in words.items()}
        frame = {key: _fill(text, params) for key, text in texts(mail.locale)["frame"].items()}
        view = {
            "locale": mail.locale,
            "kind": mail.kind,
            "words": filled,
            "code": params.get("code"),
            "link": params.get("link") or self._own_link(mail.params),
            "items": items,
            "unsubscribe": self._unsubscribe_link(mail),
            "site": self._public_url,
            "frame": frame,
        }
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = filled["subject"]
        message["From"] = Address(frame["sender"], addr_spec=self._sender)
        message["To"] = mail.to_address
        message["Date"] = format_datetime(mail.created_at)
        message["Message-ID"] = f"<{mail.id}@{urlsplit(self._public_url).hostname or 'localhost'}>"
        # No holiday answer to what a machine says (RFC 3834 §5).
        message["Auto-Submitted"] = "auto-generated"
        if view["unsubscribe"]:
            # One click in the reader's mail program, without opening a page (RFC 8058 §3.1).
            message["List-Unsubscribe"] = f"<{view['unsubscribe']}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(_templates().get_template("mail.txt").render(view), cte="quoted-printable")
        html = _inliner().inline(_templates().get_template("mail.html").render(view))
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        if "calendar_uid" in mail.params:
            host = urlsplit(self._public_url).hostname or "localhost"
            link = self._own_link(mail.params) or self._public_url
            method, entry = calendar_entry(mail.params, filled["heading"], link, host, at=mail.created_at)
            kind = {"method": method, "charset": "utf-8"}
            message.add_attachment(entry, maintype="text", subtype="calendar", filename="demo.ics", params=kind)
        # Last: the body's own headers are made anew with it.
        message["Content-Language"] = mail.locale
        return message

    def _secrets(self, params: Mapping[str, Any]) -> dict[str, str]:
        """The code and the link that the mail's proof stands for; both come from the signing key and the proof's id."""
        if "proof_id" not in params:
            return {}
        expires_at = datetime.fromisoformat(params["proof_until"])
        token = self._signer.sign_token(params["proof_purpose"], {"id": params["proof_id"]}, expires_at)
        found = {"link": f"{self._public_url}{params['proof_path']}?token={token}"}
        if params.get("proof_code"):
            found["code"] = self._signer.short_code(params["proof_purpose"], params["proof_id"])
        return found

    def _unsubscribe_link(self, mail: MailContent) -> str | None:
        """None for what nobody can do without."""
        if "unsubscribe_group" not in mail.params:
            return None
        claims = {"person": mail.params["unsubscribe_person"], "group": mail.params["unsubscribe_group"]}
        token = self._signer.sign_token(UNSUBSCRIBE, claims, mail.created_at + UNSUBSCRIBE_WITHIN)
        return f"{self._public_url}{UNSUBSCRIBE_PATH}?token={token}"

    def _item(self, item: Mapping[str, str]) -> dict[str, str]:
        """An entry of a digest: what happened, what it means, and its page."""
        return {
            "title": plain_text(item["title"]),
            "text": plain_text(item["text"]),
            "link": f"{self._public_url}{item['path']}",
        }

    def _own_link(self, params: Mapping[str, Any]) -> str | None:
        return f"{self._public_url}{params['path']}" if "path" in params else None


def proof_params(proof: Proof) -> dict[str, str]:
    """How a stored mail says which proof it carries."""
    return {
        "proof_id": proof.subject_id,
        "proof_purpose": proof.purpose,
        "proof_path": proof.path,
        "proof_until": proof.expires_at.isoformat(),
        **({"proof_code": "yes"} if proof.has_code else {}),
    }


@cache
def texts(locale: str) -> dict[str, dict[str, str]]:
    """Every mail's words in a language."""
    chosen = locale if locale in LOCALES else LOCALES[0]
    loaded: dict[str, Any] = tomllib.loads(
        (resources.files(__package__) / "texts" / f"{chosen}.toml").read_text("utf-8")
    )
    return loaded


def _fill(text: str, params: Mapping[str, str]) -> str:
    """Only named places are filled; what a person wrote is never read as a pattern."""
    return text.format_map(dict(params))


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("marketplace.mail", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)
