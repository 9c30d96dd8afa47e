"""The local Stripe as a process of its own: `python -m app.local_stripe.serve --port 4242 --hook http://…/hooks/stripe`."""

from __future__ import annotations

import argparse
import os
import signal
import threading

from app.local_stripe.hook import Hook
from app.local_stripe.server import LocalStripe

FEE_PPM, FEE_FIXED_MINOR = 29_000, 30
"""What it keeps of a payment, as Stripe does of most cards: 2.9 % and 30 minor units."""


def main() -> None:
    """Answer until the process is asked to end. The secret by which events are signed is in STRIPE_WEBHOOK_SECRET."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hook", required=True, help="Where events are posted")
    given = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with LocalStripe(given.port) as stripe:
        stripe.fee_ppm, stripe.fee_fixed = FEE_PPM, FEE_FIXED_MINOR
        stripe.hook = Hook(given.hook, os.environ["STRIPE_WEBHOOK_SECRET"])
        ended.wait()


if __name__ == "__main__":
    main()
