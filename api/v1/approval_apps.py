"""Approval outside: the app by which members decide in DingTalk, WeCom or Feishu, who is who there, and what came back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import ConfigDict, Field

from api.request import ApiRequest
from api.schema import Out, Wire
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from orders.approval_apps.access import access_of
from orders.approval_apps.connect import (
    MANAGE,
    ConnectApp,
    connect_app,
    disconnect_app,
    forget_member,
    get_app,
    name_member,
    note_tested,
)
from orders.approval_apps.ports import ProviderRefused, ProviderSilent
from orders.approval_apps.queries import (
    AppView,
    OutsideApprovalView,
    app_members,
    app_view,
    last_callbacks,
    outside_approvals,
    view_of,
)
from orders.queries import get_purchase

Word = Annotated[str, Field(min_length=1, max_length=100)]
Secret = Annotated[str, Field(max_length=200)]


class ApprovalAppIn(Wire):
    """An app of the organization's own at a provider, and the form that purchases are asked by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "provider": "dingtalk",
                    "corp_id": "ding6ccabc44d2c8d38b",
                    "client_id": "dingk4xexampleappkey",
                    "template_code": "PROC-1A2B3C4D-0000-4000-8000-000000000001",
                    "form_field": "采购说明",
                    "requester_user_id": "manager01",
                    "client_secret": "app-secret-of-the-organization",
                    "callback_token": "mryue",
                    "callback_key": "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7",
                }
            ]
        }
    )

    provider: Literal["dingtalk", "wecom", "feishu"]
    corp_id: Word = Field(description="The organization there: corpId, corpid or tenant key")
    client_id: Word = Field(description="The app there: AppKey, AgentId or App ID")
    template_code: Word = Field(description="The form: processCode, template_id or approval_code")
    form_field: Word = Field(description="Its field of several lines: by name in DingTalk, by id in WeCom and Feishu")
    approver_node: Word | None = Field(
        default=None, description="Of Feishu alone: the node whose approvers are named by whoever asks"
    )
    requester_user_id: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="In whose name it is asked where whoever asks has no user id there"
    )
    client_secret: Secret = Field(default="", description="Empty keeps the one there is, of the same app")
    callback_token: Secret = Field(default="", description="As it is set there; empty keeps the one there is")
    callback_key: Secret = Field(
        default="", description="EncodingAESKey or Encrypt Key, as it is set there; empty keeps the one there is"
    )


class ApprovalAppOut(Out):
    """The connected app; its secrets are never shown."""

    id: UUID
    provider: str
    corp_id: str
    client_id: str
    template_code: str
    form_field: str
    approver_node: str | None
    requester_user_id: str
    callback_url: Annotated[str, Meta(description="To be set at the provider as the address of its events")]
    tested_at: Annotated[datetime | None, Meta(description="When the provider last took its credentials for good")]
    created_at: datetime

    @classmethod
    def of(cls, view: AppView, request: ApiRequest) -> ApprovalAppOut:
        """From the query's row."""
        return cls.of_row(view, callback_url=callback_url(request, view.id))


class AppMemberIn(Wire):
    """By which user id the provider knows a member."""

    user_id: Annotated[str, Field(min_length=1, max_length=64)] = Field(examples=["manager01"])


class AppMemberOut(Out):
    """A member who may see purchases; `user_id` null for who is not asked there."""

    member_id: UUID
    name: str
    email: str
    user_id: str | None


class ApprovalCallbackOut(Out):
    """A message of the provider's whose signature was right, and what came of it."""

    id: UUID
    event_type: str
    received_at: datetime
    kind: Annotated[str | None, Meta(description="`agreed`, `refused`, `passed_on`, `withdrawn` or `finished`")]
    outcome: Annotated[str | None, Meta(description="`counted`, `not_counted` or `noted`; null: it says nothing here")]
    reason: Annotated[str | None, Meta(description="Why it was not counted")]
    user_id: str | None
    person_name: str | None
    purchase_id: UUID | None


class OutsideAnswerOut(Out):
    """What somebody did outside, and what came of it here."""

    kind: str
    outcome: str
    reason: str | None
    person_name: str | None
    created_at: datetime


class OutsideApprovalOut(Out):
    """A step of a purchase as it is asked outside: `asking`, `asked`, `answered`, `withdrawn` or `failed`."""

    step: int
    provider: str
    state: str
    asked: Annotated[int, Meta(description="How many people were asked there")]
    reason: Annotated[str | None, Meta(description="Why it was not asked")]
    withdrawal: Annotated[
        str | None,
        Meta(
            description="Of what is decided inside: `pending`, `done`, `impossible` (no interface for it) or `refused`"
        ),
    ]
    created_at: datetime
    answers: list[OutsideAnswerOut]

    @classmethod
    def of(cls, view: OutsideApprovalView) -> OutsideApprovalOut:
        """From the query's row."""
        return cls.of_row(view, answers=[OutsideAnswerOut.of_row(one) for one in view.answers])


def callback_url(request: ApiRequest, app_id: UUID) -> str:
    """Where a provider sends its events."""
    return f"{request.services.settings.public_url}/hooks/approvals/{app_id}"


@get("/v1/approval-app", permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["buying"])
def get_approval_app(request: ApiRequest) -> ApprovalAppOut:
    """The app by which purchases are approved outside as well."""
    with request.transaction() as uow:
        return ApprovalAppOut.of(app_view(uow), request)


@put("/v1/approval-app", permission=MANAGE, sync_to_thread=True, tags=["buying"])
def put_approval_app(data: JSONBody[ApprovalAppIn], request: ApiRequest) -> ApprovalAppOut:
    """Connect an app, or change how. Another provider, organization or app there replaces the one before, with its members."""
    command = ConnectApp(**data.model_dump())
    box = request.services.secrets
    return request.transact(lambda uow: ApprovalAppOut.of(view_of(connect_app(uow, box, command)), request))


@delete("/v1/approval-app", permission=MANAGE, refuses=[404], sync_to_thread=True, status_code=204, tags=["buying"])
def delete_approval_app(request: ApiRequest) -> None:
    """Disconnect it: nothing is asked there any more, no answer is taken, its secrets are forgotten."""
    request.transact(disconnect_app)


@post(
    "/v1/approval-app/test",
    permission=MANAGE,
    refuses=[404, 422],
    sync_to_thread=True,
    status_code=200,
    tags=["buying"],
)
def test_approval_app(request: ApiRequest) -> ApprovalAppOut:
    """Ask the provider whether it takes the credentials, and subscribe to its events where it wants that (Feishu)."""
    return ApprovalAppOut.of(check_app(request), request)


def check_app(request: ApiRequest) -> AppView:
    """For the JSON route and the page alike: the provider is called with no transaction open.

    Raises: as `get_app`; Invalid `approval_provider_refused`, `approval_provider_silent`.
    """
    services = request.services
    with request.transaction() as uow:
        app = get_app(uow)
        app_id, provider, access = app.id, services.approval_providers[app.provider], access_of(services.secrets, app)
    try:
        provider.check(access)
    except ProviderRefused as refused:
        raise Invalid("approval_provider_refused", field="client_secret", said=refused.said) from refused
    except ProviderSilent as silent:
        raise Invalid("approval_provider_silent", field="provider") from silent
    return request.transact(lambda uow: view_of(note_tested(uow, app_id)))


@get("/v1/approval-app/members", permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["buying"])
def list_app_members(request: ApiRequest) -> list[AppMemberOut]:
    """Members who may see purchases, with the user ids by which they are asked there."""
    with request.transaction() as uow:
        return [AppMemberOut.of_row(one) for one in app_members(uow)]


@put(
    "/v1/approval-app/members/{member_id:uuid}",
    permission=MANAGE,
    refuses=[404, 409],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def put_app_member(member_id: FromPath[UUID], data: JSONBody[AppMemberIn], request: ApiRequest) -> None:
    """Say by which user id the provider knows a member: what that user answers there is theirs."""

    def name(uow: UnitOfWork) -> None:
        name_member(uow, member_id, data.user_id)

    request.transact(name)


@delete(
    "/v1/approval-app/members/{member_id:uuid}",
    permission=MANAGE,
    refuses=[404],
    sync_to_thread=True,
    status_code=204,
    tags=["buying"],
)
def delete_app_member(member_id: FromPath[UUID], request: ApiRequest) -> None:
    """That member is asked there no more; done twice, it stays so."""
    request.transact(lambda uow: forget_member(uow, member_id))


@get("/v1/approval-app/callbacks", permission=MANAGE, refuses=[404], sync_to_thread=True, tags=["buying"])
def list_approval_callbacks(request: ApiRequest) -> list[ApprovalCallbackOut]:
    """The newest 50 messages of the provider about the form, and what came of each."""
    with request.transaction() as uow:
        return [ApprovalCallbackOut.of_row(one) for one in last_callbacks(uow)]


@get(
    "/v1/purchases/{purchase_id:uuid}/outside-approvals",
    permission="orders.read",
    refuses=[404],
    sync_to_thread=True,
    tags=["buying"],
)
def list_outside_approvals(purchase_id: FromPath[UUID], request: ApiRequest) -> list[OutsideApprovalOut]:
    """What is asked outside of the purchase's steps, and what was answered there."""
    with request.transaction() as uow:
        get_purchase(uow, purchase_id)
        return [OutsideApprovalOut.of(one) for one in outside_approvals(uow, [purchase_id]).get(purchase_id, [])]


routes = [
    get_approval_app,
    put_approval_app,
    delete_approval_app,
    test_approval_app,
    list_app_members,
    put_app_member,
    delete_app_member,
    list_approval_callbacks,
    list_outside_approvals,
]
