"""The address of a robot is its credential: its key is taken out of it, and kept sealed with the secret that signs.

The rest of the address is the provider's, never the person's who pasted it: nothing is called but these three interfaces.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from kernel.errors import Invalid
from kernel.secrets import SecretBox
from marketplace.robots.models import GroupRobot

MAX_ADDRESS = 500
MAX_SECRET = 200
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
_SECRET: Final = re.compile(r"[\x21-\x7e]{8,200}")
PATHS: Final = {
    "dingtalk": ("/robot/send", "access_token"),
    "wecom": ("/cgi-bin/webhook/send", "key"),
    "feishu": ("/open-apis/bot/v2/hook/", ""),
}
"""The path of each provider's interface, and the query parameter that is the key; of Feishu the end of the path is."""
SIGNED: Final = frozenset({"dingtalk", "feishu"})
"""Providers that know a signature. WeCom's robots know none: their address is all."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets us post: the key of the address, and the secret that signs (empty where the provider knows none)."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


def key_in(provider: str, address: str, base: str) -> str:
    """The key in a robot's address as its provider shows it. `base`: where the provider's interface is.

    Raises: Invalid `robot_address_invalid`.
    """
    wrong = Invalid("robot_address_invalid", field="address")
    path, parameter = PATHS[provider]
    try:
        given, known = urlsplit(address.strip()), urlsplit(base)
        same = (given.scheme, given.netloc) == (known.scheme, known.netloc)
        keys = parse_qs(given.query, max_num_fields=10).get(parameter, [""])
    except ValueError as error:
        raise wrong from error
    if not same or given.fragment:
        raise wrong
    if parameter:
        fits, key = given.path == path, keys[-1]
    else:
        fits, key = given.path.startswith(path), given.path.removeprefix(path)
    if not fits or not _KEY.fullmatch(key):
        raise wrong
    return key


def checked_secret(provider: str, secret: str) -> str:
    """The secret that signs, as the provider shows it. Raises Invalid `robot_secret_required`, `robot_secret_invalid`."""
    given = secret.strip()
    if provider not in SIGNED:
        return ""
    if not given:
        raise Invalid("robot_secret_required", field="secret")
    if not _SECRET.fullmatch(given):
        raise Invalid("robot_secret_invalid", field="secret")
    return given


def fingerprint_of(provider: str, key: str) -> str:
    """Tells whether two robots are one. A provider's keys are long and random: nobody finds one by it."""
    return hashlib.sha256(f"{provider}:{key}".encode()).hexdigest()


def seal_credentials(box: SecretBox, robot_id: UUID, found: Credentials) -> str:
    """For the row of this robot alone."""
    return box.seal(json.dumps([found.key, found.secret]).encode(), f"group_robot:{robot_id}")


def open_credentials(box: SecretBox, robot: GroupRobot) -> Credentials:
    """Of a robot that was not removed. Raises SecretUnreadable."""
    assert robot.credentials_sealed is not None  # noqa: S101 - the table keeps it so
    return Credentials(*json.loads(box.open(robot.credentials_sealed, f"group_robot:{robot.id}")))
