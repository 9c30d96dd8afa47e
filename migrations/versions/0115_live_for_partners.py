"""A live session may be for its host's partners by their links, all of them or those in some tiers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0115"
down_revision = "0102"
branch_labels = None
depends_on = None

_OPEN = "visibility IN ('public', 'unlisted')"
_NAMED = "kernel.current_org() = ANY(partner_ids)"
# As in 0089: in a subquery of its own it is asked once a statement.
_LINKED = "partner_groups && (SELECT marketplace.partner_groups(kernel.current_org()))"
_TABLE = "marketplace.live_session"


def upgrade() -> None:
    """What there is is shown to whom it was."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    groups = sa.Column("partner_groups", postgresql.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'"))
    op.add_column("live_session", groups, schema="marketplace")
    ended = sa.Column("links_ended", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("live_session", ended, schema="marketplace")
    shared = f"visibility = 'partners' AND ({_NAMED} OR {_LINKED})"
    op.execute(f"ALTER POLICY shown ON {_TABLE} USING ({_OPEN} OR ({shared}))")


def downgrade() -> None:
    """What was for partners by their links is kept inside: it is shown to nobody who did not see it."""
    op.execute(f"ALTER POLICY shown ON {_TABLE} USING ({_OPEN} OR (visibility = 'partners' AND {_NAMED}))")
    op.execute(f"UPDATE {_TABLE} SET visibility = 'internal' WHERE visibility = 'partners' AND partner_ids = '{{}}'")
    for column in ("links_ended", "partner_groups"):
        op.drop_column("live_session", column, schema="marketplace")
