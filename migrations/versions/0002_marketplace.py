"""First floor: organizations, people, channels, videos, listings, placements, touchpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl, marketplace_catalogue

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "touchpoint claim placement plan listing_version listing share_link video follow channel api_key session member "
    "person seller_onboarding billing_profile organization"
).split()
FUNCTIONS = ("find_person(text)", "find_share_link(text)", "keep_published()")
OWNED = (
    "billing_profile seller_onboarding member session api_key channel follow video share_link listing listing_version "
    "plan placement claim"
).split()
# Asked under row level security itself: a video one may not see shows neither its cards nor its claims.
OF_A_VIDEO = "EXISTS (SELECT 1 FROM marketplace.video v WHERE v.id = video_id)"
# Part of the second net, as conditions under which other organizations read a row.
SHOWN = {
    "channel": "true",
    "video": "state = 'published' AND visibility = 'public'",
    "listing": "state IN ('published', 'suspended', 'retired')",
    "listing_version": "published_at IS NOT NULL",
    "plan": "published_at IS NOT NULL",
    "placement": f"seller_org_id = kernel.current_org() OR {OF_A_VIDEO}",
    "claim": OF_A_VIDEO,
}


def upgrade() -> None:
    """Create the schema, its tables, and what keeps them apart and unchanged."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    ddl.create_schema("marketplace")
    _organizations()
    _people()
    _keys_and_channels()
    _videos()
    marketplace_catalogue.create_tables()
    _functions()
    _platform()
    _isolation()


def _organizations() -> None:
    op.create_table(
        "organization",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("legal_name", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("tax_id", sa.Text),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("industry", sa.Text),
        sa.Column("is_seller", sa.Boolean, nullable=False),
        sa.Column("is_platform", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_organization_country"),
        sa.CheckConstraint("state IN ('active', 'suspended')", name="ck_organization_state"),
        sa.Index("uq_organization_country_tax_id", "country", "tax_id", unique=True),
        schema="marketplace",
    )
    op.create_table(
        "billing_profile",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("legal_name", sa.Text, nullable=False),
        sa.Column("tax_id", sa.Text),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("bank_name", sa.Text),
        sa.Column("bank_account_masked", sa.Text),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_billing_profile"),
        sa.UniqueConstraint("org_id", "id", name="uq_billing_profile_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_billing_profile_org_id"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_billing_profile_country"),
        sa.Index("uq_billing_profile_default", "org_id", unique=True, postgresql_where=sa.text("is_default")),
        schema="marketplace",
    )
    op.create_table(
        "seller_onboarding",
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("legal_done_at", INSTANT),
        sa.Column("bank_done_at", INSTANT),
        sa.Column("tax_done_at", INSTANT),
        sa.Column("agreement_done_at", INSTANT),
        sa.Column("connector_done_at", INSTANT),
        sa.Column("bank_holder", sa.Text),
        sa.Column("bank_name", sa.Text),
        sa.Column("bank_account_masked", sa.Text),
        sa.Column("agreement_version", sa.Text),
        sa.Column("completed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_seller_onboarding"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_seller_onboarding_org_id"),
        schema="marketplace",
    )


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("is_operator", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("email", name="uq_person_email"),
        sa.CheckConstraint("email = lower(email)", name="ck_person_email_lower"),
        schema="marketplace",
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
        sa.UniqueConstraint("org_id", "person_id", name="uq_member_org_id_person_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_member_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_member_person_id"),
        sa.CheckConstraint("state IN ('active', 'removed')", name="ck_member_state"),
        sa.Index("ix_member_person_id", "person_id"),
        schema="marketplace",
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("token_hash", name="uq_session_token_hash"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_session_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_session_person_id"),
        sa.Index("ix_session_expires_at", "expires_at"),
        sa.Index("ix_session_org_id", "org_id", "person_id"),
        sa.Index("ix_session_person_id", "person_id"),
        schema="marketplace",
    )


def _keys_and_channels() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("prefix", name="uq_api_key_prefix"),
        sa.ForeignKeyConstraint(["created_by"], ["marketplace.person.id"], name="fk_api_key_created_by"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_api_key_org_id"),
        sa.Index("ix_api_key_created_by", "created_by"),
        sa.Index("ix_api_key_org_id_created_at", "org_id", "created_at"),
        schema="marketplace",
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("bio", sa.Text, nullable=False),
        sa.Column("bio_en", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channel"),
        sa.UniqueConstraint("handle", name="uq_channel_handle"),
        sa.UniqueConstraint("org_id", "id", name="uq_channel_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_channel_org_id"),
        sa.CheckConstraint("handle ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'", name="ck_channel_handle"),
        schema="marketplace",
    )
    op.create_table(
        "follow",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("channel_id", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_follow"),
        sa.UniqueConstraint("org_id", "person_id", "channel_id", name="uq_follow_org_id_person_id_channel_id"),
        sa.ForeignKeyConstraint(["channel_id"], ["marketplace.channel.id"], name="fk_follow_channel_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_follow_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_follow_person_id"),
        sa.Index("ix_follow_channel_id", "channel_id"),
        sa.Index("ix_follow_person_id", "person_id"),
        schema="marketplace",
    )


def _videos() -> None:
    op.create_table(
        "video",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("channel_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("description_en", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text),
        sa.Column("media_key", sa.Text),
        sa.Column("media_sha256", sa.Text),
        sa.Column("media_bytes", sa.BigInteger),
        sa.Column("media_type", sa.Text),
        sa.Column("cover_key", sa.Text),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("width", sa.BigInteger),
        sa.Column("height", sa.BigInteger),
        sa.Column("video_codec", sa.Text),
        sa.Column("audio_codec", sa.Text),
        sa.Column("refused_code", sa.Text),
        sa.Column("refused_params", postgresql.JSONB),
        sa.Column("published_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_video"),
        sa.UniqueConstraint("org_id", "id", name="uq_video_org_id_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "channel_id"],
            ["marketplace.channel.org_id", "marketplace.channel.id"],
            name="fk_video_org_id_channel_id",
        ),
        sa.CheckConstraint(
            "state NOT IN ('ready', 'published', 'withdrawn') OR (media_key IS NOT NULL AND duration_ms > 0)",
            name="ck_video_playable",
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'processing', 'ready', 'published', 'withdrawn', 'refused')", name="ck_video_state"
        ),
        sa.CheckConstraint("visibility IN ('public', 'partners', 'internal')", name="ck_video_visibility"),
        sa.Index(
            "ix_video_feed",
            "published_at",
            "id",
            postgresql_where=sa.text("state = 'published' AND visibility = 'public'"),
        ),
        sa.Index("ix_video_org_id_channel_id", "org_id", "channel_id"),
        sa.Index("ix_video_org_id_created_at", "org_id", "created_at"),
        schema="marketplace",
    )
    op.create_table(
        "share_link",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_share_link"),
        sa.UniqueConstraint("code", name="uq_share_link_code"),
        sa.UniqueConstraint("org_id", "person_id", "video_id", name="uq_share_link_org_id_person_id_video_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_share_link_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_share_link_person_id"),
        sa.ForeignKeyConstraint(["video_id"], ["marketplace.video.id"], name="fk_share_link_video_id"),
        sa.Index("ix_share_link_person_id", "person_id"),
        sa.Index("ix_share_link_video_id", "video_id"),
        schema="marketplace",
    )


def _functions() -> None:
    """Two questions one may ask without seeing the row, and the guard of what is published."""
    # The switch is turned for one statement and back: a function's own SET clause is for superusers where the
    # setting is a custom one.
    op.execute("""
        CREATE FUNCTION marketplace.find_person(address text) RETURNS uuid LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true); found uuid;
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT p.id INTO found FROM marketplace.person p WHERE p.email = lower(address);
            PERFORM set_config('app.platform', coalesce(was, ''), true);
            RETURN found;
        END $$""")
    op.execute("""
        CREATE FUNCTION marketplace.find_share_link(shared text, OUT id uuid, OUT org_id uuid, OUT video_id uuid)
        LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true);
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT l.id, l.org_id, l.video_id INTO id, org_id, video_id
            FROM marketplace.share_link l WHERE l.code = shared;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
        END $$""")
    op.execute("""
        CREATE FUNCTION marketplace.keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.published_at IS NULL THEN
                RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
            END IF;
            IF TG_OP = 'DELETE' OR to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
                RAISE EXCEPTION '% is published and unchangeable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$""")
    for table, changeable in (("listing_version", "'state'"), ("plan", "'state', 'connector_id'")):
        op.execute(
            f"CREATE TRIGGER {table}_keep_published BEFORE UPDATE OR DELETE ON marketplace.{table} "
            f"FOR EACH ROW EXECUTE FUNCTION marketplace.keep_published({changeable})"
        )


def _platform() -> None:
    """The platform's own organization; the operator puts its registered name and tax identifier in its place."""
    op.execute("""
        INSERT INTO marketplace.organization
            (id, legal_name, display_name, country, tax_id, locale, time_zone, is_seller, is_platform, state,
             created_at)
        VALUES ('00000000-0000-7000-8000-000000000001', '频道集市（上海）网络科技有限公司', 'Channel Market', 'CN',
                '91310104MA7JH5K2QP', 'zh-CN', 'Asia/Shanghai', false, true, 'active', now())""")


def _isolation() -> None:
    """Row level security: the organization's own rows, and what the catalogue shows to everybody."""
    for table in OWNED:
        ddl.grant(f"marketplace.{table}")
        ddl.isolate(f"marketplace.{table}", "org_id", also_read=SHOWN.get(table))
    for table in ("organization", "person"):
        ddl.grant(f"marketplace.{table}")
    # Who sells is known to everybody: buyers read on an invoice whom they bought from.
    ddl.isolate("marketplace.organization", "id", also_read="is_seller OR is_platform")
    op.execute("ALTER TABLE marketplace.person ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.person FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON marketplace.person USING (kernel.is_platform())")
    op.execute("""CREATE POLICY colleague ON marketplace.person FOR SELECT
                  USING (EXISTS (SELECT 1 FROM marketplace.member m WHERE m.person_id = person.id))""")
    op.execute("CREATE POLICY invited ON marketplace.person FOR INSERT WITH CHECK (NOT is_operator)")
    ddl.append_only("marketplace.touchpoint")
    op.execute("ALTER TABLE marketplace.touchpoint ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.touchpoint FORCE ROW LEVEL SECURITY")
    op.execute("""CREATE POLICY organization ON marketplace.touchpoint FOR SELECT USING (kernel.is_platform()
                  OR org_id = kernel.current_org() OR channel_org_id = kernel.current_org())""")
    op.execute("""CREATE POLICY arrival ON marketplace.touchpoint FOR INSERT WITH CHECK (kernel.is_platform()
                  OR org_id IS NULL OR org_id = kernel.current_org())""")


def downgrade() -> None:
    """Drop everything of the first floor."""
    op.execute("DROP POLICY colleague ON marketplace.person")
    op.drop_constraint("fk_listing_current_version", "listing", schema="marketplace", type_="foreignkey")
    for table in TABLES:
        op.drop_table(table, schema="marketplace")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION marketplace.{function}")
    op.execute("DROP SCHEMA marketplace")
