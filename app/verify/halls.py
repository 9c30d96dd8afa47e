"""Halls: a contact goes to a booth while the hall is open, and what was taken back is nowhere any more."""

from __future__ import annotations

from app.verify.rule import Query

EXCHANGED = Query(
    "halls.exchanged",
    "每次交出参展证时展会正在开放。",
    "Every badge that was given to a booth was given while the hall was open.",
    """
    SELECT x.id AS exchange_id, h.id AS hall_id, x.given_at, h.opens_at, h.closes_at
    FROM marketplace.hall_exchange x
    JOIN marketplace.hall_booth b ON b.id = x.booth_id
    JOIN marketplace.hall h ON h.id = b.hall_id
    WHERE x.given_at IS NOT NULL
      AND (h.published_at IS NULL OR x.given_at < h.opens_at OR x.given_at >= h.closes_at)
    """,
)
REVOKED = Query(
    "halls.revoked",
    "收回的参展证在线索中不留联系方式；撤回的请求不再持有参展证。",
    "Of a badge that was taken back no contact is left in its lead, and of a withdrawn request no badge is given.",
    """
    SELECT x.id AS exchange_id, x.lead_id, x.state, l.state AS lead_state
    FROM marketplace.hall_exchange x
    JOIN marketplace.lead l ON l.id = x.lead_id
    WHERE (x.state = 'given' AND l.state = 'withdrawn')
       OR (x.state = 'revoked' AND l.consent_version LIKE 'hall-%' AND (l.contact_email <> '' OR l.contact_phone <> '')
           AND NOT EXISTS (
               SELECT 1 FROM marketplace.hall_exchange o
               WHERE o.lead_id = x.lead_id AND o.state = 'given'
                 AND (o.email, o.phone) = (l.contact_email, l.contact_phone)))
    """,
)
AGENDA = Query(
    "halls.agenda",
    "议程的每一项都在展会期间内。",
    "Everything on a hall's agenda lies within its dates.",
    """
    SELECT a.id AS agenda_item_id, h.id AS hall_id, a.starts_at, a.ends_at
    FROM marketplace.hall_agenda_item a JOIN marketplace.hall h ON h.id = a.hall_id
    WHERE a.starts_at < h.opens_at OR a.ends_at > h.closes_at
    """,
)

RULES = (EXCHANGED, REVOKED, AGENDA)
