"""All that the product's processes run, in one import: `market up` loads it once, and the processes that it forks share it."""

import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl

import api.app
import app.sample.seed
import app.worker

MODULES = (
    api.app,
    app.sample.seed,
    app.worker,
    uvicorn.lifespan.on,
    uvicorn.loops.uvloop,
    uvicorn.protocols.http.httptools_impl,
)
"""Imported for what they load."""
