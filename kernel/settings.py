"""Every setting of the service, in one frozen object that is read once, at the start of a process.

A setting is an environment variable of the same name in capitals (`DATABASE_URL` for `database_url`). Nothing else
in the program reads the environment for configuration. `docs/settings.md` is generated from this module by
`kernel/settings_page.py`, and a test keeps the two equal.

In sandbox mode, the default, every setting has a working value. In production mode nothing is guessed: `load_settings`
refuses to go on and lists every setting that is missing or unsafe, all at once.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kernel.encryption_key import decode_key, sandbox_key
from kernel.name_servers import parse_name_servers
from kernel.production_settings import production_problems
from kernel.settings_error import SettingProblem, SettingsError

_ONE_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+", re.ASCII)
_SMTP_URL = re.compile(r"smtp(s|\+plain)?://([^\s/@]+@)?[^\s/@:]+(:\d{1,5})?")
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")
Gateway = Literal["sandbox", "stripe", "bank_transfer"]
SANDBOX_ACCOUNT = "Channel Market · Sandbox Bank · 6222 0000 0000 0210"


class Settings(BaseSettings):
    """Settings of one process. Frozen: a changed setting is a new object (`model_copy(update=…)`)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, case_sensitive=False, hide_input_in_errors=True
    )

    market_mode: Literal["sandbox", "production"] = Field(
        default="sandbox",
        description="`sandbox` runs with nothing configured and moves no real money; `production` accepts no default "
        "that is unsafe and refuses to start until every setting it needs is given.",
    )
    market_home: Path = Field(
        default=Path(".market"),
        description="Data folder: embedded databases, stored media and documents, logs, the generated sandbox key. "
        "Relative paths start at the current directory.",
    )
    base_url: str = Field(
        default="",
        description="Public address of the service without a trailing slash, used in links, redirects and webhooks. "
        "Pages are taken for our own at this scheme, host and port only. Empty: `http://HOST:PORT`, and the same port of "
        "`localhost`.",
    )
    host: str = Field(default="127.0.0.1", description="Address on which `market serve` listens.")
    port: int = Field(default=8000, ge=1, le=65535, description="TCP port on which `market serve` listens.")
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key-encryption key for stored secrets: 32 random bytes in URL-safe base64. Sandbox: generated "
        "once into `secret.key` in the data folder.",
    )

    database_url: str | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL 15 or newer, as the serving role: no superuser, no BYPASSRLS, owner of nothing "
        "(`postgresql+psycopg://user:password@host/database`). Empty: the embedded server.",
    )
    database_admin_url: str | None = Field(
        default=None,
        repr=False,
        description="The same database as the role that owns the schemas and migrates them. With CREATEROLE it also "
        "creates a missing serving role. Not needed to serve; where the worker knows it, partitions are made and dropped "
        "by themselves.",
    )
    database_pool_size: int = Field(
        default=8, ge=1, le=200, description="Most database connections held open by one process."
    )
    redis_url: str | None = Field(
        default=None,
        repr=False,
        description="Redis 7 or Valkey 8 or newer; it only tells workers of due jobs, losing it loses no work "
        "(`redis://host:6379/0`). Empty: the embedded Valkey.",
    )
    storage_url: str = Field(
        default="",
        description="Where media and documents are kept, as an object-store URL (`s3://bucket/prefix`, "
        "`file:///folder`). Empty: the folder `storage` in the data folder.",
    )

    ledger_heads_file: str = Field(
        default="",
        description="A file in which the daily heads of the ledger's hash chain are kept, signed, for `market verify` to compare "
        "with: best where whoever administers the database cannot write. Empty: they are kept nowhere else.",
    )

    ledger_heads_email: str = Field(
        default="",
        description="An address that is mailed each daily head of the ledger's hash chain, signed: a line as in "
        "`LEDGER_HEADS_FILE`, in a mailbox that nobody who administers the database reads. Empty: none is mailed.",
    )

    payment_gateways: Annotated[tuple[Gateway, ...], NoDecode] = Field(
        default=("sandbox",),
        description="Payment gateways offered at checkout, separated by commas: `sandbox`, `stripe`, `bank_transfer` (to "
        "the accounts on the page `/operator/bank`; with it purchases on account). Beside `sandbox` alone transfers go to the "
        "sandbox's own bank. The sample market of `market up` has both.",
    )
    fapiao_issuer: Literal["", "sandbox", "none"] = Field(
        default="",
        description="Who numbers Chinese tax invoices (数电票): `sandbox`, with numbers that no authority knows, or `none`. "
        "Empty: `sandbox` where nothing but the sandbox takes payments, with transfers to its own bank or without, else `none`.",
    )
    fapiao_limit: int = Field(
        default=1_000_000, ge=1_000, le=100_000_000, description="Most on one tax invoice, in whole yuan without tax."
    )
    stripe_api_key: SecretStr | None = Field(default=None, description="Secret API key of the Stripe account.")
    stripe_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signing secret (`whsec_…`) of the Stripe webhook endpoint `/hooks/stripe`; several, separated by commas, "
        "while one is replaced.",
    )
    stripe_base_address: str = Field(
        default="https://api.stripe.com", description="Address of the Stripe API; changed only for test servers."
    )

    dingtalk_address: str = Field(
        default="https://api.dingtalk.com",
        description="Address of DingTalk's open API, which approvals are asked by; changed only for test servers.",
    )
    dingtalk_robot_address: str = Field(
        default="https://oapi.dingtalk.com",
        description="As that of DingTalk's group robots; those of WeCom and Feishu are called at their address.",
    )
    wecom_address: str = Field(
        default="https://qyapi.weixin.qq.com", description="Address of WeCom's API, as that of DingTalk."
    )
    feishu_address: str = Field(
        default="https://open.feishu.cn",
        description="Address of Feishu's open API, as that of DingTalk; `https://open.larksuite.com` for Lark.",
    )

    smtp_url: str = Field(
        default="",
        repr=False,
        description="Where mail is submitted: `smtps://user:password@host:465` (TLS), `smtp://…:587` (STARTTLS required) or "
        "`smtp+plain://host:25` for a server of one's own. Sandbox, empty: the folder `outbox` in the data folder, which the "
        "page `/outbox` shows.",
    )
    mail_from: str = Field(
        default="",
        description="The address that mail comes from, without a name. Sandbox, empty: `no-reply@market.example`.",
    )

    dns_resolvers: str = Field(
        default="",
        description="Name servers that are asked whether a domain carries the record of a claim to it: addresses with a port "
        "where it is not 53, by commas. Empty: the platform's people look at every claim.",
    )
    verification_account: str = Field(
        default="",
        max_length=200,
        description="The platform's bank account, on one line, to which organizations send a small transfer to prove who they "
        "are. Empty: they hand in documents only; a sandbox names an account of its own.",
    )
    verification_currency: str = Field(
        default="CNY", pattern="^[A-Z]{3}$", description="The currency of `VERIFICATION_ACCOUNT`."
    )

    payout_bank_accounts: str = Field(
        default="",
        repr=False,
        description="The platform's bank accounts that pay sellers and promoters: `CURRENCY COUNTRY ACCOUNT BANKCODE` each, `*` "
        "for any currency (`CNY CN 6222… 102100099996; EUR DE DE89…`). Empty: nobody is paid by bank; a sandbox has its own.",
    )
    payout_second_person_above: int = Field(
        default=10_000,
        ge=0,
        le=10**9,
        description="Batches of payouts by bank, and returns of received transfers, of more whole units than this need the "
        "approval of a person not involved.",
    )

    listing_review: Literal["rule", "person"] = Field(
        default="rule",
        description="Who decides about listings that are handed in, in the sandbox: `rule` approves at once what passed the "
        "automatic checks, `person` leaves it to the platform's reviewer. In production a person always decides.",
    )

    forwarded_hops: int = Field(
        default=0,
        ge=0,
        le=9,
        description="How many proxies of one's own stand in front and add the caller to `X-Forwarded-For`; limits per "
        "network address count that caller. 0: nobody, the header is ignored.",
    )
    rate_limit_credential: int | None = Field(
        default=None,
        ge=0,
        le=10**9,
        description="Requests a minute that one session or API key may make, in all API processes together. 0: any number. "
        "Empty: 6000, in the sandbox a million, because there one machine plays everybody.",
    )
    rate_limit_network: int | None = Field(
        default=None,
        ge=0,
        le=10**9,
        description="Requests a minute that one network address may make without signing in (of IPv6 the /64), and as many with "
        "credentials that are none. 0: any number. Empty: 1200, in the sandbox a million.",
    )
    api_threads: int = Field(
        default=4, ge=1, le=64, description="Threads that run request handlers in one API process."
    )
    worker_threads: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Threads of one worker process that run jobs, each with a database connection.",
    )
    worker_calls: int = Field(
        default=16, ge=1, le=256, description="Calls to sellers and gateways that one worker process makes at a time."
    )
    shutdown_grace_s: int = Field(
        default=15,
        ge=1,
        le=600,
        description="Seconds that requests and jobs under way get to finish when a process is asked to stop.",
    )
    outbound_allowed: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="`host:port` pairs, separated by commas, that outbound calls may reach although the address is "
        "private. Sandbox: the sample seller is always among them.",
    )
    live_stream_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts (`host` or `host:port`, with commas) whose HLS streams live sessions show. Empty: films only.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="What a scraper sends as `Authorization: Bearer …` to read `GET /metrics`. Empty: there is no such page.",
    )
    sample_seller_port: int = Field(
        default=8010, ge=1, le=65535, description="Loopback port of the sample seller that `market up` starts."
    )
    sample_history: Literal["on", "off"] = Field(
        default="on",
        description="Whether `market up` lets a fresh sample market live through the three months before it, behind the "
        "first page: some 300 orders in all states. `off`: organizations, listings and five videos only. A market that "
        "began without a past gets none later.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log entry that is written."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`console` for people, `json` (one object a line) for log collectors."
    )

    @field_validator("payment_gateways", "outbound_allowed", "live_stream_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("ledger_heads_email")
    @classmethod
    def _one_address(cls, value: str) -> str:
        if value and not _ONE_ADDRESS.fullmatch(value):
            msg = "one e-mail address, such as auditor@example.com"
            raise ValueError(msg)
        return value

    @field_validator("market_home")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url", "database_admin_url")
    @classmethod
    def _psycopg_url(cls, value: str | None) -> str | None:
        """Accept the plain forms that hosting providers hand out and name the driver, which SQLAlchemy needs."""
        if value is None:
            return None
        for plain in ("postgresql://", "postgres://"):
            if value.startswith(plain):
                return "postgresql+psycopg://" + value.removeprefix(plain)
        if not value.startswith("postgresql+psycopg://"):
            raise ValueError("must begin with postgresql:// or postgresql+psycopg://")
        return value

    @property
    def is_production(self) -> bool:
        """Whether real money and real organizations are served."""
        return self.market_mode == "production"

    @property
    def plays_money(self) -> bool:
        """Whether no real money is taken: through the sandbox alone, or beside it by transfers to the sandbox's own bank."""
        return "sandbox" in self.payment_gateways and set(self.payment_gateways) <= {"sandbox", "bank_transfer"}

    @property
    def listings_reviewed_by_rule(self) -> bool:
        """Whether what passed the automatic checks is approved by them; in production a person always decides."""
        return not self.is_production and self.listing_review == "rule"

    @property
    def public_url(self) -> str:
        """Public address of the service, never with a trailing slash."""
        return self.base_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def mail_sender(self) -> str:
        """The address that mail comes from."""
        return self.mail_from or "no-reply@market.example"

    @property
    def transfer_account(self) -> str:
        """Where a verification transfer goes; empty where none is taken."""
        return self.verification_account or ("" if self.is_production else SANDBOX_ACCOUNT)

    @property
    def outbox_folder(self) -> Path:
        """Where a sandbox without a mail server keeps what it would have sent."""
        return self.market_home / "outbox"

    @property
    def object_store_url(self) -> str:
        """Address for `obstore`: STORAGE_URL, or the local folder `storage` in the data folder."""
        return self.storage_url or (self.market_home / "storage").as_uri()

    @property
    def allowed_outbound(self) -> frozenset[str]:
        """`host:port` pairs that the guarded outbound client may reach although their address is private."""
        own = frozenset(self.outbound_allowed)
        return own if self.is_production else own | {f"127.0.0.1:{self.sample_seller_port}"}

    def key_encryption_key(self) -> bytes:
        """The 32 bytes that encrypt stored secrets; in sandbox mode generated at first use and kept with mode 0600.

        Raises SettingsError when SECRET_KEY, or the kept file, is not 32 bytes of URL-safe base64.
        """
        if self.secret_key is not None:
            return decode_key(self.secret_key.get_secret_value())
        if self.is_production:
            raise SettingsError([SettingProblem.missing("SECRET_KEY")])
        return decode_key(sandbox_key(self.market_home / "secret.key"))


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment (`overrides` win) and refuse what the chosen mode cannot run with.

    Raises SettingsError with every problem found, not only the first.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(
            [SettingProblem.unreadable(dict(item)) for item in error.errors(include_input=False)]
        ) from error
    problems = find_problems(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def find_problems(settings: Settings) -> list[SettingProblem]:
    """Every reason why `settings` cannot be used in their mode; empty when they can."""
    problems: list[SettingProblem] = []
    if settings.secret_key is not None:
        try:
            decode_key(settings.secret_key.get_secret_value())
        except SettingsError as error:
            problems += error.problems
    if "stripe" in settings.payment_gateways:
        if settings.stripe_api_key is None:
            problems.append(SettingProblem.missing("STRIPE_API_KEY"))
        if settings.stripe_webhook_secret is None:
            problems.append(SettingProblem.missing("STRIPE_WEBHOOK_SECRET"))
    if settings.fapiao_issuer == "sandbox" and not settings.plays_money:
        refused = "its numbers are no tax invoices: refused where real money is taken; use none"
        problems.append(
            SettingProblem("FAPIAO_ISSUER", refused, "沙箱号码不是税务发票，有真实收款时不可用；请改为 none")
        )
    if settings.smtp_url and not _SMTP_URL.fullmatch(settings.smtp_url):
        problems.append(
            SettingProblem(
                "SMTP_URL",
                "must be smtps://, smtp:// or smtp+plain://user:password@host:port",
                "格式应为 smtps://、smtp:// 或 smtp+plain://用户:密码@主机:端口",
            )
        )
    try:
        parse_name_servers(settings.dns_resolvers)
    except ValueError:
        problems.append(
            SettingProblem("DNS_RESOLVERS", "must be addresses such as 192.0.2.1:53", "只能是 192.0.2.1:53 这样的地址")
        )
    if settings.mail_from and not _ADDRESS.fullmatch(settings.mail_from):
        problems.append(SettingProblem("MAIL_FROM", "must be an e-mail address alone", "只能是一个邮箱地址"))
    if settings.is_production:
        problems += production_problems(settings)
    return problems
