"""Every rule finds the violations planted here, on their lines, and leaves what merely looks like one."""

import textwrap

import pytest

from tests.arch.rules.source import Source
from tests.arch.rules.tree import RULES, findings

# A path is spelled in two parts, so that this file does not itself hold one.
ELSEWHERE = "/home" + "/someone/media"

# (rule, file, text); a line that the rule must find ends in `# !`.
PLANTED = [
    ("one-commit", "orders/pay.py", "session.commit()  # !"),
    ("one-commit", "migrations/env.py", "connection.commit()  # !"),
    ("one-commit", "app/seed.py", "with engine.begin() as connection:  # !\n    connection.execute(x)"),
    ("one-commit", "kernel/db/uow.py", "session.commit()\nother.commit()  # !"),
    ("no-outside-call", "billing/a.py", "import httpx\nwith unit_of_work(db, who) as uow:\n    httpx.post(url)  # !"),
    ("no-outside-call", "app/a.py", "from stripe import Refund as R\nwith unit_of_work(db):\n    R.create()  # !"),
    ("no-outside-call", "app/a.py", "import subprocess\nwith db.unit_of_work(who):\n    subprocess.run(a)  # !"),
    ("no-outside-call", "app/a.py", "with unit_of_work(db) as uow:\n    if due:\n        self.gateway.charge()  # !"),
    ("no-outside-call", "app/a.py", "from smtplib import SMTP\nwith unit_of_work(db):\n    SMTP(host)  # !"),
    ("no-outside-call", "app/a.py", "import socket\nwith unit_of_work(db):\n    socket.create_connection(a)  # !"),
    ("no-outside-call", "app/a.py", "import obstore\nwith unit_of_work(db):\n    obstore.put(store, key, body)  # !"),
    ("no-outside-call", "orders/a.py", "from kernel.outbound import client as c\ndef f(uow):\n    c.post(url)  # !"),
    ("no-outside-call", "orders/a.py", "import time\ndef f(*, uow: UnitOfWork):\n    time.sleep(1)  # !"),
    ("one-job-notifier", "api/a.py", "deliver.send(order_id)  # !"),
    ("one-job-notifier", "app/worker.py", "actor.send_with_options(args=(1,), delay=5)  # !"),
    ("one-job-notifier", "orders/a.py", "self.broker.enqueue(message)  # !"),
    ("one-clock", "orders/a.py", "from datetime import datetime\nat = datetime.now(UTC)  # !"),
    ("one-clock", "orders/a.py", "import datetime as dt\nat = dt.datetime.utcnow()  # !\non = dt.date.today()  # !"),
    ("one-clock", "orders/a.py", "from datetime import datetime as D\nnow = D.today  # !"),
    ("one-clock", "kernel/a.py", "import time\nat = time.time()  # !\nns = time.time_ns()  # !"),
    ("one-clock", "kernel/a.py", "from time import time as t\ndefault = t  # !"),
    ("one-clock", "orders/a.py", "from sqlalchemy import func\nx = func.now()  # !"),
    ("one-clock", "orders/a.py", "import sqlalchemy as sa\nx = sa.func.current_timestamp()  # !"),
    ("one-clock", "orders/a.py", "q = 'update orders.order set paid_at = now()'  # !"),
    ("whole-money", "marketplace/a.py", "half = price.amount_minor / 2  # !"),
    ("whole-money", "marketplace/a.py", "fee = rate_ppm * 0.5  # !"),
    ("whole-money", "marketplace/a.py", "fee_minor = -1.5  # !"),
    ("whole-money", "marketplace/a.py", "total_minor /= seats  # !"),
    ("whole-money", "marketplace/a.py", "shown = float(amount_minor)  # !"),
    ("whole-money", "marketplace/a.py", "shown = round(amount_minor * rate)  # !"),
    ("whole-money", "marketplace/a.py", "def f(price_minor: float | None): ...  # !"),
    ("whole-money", "marketplace/a.py", "class Row:\n    price_minor: float  # !"),
    ("whole-money", "marketplace/a.py", "x = Money(100, 'CNY') / 3  # !"),
    ("whole-money", "billing/a.py", "share = total / 3  # !"),
    ("whole-money", "orders/a.py", "share = float(text)  # !"),
    ("whole-money", "kernel/money.py", "part = round(whole)  # !"),
    ("short-file", "kernel/a.py", "x = 1\n" * 400 + "x = 2  # !"),
    ("short-function", "examples/a.py", "def f() -> None:  # !\n" + "    x = 1\n" * 60),
    ("telling-name", "api/utils.py", "x = 1  # !"),
    ("telling-name", "tests/common/test_a.py", "x = 1  # !"),
    ("named-silence", "tests/a.py", "x = 1  # noqa # !"),
    ("named-silence", "tests/a.py", "x = 1  # NOQA : E501 # !"),
    ("named-silence", "tests/a.py", "x = 1  # type: ignore # !"),
    ("nothing-put-off", "tests/a.py", "x = 1  # TO" + "DO: later # !"),
    ("nothing-put-off", "orders/a.py", "def f():\n    raise NotImplementedError  # !"),
    ("any-machine", "docs/a.md", f"Put it in {ELSEWHERE}  # !"),
    ("nothing-fetched", "api/a.html", '<script src="https://unpkg' + '.com/x"></script>  # !'),
    ("nothing-fetched", "README.md", "from https://py" + "pi.org/simple  # !"),
    ("seller-apart", "examples/seller_app/a.py", "from kernel.ids import uuid7  # !\nimport billing  # !"),
    ("seen-imports", "app/a.py", "from importlib import import_module\nimport_module('billing.shares')  # !"),
    ("plain-words", "orders/a.py", "def give_back(order):  # !\n    told = order  # !"),
]

HARMLESS = [
    ("one-commit", "orders/pay.py", "uow.flush()\nwith session.begin_nested():\n    pass"),
    ("one-commit", "kernel/db/uow.py", "with engine.begin() as c:\n    pass\nsession.commit()"),
    ("one-commit", "tests/races/a.py", "session.commit()"),
    ("no-outside-call", "billing/a.py", "import httpx\nwith unit_of_work(db) as uow:\n    a = 1\nhttpx.post(url)"),
    ("no-outside-call", "billing/a.py", "def f(db):\n    gateway.charge()"),
    ("one-job-notifier", "app/job_notifier.py", "actor.send(job_id)"),
    ("one-job-notifier", "orders/a.py", "enqueue(uow, job)"),
    ("one-clock", "kernel/clock.py", "from datetime import datetime\nat = datetime.now(UTC)"),
    ("one-clock", "orders/a.py", "import time\nstart = time.monotonic()\ntook = time.perf_counter() - start"),
    ("one-clock", "orders/a.py", "from kernel import clock\nat = clock.now()\non = clock.today('Asia/Shanghai')"),
    ("one-clock", "orders/a.py", '"""Select the time with now() where it matters."""'),
    ("one-clock", "kernel/jobs/runner.py", "q = 'update kernel.job set lease_until = clock_timestamp()'"),
    ("whole-money", "billing/a.py", "half_minor = amount_minor // 2\nfile = folder / 'a' / name\ntimeout_s = 2.5"),
    ("whole-money", "billing/a.py", "from pathlib import Path\nhere = Path(__file__).parent / NAME"),
    ("whole-money", "marketplace/a.py", "ratio = width / height\nseconds = float(text)"),
    ("short-file", "kernel/a.py", "x = 1\n" * 400),
    ("short-function", "kernel/a.py", "@decorated\ndef f() -> None:\n" + "    x = 1\n" * 59),
    ("named-silence", "kernel/a.py", "x = 1  # noqa: S311 - seeded\ny = 2  # type: ignore[arg-type]\nz = '# noqa'"),
    ("nothing-put-off", "kernel/a.py", "todo = texts['todo']  # what to do\ncurrency = 'XXX'"),
    ("any-machine", "api/a.py", "route = '/v1/me/home/tab'\nurl = 'https://example.com/home/a'\nq = f'{base}/home/a'"),
    ("nothing-fetched", "api/a.html", '<script type="module" src="/static/player.js"></script>'),
    ("seller-apart", "examples/seller_app/a.py", "import httpx\nfrom standardwebhooks import Webhook"),
]


def lines_found(rule: str, path: str, text: str) -> set[int]:
    checked = next(one for one in RULES if one.name == rule)
    return {finding.line for finding in checked.check(Source(path, text))}


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_finds_what_is_planted(rule: str, path: str, text: str) -> None:
    planted = {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# !")}
    assert planted
    assert lines_found(rule, path, text) == planted


@pytest.mark.parametrize(("rule", "path", "text"), HARMLESS)
def test_leaves_what_is_harmless(rule: str, path: str, text: str) -> None:
    assert lines_found(rule, path, text) == set()


def test_every_rule_has_a_planted_violation_and_a_fix() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in PLANTED}
    assert all(rule.fix and not rule.fix.endswith(".") for rule in RULES)


@pytest.mark.parametrize(
    "text",
    [
        "session.commit()  # allow: one-commit the tool has no unit of work",
        "# allow: one-commit the tool has no unit of work\nsession.commit()",
    ],
)
def test_a_comment_with_a_reason_allows_its_line(text: str) -> None:
    assert findings([Source("app/a.py", text)]) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("session.commit()  # allow: one-commit because", "is allowed without a reason"),
        ("session.flush()  # allow: one-commit the tool has no unit of work", "has nothing to allow here"),
        ("session.flush()  # allow: two-commits the tool has no unit of work", "there is no rule"),
    ],
)
def test_an_allowing_comment_must_be_true(text: str, said: str) -> None:
    (found,) = findings([Source("app/a.py", text)])
    assert said in found.found


def test_another_rule_is_not_allowed_by_it() -> None:
    text = textwrap.dedent("""\
        # allow: one-clock the tool has no unit of work
        session.commit()
    """)
    assert {finding.rule for finding in findings([Source("app/a.py", text)])} == {"one-commit", "allow"}


def test_a_file_that_does_not_parse_is_a_finding() -> None:
    found = findings([Source("app/a.py", "x = (\n"), Source("app/b.py", "session.commit()")])
    assert [(one.path, one.rule) for one in found] == [("app/a.py", "parses"), ("app/b.py", "one-commit")]


def test_a_finding_names_file_and_line_and_says_how_to_mend_it() -> None:
    (found,) = findings([Source("orders/pay.py", "a = 1\nsession.commit()\n")])
    assert str(found).startswith("orders/pay.py:2: [one-commit] `.commit()`. Open `with unit_of_work(")
