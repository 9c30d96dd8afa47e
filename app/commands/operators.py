"""`market operator add` and `reset-second-factor`: what only whoever runs the installation does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from getpass import getpass

from api.problems import sentence
from app.composition import compose
from app.console import choose, console
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines
from kernel.db.uow import UnitOfWork, transact
from kernel.errors import DomainError
from kernel.principal import SYSTEM
from marketplace.access.add_operator import StaffRole, add_operator
from marketplace.access.add_person import NewPerson
from marketplace.access.second_factor import reset_second_factor


def add(email: str, *, name: str, language: str, role: StaffRole) -> int:
    """Ask for a password, or read it from standard input where that is no terminal, and add one of the platform's staff."""
    password = _password()
    public_url = _commit(lambda uow: add_operator(uow, NewPerson(email, name or email, password, language), role))
    console.print(choose("Added. They sign in at", "已添加。登录地址："), f"{public_url}/sign-in", markup=False)
    return 0


def reset_factor(email: str) -> int:
    """Switch two-step sign-in off for somebody who has lost both ways to a code; they are told by mail."""
    _commit(lambda uow: reset_second_factor(uow, email))
    console.print(
        choose(
            "Two-step sign-in is off for this account; its owner is told by mail. The password alone signs in.",
            "该账号的两步登录已关闭，并已邮件通知本人；现在仅凭密码即可登录。",
        )
    )
    return 0


def _commit(work: Callable[[UnitOfWork], object]) -> str:
    """Do this in the installation's database; a refusal is said in a sentence. Returns where the market is reached."""
    with running_engines() as settings:
        # What is written may leave work behind, such as a mail: a process knows the jobs that it was composed with.
        db = compose(settings, platform_only=True).db
        try:
            transact(db, SYSTEM, work)
        except DomainError as refused:
            english, chinese = (sentence(refused.code, spoken, dict(refused.params)) for spoken in ("en", "zh"))
            raise EngineError(" ".join(english.values()), "".join(chinese.values())) from refused
        finally:
            db.dispose()
        return settings.public_url


def _password() -> str:
    """Never an argument: those are read by everybody on the machine."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass(choose("Password: ", "密码："))
    if getpass(choose("Once more: ", "再次输入：")) != first:
        raise EngineError("The two are not the same; nothing was changed.", "两次输入不一致，未作任何更改。")
    return first
