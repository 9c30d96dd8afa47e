"""Whose meeting an address leads to, as pages call it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

PROVIDERS: Final = {
    "meeting.tencent.com": "tencent",
    "voovmeeting.com": "tencent",
    "dingtalk.com": "dingtalk",
    "work.weixin.qq.com": "wecom",
    "feishu.cn": "feishu",
    "zoom.us": "zoom",
    "zoom.com": "zoom",
    "zoom.com.cn": "zoom",
    "teams.microsoft.com": "teams",
    "teams.live.com": "teams",
}
"""By host; the hosts beneath it are the same provider's."""


def provider_of(url: str) -> str:
    """A word of `meeting_provider`, empty where the provider is not known."""
    host = host_of(url)
    return next((name for known, name in PROVIDERS.items() if host == known or host.endswith(f".{known}")), "")


def host_of(url: str) -> str:
    """The host as it is kept: a name in another script stays in ASCII, so that it looks like what it is."""
    return urlsplit(url).hostname or ""
