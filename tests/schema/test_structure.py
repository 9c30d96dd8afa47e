"""The shape of the database: whose rows, which indexes, which types; and that migrations and models are one thing."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Connection,
    Index,
    Table,
    UniqueConstraint,
    create_engine,
    text,
)
from sqlalchemy.exc import ProgrammingError

from app.database_schema import downgrade, find_differences, find_revision, upgrade
from app.embedded.databases import OWNER_ROLE, SERVING_ROLE, create_database, drop_database
from app.embedded.engines import Addresses
from app.partition_retention import retain_partitions
from app.verify.histories import TABLES as MACHINE_TABLES
from app.verify.tenancy import APPEND_ONLY, UNDELETABLE
from billing.gateways import sandbox
from billing.gateways.sandbox import SETTLE
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.states import machines
from migrations.metadata import SCHEMAS, metadata
from migrations.partitions import RETENTION, partitioned_tables

TABLES: list[Table] = sorted(metadata.tables.values(), key=lambda table: table.fullname)
ORG_COLUMN = re.compile(r"(^|_)org_ids?$")
PARTY_TABLES = {"marketplace.organization", "marketplace.person"}
"""Whose own row is the organization, or the person: isolated without such a column."""

# Read by the platform's own work alone, or found by a narrower key than the organization; each with its reason.
NO_ORG_INDEX = {
    "kernel.event": "an array; the subject is how events are found",
    "kernel.state_history": "an array; the subject is how a history is found",
    "billing.ledger_transaction": "an array; the reference is how transactions are found",
}


@pytest.fixture
def catalogue(addresses: Addresses) -> Iterator[Connection]:
    assert addresses.database_admin_url is not None
    engine = create_engine(addresses.database_admin_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(connection: Connection, sql: str, **values: Any) -> Sequence[Any]:
    return connection.execute(text(sql), {"schemas": list(SCHEMAS), **values}).all()


def org_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if ORG_COLUMN.search(column.name)]


def leading(table: Table) -> list[tuple[str, ...]]:
    """The columns of every full index, unique constraint and primary key, in their order.

    An index of the rows that have its column is full for whoever looks for a value: NULL equals nothing.
    """
    found = [tuple(column.name for column in table.primary_key.columns)]
    uniques = [made for made in table.constraints if isinstance(made, UniqueConstraint)]
    full = [index for index in table.indexes if _is_full(index)]
    found += [tuple(column.name for column in made.columns) for made in uniques]
    return found + [tuple(getattr(c, "name", "") for c in index.expressions) for index in full]


def _is_full(index: Index) -> bool:
    where = index.dialect_options["postgresql"].get("where")
    return where is None or str(where) in {f"{getattr(column, 'name', '')} IS NOT NULL" for column in index.expressions}


def parents(table: Table) -> set[str]:
    """The columns that name a parent by its id in keys which also say that the parent is of the same organization."""
    return {
        element.parent.name
        for key in table.foreign_key_constraints
        for element in key.elements
        if element.column.name == "id" and len(key.elements) > 1
    }


# ── isolation ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tables_of_organizations_are_isolated_by_force(catalogue: Connection) -> None:
    forced = {
        row.name
        for row in rows(
            catalogue,
            """SELECT n.nspname || '.' || c.relname AS name
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = ANY(:schemas) AND c.relrowsecurity AND c.relforcerowsecurity
                 AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)""",
        )
    }
    owned = {table.fullname for table in TABLES if org_columns(table)} | PARTY_TABLES
    assert owned <= forced


FAR = timedelta(days=3650)
PLATFORM_TABLES = (
    "kernel.job",
    "kernel.job_attempt",
    "kernel.inbox",
    "kernel.event_cursor",
    "billing.sandbox_operation",
    "billing.bank_assignment",
    "billing.transfer_credit",
    "billing.bank_line",
    "billing.bank_outgoing",
    "billing.bank_return",
    "billing.bank_statement",
    "billing.incident",
    "billing.gateway_balance_entry",
    "billing.gateway_balance_reading",
    "billing.gateway_holding",
    "billing.payout_batch",
    "billing.payout_report",
    "billing.reconciliation_difference",
    "billing.reconciliation_run",
    "marketplace.bouncing_address",
    "marketplace.email_proof",
    "marketplace.mail",
    "marketplace.notification_setting",
    "marketplace.provider_identity",
    "marketplace.recovery_code",
    "marketplace.second_factor",
    "marketplace.tax_id_dispute",
)
"""What in them belongs to an organization lies in their JSON, where no policy by organization finds it."""


@pytest.mark.parametrize("table", PLATFORM_TABLES)
def test_what_the_platform_works_with_is_seen_by_no_organization(db: Database, table: str) -> None:
    sandbox.register()
    with unit_of_work(db, SYSTEM) as uow:
        enqueue(uow, SETTLE, {"operation_id": str(uuid7())}, dedupe_key=str(uuid7()), run_at=clock.now() + FAR)
    tenant = Principal(PrincipalKind.PERSON, uuid7(), uuid7(), frozenset({"orders.buy"}), "somebody")
    with unit_of_work(db, tenant) as uow:
        assert uow.session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    with unit_of_work(db, SYSTEM) as uow:
        assert table != "kernel.job" or uow.session.scalar(text("SELECT count(*) FROM kernel.job"))


def test_whoever_commits_may_leave_a_job_and_leaves_it_once(db: Database) -> None:
    tenant = Principal(PrincipalKind.PERSON, uuid7(), uuid7(), frozenset({"orders.buy"}), "somebody")
    key = str(uuid7())
    sandbox.register()
    for _ in range(2):
        with unit_of_work(db, tenant) as uow:
            enqueue(uow, SETTLE, {"operation_id": key}, dedupe_key=key, run_at=clock.now() + FAR)
    with unit_of_work(db, SYSTEM) as uow:
        count = text("SELECT count(*) FROM kernel.job WHERE dedupe_key = :key")
        assert uow.session.scalar(count, {"key": key}) == 1


def test_tables_without_an_organization_are_the_platforms_own() -> None:
    without = {table.fullname for table in TABLES if not org_columns(table)} - PARTY_TABLES
    assert without == {
        "billing.account_code",
        "billing.accounting_period",
        "billing.accounting_period_balance",
        "billing.bank_account",
        "billing.bank_assignment",
        "billing.bank_line",
        "billing.bank_outgoing",
        "billing.bank_return",
        "billing.bank_statement",
        "billing.transfer_credit",
        "billing.reconciliation_difference",
        "billing.reconciliation_run",
        "billing.ledger_seal",
        "billing.ledger_seal_entry",
        "billing.gateway_balance_entry",
        "billing.gateway_balance_reading",
        "billing.gateway_holding",
        "billing.incident",
        "billing.payout_batch",
        "billing.payout_report",
        "billing.reference_rate",
        "billing.sandbox_operation",
        "billing.share_policy",
        "billing.share_policy_version",
        "kernel.event_cursor",
        "kernel.inbox",
        "kernel.job",
        "kernel.job_attempt",
        "kernel.sandbox_clock",
        "kernel.sandbox_history",
        "marketplace.event_publication",
        "marketplace.bouncing_address",
        "marketplace.catalogue_version",
        "marketplace.email_proof",
        "marketplace.notification_setting",
        "marketplace.recovery_code",
        "marketplace.search_entry",
        "marketplace.second_factor",
        "marketplace.sign_in_count",
        "marketplace.provider_identity",
        "marketplace.tax_id_dispute",
    }


@pytest.mark.parametrize("table", [t for t in TABLES if org_columns(t)], ids=lambda table: table.fullname)
def test_an_index_begins_with_the_organization_or_with_its_parent(table: Table) -> None:
    """Rows are found by whose they are, or by the row of that organization to which they belong."""
    begins = {columns[0] for columns in leading(table) if columns}
    if table.fullname in NO_ORG_INDEX:
        return
    assert begins & {*org_columns(table), *parents(table)}, begins


def test_every_organization_of_a_row_exists_by_one_key() -> None:
    """An organization is locked by every key that names it: where a parent of the same one is named, that is enough."""
    for table in TABLES:
        implied = {
            column.name
            for key in table.foreign_key_constraints
            if len(key.elements) > 1
            for column in key.columns
            if ORG_COLUMN.search(column.name) and all(not one.nullable for one in key.columns)
        }
        direct = {
            column.name
            for key in table.foreign_key_constraints
            if key.referred_table.fullname == "marketplace.organization"
            for column in key.columns
        }
        assert not direct & implied, table.fullname
        if table.schema in {"orders", "fulfillment"}:
            # No key can lead from a list of several.
            lists = {column.name for column in table.columns if isinstance(column.type, ARRAY)}
            assert direct | implied >= set(org_columns(table)) - lists, table.fullname


def test_the_serving_role_owns_nothing_and_may_bypass_nothing(catalogue: Connection) -> None:
    owners = {
        row.owner
        for row in rows(
            catalogue,
            """
        SELECT DISTINCT pg_get_userbyid(c.relowner) AS owner
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY(:schemas)""",
        )
    }
    assert owners == {OWNER_ROLE}
    (role,) = rows(catalogue, "SELECT * FROM pg_roles WHERE rolname = :role", role=SERVING_ROLE)
    assert not any((role.rolsuper, role.rolbypassrls, role.rolcreaterole, role.rolcreatedb))
    assert not rows(
        catalogue,
        """SELECT 1 FROM pg_auth_members m WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = :role)""",
        role=SERVING_ROLE,
    )
    functions = rows(
        catalogue,
        """
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY(:schemas) AND p.prosecdef""",
    )
    assert not functions, "a function that runs as its owner would step around row level security"


def test_append_only_tables_are_those_verify_knows(catalogue: Connection) -> None:
    guarded = defaultdict(set)
    for row in rows(
        catalogue,
        """
            SELECT n.nspname || '.' || c.relname AS name, t.tgname
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY(:schemas) AND NOT t.tgisinternal AND NOT c.relispartition""",
    ):
        guarded[row.tgname.rsplit("_", 1)[-1]].add(row.name)
    assert guarded["only"] == set(APPEND_ONLY)
    assert guarded["undeletable"] == set(UNDELETABLE)


# ── types, constraints, indexes ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.fullname)
def test_money_and_rates_are_big_integers(table: Table, catalogue: Connection) -> None:
    named = {c.name for c in table.columns if c.name.endswith(("_minor", "_ppm"))}
    assert all(isinstance(table.c[name].type, BigInteger) for name in named)
    types = rows(
        catalogue,
        """SELECT column_name, data_type FROM information_schema.columns
           WHERE table_schema = :schema AND table_name = :name""",
        schema=table.schema,
        name=table.name,
    )
    wrong = {row.column_name for row in types if row.data_type in {"integer", "real", "double precision", "money"}}
    assert not wrong
    assert {row.column_name for row in types if row.column_name in named and row.data_type != "bigint"} == set()


def test_money_stands_beside_its_currency() -> None:
    money = {t.fullname for t in TABLES if any(c.name.endswith("_minor") for c in t.columns)}
    assert money <= {t.fullname for t in TABLES if "currency" in t.c}


def test_instants_know_their_zone(catalogue: Connection) -> None:
    assert not rows(
        catalogue,
        """
        SELECT table_schema, table_name, column_name FROM information_schema.columns
        WHERE table_schema = ANY(:schemas) AND data_type = 'timestamp without time zone'""",
    )


def test_every_foreign_key_has_an_index() -> None:
    for table in TABLES:
        indexes = leading(table)
        for key in table.foreign_key_constraints:
            columns = {column.name for column in key.columns}
            # What begins with the parent's id finds no other rows than what names its organization, too.
            of_parent = columns & parents(table)
            assert any(set(index[: len(columns)]) == columns or index[0] in of_parent for index in indexes), (
                table.fullname,
                columns,
            )


def test_foreign_keys_cross_floors_downward_only() -> None:
    floor = {"kernel": 0, "marketplace": 1, "fulfillment": 2, "billing": 2, "orders": 3}
    for table in TABLES:
        for key in table.foreign_key_constraints:
            other = key.referred_table
            assert other.schema == table.schema or floor[str(other.schema)] < floor[str(table.schema)], table.fullname


def test_states_of_the_database_are_those_of_the_machines(catalogue: Connection) -> None:
    assert set(MACHINE_TABLES) == set(machines)
    for machine, name in MACHINE_TABLES.items():
        (row,) = rows(
            catalogue,
            """SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint
               WHERE conrelid = to_regclass(:table) AND contype = 'c' AND conname = 'ck_' || :name || '_state'""",
            table=name,
            name=name.split(".")[1].strip('"'),
        )
        assert set(re.findall(r"'([a-z_]+)'", row.said)) == set(machines[machine].states), machine


def test_indexes_and_keys_are_those_of_the_models(addresses: Addresses, catalogue: Connection) -> None:
    """Alembic compares names and columns; conditions, orders and targets are compared here, as the server reads them."""
    assert addresses.database_admin_url is not None
    name = f"models_{os.getpid()}"
    engine = create_engine(create_database(addresses.database_admin_url, name))
    defined = """
        SELECT indexdef FROM pg_indexes i JOIN pg_class c ON c.oid = to_regclass(format('%I.%I', schemaname, tablename))
        WHERE schemaname = ANY(:schemas) AND NOT c.relispartition
        UNION SELECT k.conrelid::regclass::text || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY(:schemas) AND NOT c.relispartition AND k.contype IN ('f', 'u', 'p')"""
    try:
        with engine.begin() as modelled:
            for schema in SCHEMAS:
                modelled.execute(text(f"CREATE SCHEMA {schema}"))
            metadata.create_all(modelled)
            assert {row[0] for row in rows(catalogue, defined)} == {row[0] for row in rows(modelled, defined)}
    finally:
        engine.dispose()
        drop_database(addresses.database_admin_url, name)


def test_every_state_column_is_checked(catalogue: Connection) -> None:
    checked = {
        row.name
        for row in rows(
            catalogue,
            """
        SELECT k.conrelid::regclass::text AS name FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE n.nspname = ANY(:schemas) AND k.contype = 'c' AND k.conname ~ '_state$'""",
        )
    }
    with_state = {t.fullname for t in TABLES if "state" in t.c}
    assert with_state <= {name.replace('"', "") for name in checked}


def test_check_constraints_have_the_names_of_the_models(catalogue: Connection) -> None:
    """Domain errors hang on these names; Alembic's own comparison does not look at them."""
    modelled = {
        (table.fullname, str(made.name))
        for table in TABLES
        for made in table.constraints
        if isinstance(made, CheckConstraint)
    }
    found = {
        (row.name.replace('"', ""), row.conname)
        for row in rows(
            catalogue,
            """
        SELECT k.conrelid::regclass::text AS name, k.conname
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE n.nspname = ANY(:schemas) AND k.contype = 'c' AND NOT c.relispartition""",
        )
    }
    assert found == modelled


# ── partitions ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_partitioned_table_has_a_default_partition_and_months_ahead(catalogue: Connection) -> None:
    found = {
        row.name: row
        for row in rows(
            catalogue,
            """
        SELECT n.nspname || '.' || c.relname AS name, count(i.inhrelid) AS parts, p.partdefid <> 0 AS has_default
        FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_inherits i ON i.inhparent = c.oid
        WHERE n.nspname = ANY(:schemas) GROUP BY 1, p.partdefid""",
        )
    }
    modelled = {t.fullname for t in TABLES if t.dialect_options["postgresql"].get("partition_by")}
    assert set(found) == modelled
    assert all(row.has_default and row.parts >= 13 for row in found.values()), found


def test_partitions_are_reached_through_their_parents_only(catalogue: Connection) -> None:
    assert not rows(
        catalogue,
        """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = ANY(:schemas) AND c.relispartition AND c.relkind = 'r'
             AND has_table_privilege(:role, c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE')""",
        role=SERVING_ROLE,
    )


def test_whoever_migrates_later_adds_the_months_that_are_missing(addresses: Addresses, noon: datetime) -> None:
    assert addresses.database_admin_url is not None
    name = f"months_{os.getpid()}"
    own_url = create_database(addresses.database_admin_url, name)
    engine = create_engine(own_url)

    def months() -> set[str]:
        with engine.connect() as connection:
            found = connection.scalars(text("SELECT inhrelid::regclass::text FROM pg_inherits"))
            return {one for one in found if re.fullmatch(r"kernel\.event_p\d{6}", one)}

    try:
        upgrade(own_url)
        assert {f"kernel.event_p2026{month}" for month in (11, 12)} <= months()
        assert (len(months()), "kernel.event_p202801" in months()) == (15, True)
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            connection.execute(
                text("""INSERT INTO kernel.event (id, occurred_at, topic, subject_id, org_ids, payload)
                        VALUES (gen_random_uuid(), '2028-03-01 00:00+00', 't', gen_random_uuid(), '{}', '{}')""")
            )
        clock.advance(timedelta(days=150))
        for _ in range(2):
            upgrade(own_url)
            # March stays where its row is already.
            assert months() >= {"kernel.event_p202802", "kernel.event_p202804", "kernel.event_p202806"}
            assert (len(months()), "kernel.event_p202803" in months()) == (19, False)
    finally:
        engine.dispose()
        drop_database(addresses.database_admin_url, name)


def test_every_partitioned_table_says_how_long_its_rows_are_kept() -> None:
    assert set(RETENTION) == {table.fullname for table in partitioned_tables()}
    assert not set(RETENTION) & {f"billing.{table.name}" for table in TABLES if table.schema == "billing"}


def test_months_past_their_retention_are_dropped_and_nothing_else(addresses: Addresses, noon: datetime) -> None:
    assert addresses.database_admin_url is not None
    name = f"retention_{os.getpid()}"
    own_url = create_database(addresses.database_admin_url, name)
    engine = create_engine(own_url)

    def write(*instants: str) -> None:
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            for at in instants:
                connection.execute(
                    text("""INSERT INTO kernel.state_history (id, at, machine, subject_id, org_ids, to_state, actor)
                            VALUES (gen_random_uuid(), :at, 'm', gen_random_uuid(), '{}', 's', 'a')"""),
                    {"at": at},
                )
                connection.execute(
                    text("""INSERT INTO kernel.audit_entry (id, at, actor, action, detail)
                            VALUES (gen_random_uuid(), :at, 'a', 'b', '{}')"""),
                    {"at": at},
                )

    def kept(table: str) -> list[str]:
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            return list(
                connection.scalars(text(f"SELECT to_char(at AT TIME ZONE 'UTC', 'YYYYMM') FROM {table} ORDER BY at"))
            )

    try:
        upgrade(own_url)
        # One month from before there were partitions, two with their own.
        write("2026-10-31 23:59+00", "2026-11-30 23:59+00", "2026-12-01 00:00+00")
        assert retain_partitions(own_url) == []
        assert kept("kernel.state_history") == ["202610", "202611", "202612"]
        while clock.today() < date(2030, 12, 1):
            clock.advance(timedelta(days=15))
        dropped = retain_partitions(own_url)
        assert {"kernel.state_history_p202611", "kernel.state_history_default", "kernel.event_p202611"} <= set(dropped)
        assert kept("kernel.state_history") == ["202612"]
        assert kept("kernel.audit_entry") == ["202610", "202611", "202612"]
        assert retain_partitions(own_url) == []
        write("2030-12-31 12:00+00", "2099-01-01 00:00+00")
        assert kept("kernel.state_history") == ["202612", "203012", "209901"]
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT to_regclass('kernel.state_history_p203202') IS NOT NULL"))
            newest = "SELECT count(*) FROM kernel.state_history_p203012"
            assert connection.scalar(text(newest)) == 1
    finally:
        engine.dispose()
        drop_database(addresses.database_admin_url, name)


def test_a_months_rows_cannot_be_dropped_by_the_serving_role(db: Database) -> None:
    with pytest.raises(ProgrammingError, match="must be owner"), unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(text("DROP TABLE kernel.state_history_default"))


# ── migrations ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_migrations_lead_to_the_models_down_and_up_again(addresses: Addresses) -> None:
    assert addresses.database_admin_url is not None
    name = f"up_down_up_{os.getpid()}"
    own_url = create_database(addresses.database_admin_url, name)
    try:
        upgrade(own_url)
        assert find_differences(own_url) == []
        downgrade(own_url)
        engine = create_engine(own_url)
        with engine.connect() as connection:
            assert not rows(connection, "SELECT 1 FROM pg_namespace WHERE nspname = ANY(:schemas)")
        engine.dispose()
        upgrade(own_url)
        assert find_differences(own_url) == []
        revision, newest = find_revision(own_url)
        assert revision == newest is not None
    finally:
        drop_database(addresses.database_admin_url, name)


def test_rows_of_earlier_releases_are_seen_and_brought_along(addresses: Addresses) -> None:
    """Although row level security holds for the role that migrates, too."""
    assert addresses.database_admin_url is not None
    name = f"with_rows_{os.getpid()}"
    own_url = create_database(addresses.database_admin_url, name)
    engine = create_engine(own_url)
    try:
        upgrade(own_url, "0010")
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            for table, key in rows(
                connection,
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text "
                "IN ('orders.quote', 'orders.subscription', 'orders.subscription_term', 'orders.order_line', "
                "'marketplace.listing_version', 'marketplace.plan')",
            ):
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key}"))
            for statement in BEFORE_TERMS_END:
                connection.execute(text(statement))
        upgrade(own_url)
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            (ends,) = rows(connection, "SELECT ends_at = '2027-03-01 00:00+00' FROM orders.subscription")
            assert ends == (True,)
            (plan,) = rows(connection, f"SELECT plan_id = {B} FROM orders.subscription")
            assert plan == (True,)
            (quote,) = rows(connection, "SELECT invoice_party->>'legal_name', lines->0->>'taxed_as' FROM orders.quote")
            assert quote == ("频道集市（上海）网络科技有限公司", "software")
    finally:
        engine.dispose()
        drop_database(addresses.database_admin_url, name)


A, B, C = (f"'00000000-0000-7000-8000-00000000000{digit}'" for digit in "abc")
PLATFORM = "'00000000-0000-7000-8000-000000000001'"
BEFORE_TERMS_END = (
    f"""INSERT INTO marketplace.plan
        (id, org_id, listing_id, version_id, code, name, name_en, pricing, "interval", term_months, currency, unit_price_minor,
         tax_included, min_seats, max_seats, included_seats, trial_days, features, deadline_s, state, created_at)
        VALUES ({B}, {C}, {A}, {A}, 'pro', '', '', 'flat', 'month', 1, 'CNY', 1, true, 1, 1, 0, 0, '[]', 60, 'active', now())""",
    f"""INSERT INTO orders.order_line
        (id, order_id, buyer_org_id, seller_org_id, listing_id, listing_version_id, plan_id, plan, pricing, "interval",
         term_months, quantity, currency, unit_price_minor, list_minor, discount_minor, net_minor, tax_rate_ppm, tax_category,
         tax_reason, tax_included, tax_minor, gross_minor, claims, refund_window_days, created_at)
        VALUES ({A}, {A}, {B}, {C}, {A}, {A}, {B}, '{{}}', 'flat', 'month', 1, 1, 'CNY', 1, 1, 0, 1, 0, 'O', 'x', true, 0, 1,
                '[]', 7, now())""",
    f"""INSERT INTO orders.subscription
        (id, buyer_org_id, seller_org_id, order_line_id, state, quantity, anchor_day, auto_renew, created_at)
        VALUES ({A}, {B}, {C}, {A}, 'active', 1, 1, true, now())""",
    f"""INSERT INTO orders.subscription_term
        (id, subscription_id, buyer_org_id, seller_org_id, number, order_line_id, starts_at, ends_at)
        VALUES (gen_random_uuid(), {A}, {B}, {C}, 1, {A}, '2027-01-01 00:00+00', '2027-02-01 00:00+00'),
               (gen_random_uuid(), {A}, {B}, {C}, 2, {A}, '2027-02-01 00:00+00', '2027-03-01 00:00+00')""",
    f"""INSERT INTO marketplace.listing_version
        (id, org_id, listing_id, number, state, title, title_en, summary, summary_en, description, description_en,
         tax_category, refund_window_days, created_at)
        VALUES ({A}, {C}, {A}, 1, 'published', '', '', '', '', '', '', 'software', 7, now())""",
    f"""INSERT INTO orders.quote
        (id, buyer_org_id, currency, net_minor, tax_minor, gross_minor, lines, context, needs_approval, expires_at, created_at)
        VALUES ({A}, {PLATFORM}, 'CNY', 1, 0, 1, jsonb_build_array(jsonb_build_object('listing_version_id', {A})),
                '{{}}', false, now(), now())""",
)
"""Rows as revision 0010 has them; what they point to is left out."""
