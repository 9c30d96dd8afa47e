"""A group robot and announcements in the market that `verify` is tried on, through the product's own verbs."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import EventRow
from kernel.jobs.runner import drain
from kernel.outbound import OutboundClient
from kernel.principal import SYSTEM, Principal
from kernel.secrets import SecretBox
from marketplace.notifications.notify import NewNotification, notify
from marketplace.robots import jobs
from marketplace.robots.protocols import Posted, RobotPoster
from marketplace.robots.queue_messages import queue_robot_messages
from marketplace.robots.save_robot import SaveRobot, save_robot
from orders.announcements.deliver import deliver_one
from orders.announcements.models import AnnouncementDelivery
from orders.announcements.publish import PublishAnnouncement, publish_announcement
from orders.order.events import OrderPaid


class Posting(RobotPoster):
    """Group robots whose providers take whatever is posted."""

    def __init__(self) -> None:
        super().__init__(cast("OutboundClient", None), {"wecom": "https://wecom.example"}, "https://market.example")

    def post(self, *_: object, **__: object) -> Posted:
        """As `RobotPoster.post`."""
        return Posted("taken")


def register(box: SecretBox) -> None:
    """Stand in for the providers."""
    jobs.register(Posting(), box)


def tell_group(db: Database, box: SecretBox, owner: Principal) -> None:
    """The owner's organization has a group, and it is told of the latest order that was paid, as its people are."""
    address = f"https://wecom.example/cgi-bin/webhook/send?key={uuid7().hex}"
    with unit_of_work(db, owner) as uow:
        save_robot(uow, SaveRobot("team", "wecom", address, ["sales"]), box=box, bases=Posting().bases)
    with unit_of_work(db, SYSTEM) as uow:
        wanted = select(EventRow).where(EventRow.topic == OrderPaid.topic)
        event = uow.session.scalars(wanted.order_by(EventRow.occurred_at.desc(), EventRow.id).limit(1)).one()
        item = NewNotification(
            event.id,
            event.occurred_at,
            "order_received",
            "/seller/orders",
            {"buyer": "星河", "what": "席位", "number": "CM-1", "amount_minor": 100, "currency": "CNY"},
            org_id=owner.organization(),
            permission="seller.orders.read",
        )
        notify(uow, [item], mails=False)
        queue_robot_messages(uow, [item])
    drain(db)


def announce(db: Database, owner: Principal, buyer_id: UUID) -> None:
    """A seller announces two things to its customers: one stands in the thread with a buyer, one waits."""
    with unit_of_work(db, owner) as uow:
        first = publish_announcement(uow, PublishAnnouncement("升级", "周六凌晨。")).id
        publish_announcement(uow, PublishAnnouncement("新功能", "可批量导入。"))
    with unit_of_work(db, SYSTEM) as uow:
        of_first = (AnnouncementDelivery.announcement_id == first, AnnouncementDelivery.buyer_org_id == buyer_id)
        deliver_one(uow, uow.session.scalars(select(AnnouncementDelivery.id).where(*of_first)).one())
