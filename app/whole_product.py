"""All that the product's processes run, in one import: `market up` loads it once, and the processes that it forks share it."""

import uvicorn.lifespan.on
import uvicorn.loops.uvloop

import api.app
import app.http_protocol
import app.sample.seed
import app.worker

MODULES = (
    api.app,
    app.http_protocol,
    app.sample.seed,
    app.worker,
    uvicorn.lifespan.on,
    uvicorn.loops.uvloop,
)
"""Imported for what they load."""
