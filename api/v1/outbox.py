"""The sandbox's outbox: mails that a real market would have sent, for whoever tries the product to read."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import Out
from kernel.errors import NotFound
from marketplace.mail.folder_transport import read_message, read_outbox

MOST = 50
ToFilter = Annotated[str, QueryParameter(max_length=254, description="Only mails to this address")]


class MailOut(Out):
    """One mail, as its reader would see it."""

    id: str
    to: str
    subject: str
    sent_at: datetime
    text: str


@get("/v1/sandbox/mails", permission=PUBLIC, refuses=[404], sync_to_thread=True, tags=["sandbox"])
def get_mails(request: ApiRequest, to: ToFilter = "") -> list[MailOut]:
    """The newest mails in the sandbox's outbox, those to one address where it is named. 404 where mail really goes out."""
    return outbox(request, to)


@get("/v1/sandbox/mails/{mail_id:str}", permission=PUBLIC, sync_to_thread=True, tags=["sandbox"])
def get_mail(mail_id: FromPath[str], request: ApiRequest) -> MailOut:
    """One mail of the outbox."""
    return mail_out(mail_id, message(request, mail_id))


def outbox(request: ApiRequest, to: str = "") -> list[MailOut]:
    """For the JSON route and the page alike. Raises NotFound(`not_found`) where mail really goes out."""
    wanted, found = to.strip().lower(), list[MailOut]()
    for mail_id, one in read_outbox(folder(request)):
        if wanted in {"", str(one["To"]).lower()}:
            found.append(mail_out(mail_id, one))
        if len(found) == MOST:
            break
    return found


def message(request: ApiRequest, mail_id: str) -> EmailMessage:
    """Raises NotFound(`not_found`) where there is none, or mail really goes out."""
    found = read_message(folder(request), mail_id)
    if found is None:
        raise NotFound("not_found")
    return found


def folder(request: ApiRequest) -> Path:
    """Where the mails are. Raises NotFound(`not_found`) where mail really goes out."""
    settings = request.services.settings
    if settings.is_production or settings.smtp_url:
        raise NotFound("not_found")
    return settings.outbox_folder


def mail_out(mail_id: str, one: EmailMessage) -> MailOut:
    """The wire form."""
    body = one.get_body(("plain",))
    return MailOut(
        id=mail_id,
        to=str(one["To"]),
        subject=str(one["Subject"]),
        sent_at=parsedate_to_datetime(str(one["Date"])),
        text=body.get_content() if body is not None else "",
    )


routes = [get_mails, get_mail]
