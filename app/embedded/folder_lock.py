"""One data folder, one running `market up`.

The lock is the kernel's (`flock`): it vanishes with its holder, however that one ended, so no stale lock can exist.
The file's text only tells who holds it.
"""

import fcntl
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_held: set[IO[str]] = set()


def _let_go() -> None:
    """A forked child holds no folder: the lock must vanish with the process that took it, whatever its children do."""
    while _held:
        _held.pop().close()


os.register_at_fork(after_in_child=_let_go)


class FolderInUse(Exception):  # a state of affairs that callers ask about, not a fault
    """Another process works in the data folder; `pid` is its process id, 0 when it could not be read."""

    def __init__(self, folder: Path, pid: int, command: str) -> None:
        super().__init__(self._text_en(folder, pid, command))
        self.folder, self.pid, self.command = folder, pid, command

    @staticmethod
    def _text_en(folder: Path, pid: int, command: str) -> str:
        return (
            f"The data folder {folder} is in use by process {pid} ({command}). Nothing was started or changed. "
            f"Use that one, or end it with Ctrl-C in its terminal or `kill {pid}`, or choose another folder: "
            "MARKET_HOME=/other/folder and another PORT."
        )

    def render(self, language: str) -> str:
        """The message in `language` ("zh" or "en")."""
        if language != "zh":
            return str(self)
        return (
            f"数据目录 {self.folder} 正被进程 {self.pid}（{self.command}）使用，未启动也未更改任何内容。"
            f"请直接使用它；或在其终端按 Ctrl-C、执行 `kill {self.pid}` 结束它；"
            "或用 MARKET_HOME=/其他目录 和另一个 PORT 另起一套。"
        )


class FolderLock:
    """Exclusive use of a data folder while the context is open.

    Raises FolderInUse on entry when another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = _read_holder(file.read())
            file.close()
            raise FolderInUse(self._folder, int(holder.get("pid", 0)), str(holder.get("command", "?"))) from error
        file.truncate(0)
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
        file.write(json.dumps({"pid": os.getpid(), "command": command}))
        file.flush()
        self._file = file
        _held.add(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            _held.discard(self._file)
            self._file.close()
            self._file = None


def _read_holder(text: str) -> dict[str, str | int]:
    try:
        holder = json.loads(text)
    except ValueError:  # read between its opening and its writing
        return {}
    return holder if isinstance(holder, dict) else {}
