"""What may follow what for a membership."""

from kernel.states import Machine, edges

MEMBER = Machine("marketplace.member", initial="active", edges=edges(active="removed", removed="active"))
