"""What may follow what for a video. A file that was refused or is not published yet may be replaced by another."""

from kernel.states import Machine, edges

VIDEO = Machine(
    "marketplace.video",
    initial="draft",
    edges=edges(
        draft="processing",
        processing="ready refused",
        refused="processing",
        ready="processing published",
        published="withdrawn",
        withdrawn="published",
    ),
)
