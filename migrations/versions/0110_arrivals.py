"""Who led a visitor here is known of whom they sign in as: an arrival is a touchpoint."""

from __future__ import annotations

from alembic import op

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None

TABLE = "marketplace.touchpoint"


KINDS = "'impression', 'view', 'card_click', 'share', 'lead'"


def upgrade() -> None:
    """A kind more."""
    _kinds(f"{KINDS}, 'arrival'")


def downgrade() -> None:
    """Arrivals that were recorded stay: nobody asks for them any more."""
    _kinds(KINDS, " NOT VALID")


def _kinds(kinds: str, how: str = "") -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT ck_touchpoint_kind")
    op.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT ck_touchpoint_kind CHECK (kind IN ({kinds})){how}")
