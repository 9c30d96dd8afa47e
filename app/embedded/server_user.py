"""Which system user the embedded servers run as, and folders which that user can reach.

PostgreSQL refuses to run as root. When the program runs as root, the servers run as a user of their own; otherwise as
the user who started the program.
"""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from app.embedded.child_process import SystemUser

OWN_USER = "pgserver"
"""The name the PostgreSQL wheel itself uses, so that both ways of starting it agree."""


def find_server_user() -> SystemUser | None:
    """The user that servers run as when this program is root, created if missing; None when it is not root.

    Where users cannot be added, `nobody` serves, which every system has.
    """
    if os.geteuid() != 0:
        return None
    for attempt in (OWN_USER, "nobody"):
        try:
            entry = pwd.getpwnam(attempt)
        except KeyError:
            if attempt != OWN_USER or not _add_user():
                continue
            entry = pwd.getpwnam(attempt)
        return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user 'pgserver' nor 'nobody'.")


def make_private_folder(folder: Path, user: SystemUser | None) -> None:
    """Create `folder` for the server's user alone (mode 0700), reachable by it.

    Raises PermissionError when it belongs to a third user: taking it over would lock that one out of their own data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    wanted = user.uid if user is not None else os.geteuid()
    if owner not in {wanted, os.geteuid()}:
        raise PermissionError(f"{folder} belongs to user id {owner}")
    if user is not None:
        open_way_to(folder, user)
        if owner != wanted:
            _give_to(folder, user)
    folder.chmod(0o700)


def open_way_to(target: Path, user: SystemUser | None) -> None:
    """Let `user` pass through the folders above `target`.

    Adds only the permission to pass (x), and only where it is missing: contents of those folders stay unlisted.
    """
    if user is None:
        return
    for parent in target.resolve().parents:
        status = parent.stat()
        passes = (
            (status.st_mode & stat.S_IXOTH)
            or (status.st_uid == user.uid and status.st_mode & stat.S_IXUSR)
            or (status.st_gid == user.gid and status.st_mode & stat.S_IXGRP)
        )
        if not passes:
            parent.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def open_programs(folder: Path, user: SystemUser | None) -> None:
    """Let `user` read and run an installed tree of programs (`folder` is its `bin`), closed by a strict umask.

    A tree that is already open, such as the operating system's own, is left alone.
    """
    if user is None:
        return
    open_way_to(folder, user)
    if _readable_by_all(folder) and all(_readable_by_all(item) for item in folder.iterdir()):
        return
    tree = folder.parent
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        passable = stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IROTH | passable)


def _readable_by_all(path: Path) -> bool:
    return path.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH) == stat.S_IROTH | stat.S_IXOTH


def _give_to(folder: Path, user: SystemUser) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def _add_user() -> bool:
    program = shutil.which("useradd")
    if program is None:
        return False
    shell = shutil.which("nologin") or "/bin/false"
    command = [program, "--system", "--user-group", "--no-create-home", "--shell", shell, OWN_USER]
    done = subprocess.run(command, capture_output=True, check=False)  # fixed arguments
    return done.returncode == 0
