"""An app's secrets, and who speaks its provider's protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from kernel.outbound import OutboundClient
from kernel.secrets import SecretBox
from kernel.settings import Settings
from orders.approval_apps.dingtalk import DingTalk
from orders.approval_apps.feishu import Feishu
from orders.approval_apps.models import ApprovalApp
from orders.approval_apps.ports import Access, ApprovalProvider
from orders.approval_apps.wecom import WeCom


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """What proves us to the provider, and the provider to us."""

    client_secret: str = field(repr=False)
    callback_token: str = field(repr=False)
    callback_key: str = field(repr=False)


def providers_of(client: OutboundClient, settings: Settings) -> Mapping[str, ApprovalProvider]:
    """By name, at their addresses."""
    return {
        "dingtalk": DingTalk(client, settings.dingtalk_address),
        "wecom": WeCom(client, settings.wecom_address),
        "feishu": Feishu(client, settings.feishu_address),
    }


def seal_secrets(box: SecretBox, app_id: UUID, secrets: AppSecrets) -> str:
    """For the row of this app alone."""
    values = [secrets.client_secret, secrets.callback_token, secrets.callback_key]
    return box.seal(json.dumps(values).encode(), f"approval_app:{app_id}")


def open_secrets(box: SecretBox, app: ApprovalApp) -> AppSecrets:
    """Of an app that is connected. Raises SecretUnreadable."""
    assert app.secrets_sealed is not None  # noqa: S101 - the table keeps it so
    return AppSecrets(*json.loads(box.open(app.secrets_sealed, f"approval_app:{app.id}")))


def access_of(box: SecretBox, app: ApprovalApp) -> Access:
    """With its secrets. Raises SecretUnreadable."""
    secrets = open_secrets(box, app)
    return Access(
        corp_id=app.corp_id,
        client_id=app.client_id,
        template_code=app.template_code,
        form_field=app.form_field,
        approver_node=app.approver_node,
        client_secret=secrets.client_secret,
        callback_token=secrets.callback_token,
        callback_key=secrets.callback_key,
    )


def message_context(callback_id: UUID) -> str:
    """For which place a callback's message is sealed."""
    return f"approval_callback:{callback_id}"
