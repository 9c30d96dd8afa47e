"""What may follow what for a listing, its versions and its plans.

A listing's state is what buyers see of it; a later version is reviewed while the published one goes on selling.
"""

from kernel.states import Machine, edges

LISTING = Machine(
    "marketplace.listing",
    initial="draft",
    edges=edges(
        draft="in_review",
        in_review="published rejected",
        rejected="in_review",
        published="suspended retired",
        suspended="published retired",
        retired="",
    ),
)

VERSION = Machine(
    "marketplace.listing_version",
    initial="draft",
    edges=edges(
        draft="in_review",
        in_review="published rejected",
        rejected="draft",
        published="superseded",
        superseded="",
    ),
)

PLAN = Machine("marketplace.plan", initial="active", edges=edges(active="withdrawn", withdrawn=""))
