"""The life of a legal document: queued without a number, then issued with one, for ever."""

from __future__ import annotations

from kernel.states import Machine, edges

INVOICE = Machine("invoice", initial="queued issued", edges=edges(queued="issued", issued=""))
