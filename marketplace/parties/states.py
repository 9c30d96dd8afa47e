"""What may follow what for an organization."""

from kernel.states import Machine, edges

ORGANIZATION = Machine(
    "marketplace.organization",
    initial="active",
    edges=edges(active="suspended", suspended="active"),
)
