"""`python -m seller_app`: run the vendor until told to stop (SIGTERM, SIGINT)."""

import argparse
import os
import signal
import threading
from pathlib import Path

from standardwebhooks import Webhook

from seller_app.server import SellerServer
from seller_app.store import Store


def main() -> None:
    """Read arguments and environment, listen, stop gracefully."""
    given = _arguments()
    store = Store(Path(given.data))
    for entry in given.secret:
        vendor, separator, secret = entry.partition("=whsec_")
        if separator:
            secret = f"whsec_{secret}"
        else:
            vendor, secret = "default", entry
        Webhook(secret)  # an unusable secret ends the program here rather than refusing every call later
        store.add_secret(vendor, secret)
    server = SellerServer((given.host, given.port), store, given.public_url.rstrip("/"), given.market_url)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server.worker.start()
    # Its loop looks up between connections only, so that an idle vendor costs nothing; it ends with the process.
    threading.Thread(target=server.serve_forever, args=(60.0,), daemon=True).start()
    print(f"seller app listening on {server.public_url}", flush=True)
    stop.wait()
    server.worker.stop()
    server.worker.join(timeout=12)
    server.server_close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="seller_app", description="A sample software vendor.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("PORT", "8010")), help="port; 0 takes a free one"
    )
    parser.add_argument("--data", default=os.environ.get("SELLER_HOME", "seller-data"), help="folder of the store")
    parser.add_argument(
        "--secret",
        action="append",
        default=[entry for entry in os.environ.get("SELLER_SECRETS", "").split(",") if entry],
        help="whsec_… or vendor=whsec_…; may be given several times",
    )
    parser.add_argument("--public-url", default="", help="own address in links, by default http://127.0.0.1:PORT")
    parser.add_argument("--market-url", default=os.environ.get("MARKET_URL", ""), help="where 'back' leads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
