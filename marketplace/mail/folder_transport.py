"""The sandbox's transport: a folder of messages that never leave the machine, and the way to read them."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import count
from pathlib import Path

from marketplace.mail.ports import Refusal

KEPT = 500
"""Messages; the oldest go first."""
FORGOTTEN_EVERY = 50
"""Messages, for which one look through the folder is enough: looking costs more than writing."""


class FolderTransport:
    """Writes each message to a file of its own, named after its Message-ID: sent twice, it is there once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = count()

    def hand_over(self, message: EmailMessage) -> Refusal | None:
        """Write it, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{_id_of(message)}.eml"
        unfinished = self._folder / f".{name}.{os.getpid()}"
        unfinished.write_bytes(message.as_bytes(policy=email.policy.SMTP))
        unfinished.replace(self._folder / name)
        if next(self._written) % FORGOTTEN_EVERY == 0:
            self._forget_oldest()
        return None

    def _forget_oldest(self) -> None:
        # Message-IDs begin with their time.
        for old in sorted(self._folder.glob("*.eml"), reverse=True)[KEPT:]:
            old.unlink(missing_ok=True)


def read_outbox(folder: Path) -> Iterator[tuple[str, EmailMessage]]:
    """Every message in the folder with its id, the newest first."""
    for path in sorted(folder.glob("*.eml"), reverse=True):
        found = _read(path)
        if found is not None:
            yield path.stem, found


def read_message(folder: Path, message_id: str) -> EmailMessage | None:
    """The message with this id, None when there is none."""
    return next((_read(path) for path in folder.glob("*.eml") if path.stem == message_id), None)


def _read(path: Path) -> EmailMessage | None:
    try:
        with path.open("rb") as file:
            return email.message_from_binary_file(file, policy=email.policy.default)
    except FileNotFoundError:  # deleted since the folder was listed
        return None


def _id_of(message: EmailMessage) -> str:
    return str(message["Message-ID"]).strip("<>").partition("@")[0]
