"""Which processes the product consists of on one machine: the plan that `market up` and `market demo` supervise."""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.embedded.engines import Addresses
from app.embedded.forked_child import CAN_FORK
from app.embedded.supervised_process import ProcessSpec, accepts_connections
from app.embedded.supervisor import StartStep
from app.sample.outcome import SampleMarket, SampleSignIn
from app.startup import collection_paused
from kernel.settings import Settings

SELLER_FOLDER = Path(__file__).resolve().parent.parent / "examples" / "seller_app"
OUTCOME_FILE = "sample.json"
HISTORY_FILE = "history.json"
LOCAL_STRIPE = {
    "PAYMENT_GATEWAYS": "stripe",
    "STRIPE_API_KEY": "sk_test_on_this_machine",
    "STRIPE_WEBHOOK_SECRET": "whsec_on_this_machine",
}
"""Keys of a Stripe that holds nobody's money."""
SAMPLE_GATEWAYS = "sandbox,bank_transfer"
_TOLD_EVERY_PERCENT = 20


@dataclass(frozen=True)
class ProcessPlan:
    """The plan: migrations and sample data first, then all processes.

    The order is that of dependence, so that ending runs backwards: no new requests, jobs under way finish, then the
    seller they call.
    """

    settings: Settings
    sample: bool = True
    local_stripe_port: int | None = None
    """Where this machine's own Stripe answers; it is the only gateway then."""

    def load(self) -> None:
        """Load the product, where its processes are forked."""
        if CAN_FORK:
            with collection_paused():
                import app.whole_product  # noqa: F401 - for the children

    def ports(self) -> list[tuple[str, int, str]]:
        """The API's address and, with samples, the sample seller's."""
        ports = [(self.settings.host, self.settings.port, "PORT")]
        if self.sample:
            ports.append(("127.0.0.1", self.settings.sample_seller_port, "SAMPLE_SELLER_PORT"))
        if self.local_stripe_port is not None:
            ports.append(("127.0.0.1", self.local_stripe_port, "LOCAL_STRIPE_PORT"))
        return ports

    def steps(self, addresses: Addresses) -> list[StartStep]:
        """The sample market, which begins with the migrations; without samples the migrations alone."""
        environment = self._environment(addresses)
        if self.sample:
            return [
                StartStep(
                    "Preparing the database and the sample market",
                    "正在准备数据库与示例数据",
                    _own("seed", environment, "seed"),
                )
            ]
        return [
            StartStep(
                "Bringing the database up to date",
                "正在更新数据库结构",
                _own("migrate", environment, "migrate"),
            )
        ]

    def children(self, addresses: Addresses) -> list[ProcessSpec]:
        """Seller, renderer, worker (which schedules, too), API; once, what makes the sample market's past."""
        environment = self._environment(addresses)
        host, port = reachable(self.settings.host), self.settings.port
        own = [
            _own("renderer", environment, "worker", "--queue", "documents"),
            _own("worker", environment, "worker", "--scheduler"),
            _own("api", environment, "serve", is_ready=lambda: answers_ready(host, port)),
        ]
        if not self.sample:
            return own
        past = replace(_own("history", environment, "history"), once=True, news=HistoryNews(self.settings).tell)
        beside = [self._seller(), *([] if self.local_stripe_port is None else [self._stripe(self.local_stripe_port)])]
        return [*beside, *own, *([past] if self.settings.sample_history == "on" else [])]

    def _stripe(self, port: int) -> ProcessSpec:
        """Stripe's part of the story, over real HTTP. As the seller it does not know where the engines are."""
        hook = f"{self.settings.public_url}/hooks/stripe"
        environment = {"STRIPE_WEBHOOK_SECRET": LOCAL_STRIPE["STRIPE_WEBHOOK_SECRET"]}
        hidden = frozenset(name.upper() for name in Settings.model_fields) - environment.keys()
        arguments = ("-m", "app.local_stripe.serve", "--port", str(port), "--hook", hook)
        return ProcessSpec("stripe", arguments, environment, lambda: accepts_connections("127.0.0.1", port), hidden)

    def _seller(self) -> ProcessSpec:
        """The sample seller: a program of its own, told only what any seller would know, not where the engines are."""
        port = self.settings.sample_seller_port
        secrets = read_outcome(self.settings).seller_secrets
        environment = {
            "PORT": str(port),
            "SELLER_HOME": str(self.settings.market_home / "seller"),
            "SELLER_SECRETS": ",".join(f"{vendor}={secret}" for vendor, secret in secrets.items()),
            "MARKET_URL": self.settings.public_url,
            "PYTHONPATH": str(SELLER_FOLDER),
        }
        hidden = frozenset(name.upper() for name in Settings.model_fields) - environment.keys()
        return ProcessSpec(
            "seller", ("-m", "seller_app"), environment, lambda: accepts_connections("127.0.0.1", port), hidden
        )

    def _environment(self, addresses: Addresses) -> Mapping[str, str]:
        given = self.settings
        chosen = "payment_gateways" in given.model_fields_set
        return {
            **addresses.environment(),
            "MARKET_HOME": str(given.market_home),
            "HOST": given.host,
            "PORT": str(given.port),
            "SAMPLE_SELLER_PORT": str(given.sample_seller_port),
            "SAMPLE_HISTORY": given.sample_history,
            # People who look at the sample see what goes by bank, too, unless they chose the gateways themselves.
            **({"PAYMENT_GATEWAYS": SAMPLE_GATEWAYS} if self.sample and not chosen else {}),
            **(stripe_environment(self.local_stripe_port) if self.local_stripe_port is not None else {}),
        }


def stripe_environment(port: int) -> dict[str, str]:
    """What a market is told that takes payments through this machine's own Stripe alone."""
    return {**LOCAL_STRIPE, "STRIPE_BASE_ADDRESS": f"http://127.0.0.1:{port}"}


def _own(
    name: str, environment: Mapping[str, str], *command: str, is_ready: Callable[[], bool] | None = None
) -> ProcessSpec:
    """A process that runs `market COMMAND`."""
    return ProcessSpec(name, ("-m", "app.cli", *command), environment, is_ready, is_loaded=True)


def write_outcome(settings: Settings, outcome: SampleMarket) -> None:
    """Keep what the sample data told, for the supervisor in its other process. Only the owner may read it."""
    target = settings.market_home / OUTCOME_FILE
    target.touch(mode=0o600)
    target.write_text(json.dumps(asdict(outcome), ensure_ascii=False), encoding="utf-8")


def read_outcome(settings: Settings) -> SampleMarket:
    """What the sample data told; empty when there is none."""
    try:
        environment = json.loads((settings.market_home / OUTCOME_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SampleMarket((), {})
    return SampleMarket(tuple(SampleSignIn(**item) for item in environment["sign_ins"]), environment["seller_secrets"])


def write_history_progress(settings: Settings, percent: int, documents: int | None = None) -> None:
    """Keep how far the sample market's past is made, for the supervisor; `documents`: how many are still to be drawn."""
    target = settings.market_home / HISTORY_FILE
    part = target.with_suffix(".part")
    part.write_text(json.dumps({"percent": percent, "documents": documents}), encoding="utf-8")
    part.replace(target)


class HistoryNews:
    """What the console is told of the past's making: a line for each fifth of it, and the end."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.market_home / HISTORY_FILE
        self._told: tuple[int, bool, bool] | None = None

    def tell(self) -> tuple[str, str] | None:
        """The next line, if there is one: English, Chinese."""
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        percent, documents = found["percent"], found["documents"]
        state = percent // _TOLD_EVERY_PERCENT, documents is not None, documents == 0
        if state == self._told:
            return None
        first, self._told = self._told is None, state
        if documents is None:
            return (
                f"Living through the sample market's last three months: {percent} %",
                f"正在为示例市场补上最近三个月的往来：{percent}%",
            )
        if documents:
            return (
                f"The sample market has its past; its {documents} documents are being drawn meanwhile",
                f"示例市场的往来已补齐；正在后台绘制其 {documents} 份单据",
            )
        return None if first else ("All documents of the past are drawn", "往来单据已全部绘制完成")


def reachable(host: str) -> str:
    """The address at which a listener on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, never bound


def answers_ready(host: str, port: int) -> bool:
    """Whether the API on the address says that it is ready to serve (`GET /readyz` → 200)."""
    connection = http.client.HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
