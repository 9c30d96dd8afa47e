"""Every job of this floor, with the ports it works through; called once by the composition of each process."""

from __future__ import annotations

from kernel.storage import Storage
from marketplace.access import jobs as access_jobs
from marketplace.attribution import count_touchpoints
from marketplace.catalog import jobs as catalog_jobs
from marketplace.discovery import jobs as discovery_jobs
from marketplace.live import jobs as live_jobs
from marketplace.mail import jobs as mail_jobs
from marketplace.mail.compose import Composer
from marketplace.mail.ports import MailTransport
from marketplace.notifications import jobs as notification_jobs
from marketplace.parties import open_tax_id_dispute
from marketplace.payers import follow_groups
from marketplace.publishing import jobs as publishing_jobs
from marketplace.relations import jobs as relation_jobs
from marketplace.response_cards import jobs as response_card_jobs
from marketplace.training import jobs as training_jobs
from marketplace.videos import jobs as video_jobs

FOLLOWERS = (open_tax_id_dispute, count_touchpoints, follow_groups)
"""Imported for what they register."""


def register(storage: Storage, transport: MailTransport, composer: Composer, *, review_by_rule: bool) -> None:
    """Register every folder's jobs. `review_by_rule` (sandbox): as the catalogue's own."""
    access_jobs.register()
    catalog_jobs.register(review_by_rule=review_by_rule)
    video_jobs.register(storage)
    publishing_jobs.register()
    discovery_jobs.register()
    live_jobs.register()
    mail_jobs.register(transport, composer)
    notification_jobs.register()
    relation_jobs.register()
    response_card_jobs.register()
    training_jobs.register()
