"""The key that encrypts stored secrets, as a setting holds it; a sandbox makes its own."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from kernel.settings_error import SettingProblem, SettingsError

KEY_BYTES = 32
"""Length of the key-encryption key: 256 bits, as AES-256-GCM needs."""


def decode_key(text: str) -> bytes:
    """The key that SECRET_KEY holds. Raises SettingsError when it is not 32 random bytes of URL-safe base64."""
    problem = SettingProblem(
        "SECRET_KEY",
        "must be 32 random bytes in URL-safe base64; make one with "
        "`python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`",
        "必须是 32 字节随机数的 URL-safe base64 编码；可用 "
        "`python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'` 生成",
    )
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except ValueError as error:
        raise SettingsError([problem]) from error
    # A key of one or a few repeated bytes was typed, not drawn.
    if len(key) != KEY_BYTES or len(set(key)) < KEY_BYTES // 4:
        raise SettingsError([problem])
    return key


def sandbox_key(path: Path) -> str:
    """Read the sandbox key, or write it once; of two processes that race, the first one's key stands."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
