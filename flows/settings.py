"""All settings, from the environment or a `.env` file; the environment wins (running.md).

Anything that is wrong is refused at start by its name. Secrets are `SecretStr`: they print as
asterisks wherever they go.
"""

import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sources.errors import Secrets
from sources.mail import mail_server, mailbox
from sources.urls import checked_url
from transforms.policy import Policy
from transforms.words.languages import Language

ENV_FILE = ".env"
OUR_PREFIXES = ("RAPPROCHE_", "BOOND_", "BILL_COM_")
LIVE = "live"
_LIVE_BOOND = {
    "BOOND_BASE_URL": "https://ui.boondmanager.com/api",
    "BOOND_REQUESTS_PER_MINUTE": 600,
    "BOOND_BURST_PER_SECOND": 10,
}
"""What BoondManager's production API has in place of the defaults; it publishes no limit."""
_LIVE_BILL_URLS = {
    "stage": "https://gateway.stage.bill.com/connect",
    "production": "https://gateway.prod.bill.com/connect",
}


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it (exit code 2)."""


def _is_mail_server(value: SecretStr) -> SecretStr:
    mail_server(value.get_secret_value())
    return value


def _can_travel(value: SecretStr) -> SecretStr:
    """Refuses what no request can carry, such as the line end of a file that was pasted."""
    text = value.get_secret_value()
    if not text.isprintable() or text != text.strip():
        raise ValueError("it begins or ends with a space, or holds a line end or half a character")
    return value


def _is_mailbox(value: str) -> str:
    mailbox(value)
    return value


Url = Annotated[str, AfterValidator(checked_url)]
Key = Annotated[SecretStr, AfterValidator(_can_travel)]
SmtpUrl = Annotated[Key, AfterValidator(_is_mail_server)]
Mailbox = Annotated[str, AfterValidator(_is_mailbox)]


class Settings(BaseSettings):
    """The settings of running.md; `live` dialects have other defaults where none is said."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        case_sensitive=True,
        hide_input_in_errors=True,
    )

    WAREHOUSE_PATH: Path = Field(
        Path("data/rapproche.duckdb"),
        description="The published DuckDB file; the working file and the lock lie beside it.",
    )
    WAREHOUSE_GROUP: str | None = Field(
        None, description="System group that may read the published file."
    )
    DECLARATIONS_DIR: Path = Field(
        Path("data/declarations"), description="Folder of the files in which clients declare days."
    )
    POLICY_FILE: Path = Field(
        Path("policy.toml"), description="Tolerances, approvals and freshness."
    )
    BOOND_DIALECT: Literal["v3", "live"] = Field(
        "v3", description="BoondManager's dialect: v3, or live for its production API."
    )
    BOOND_BASE_URL: Url = Field(
        "https://api.boondmanager.com/api/v3",
        description="Where BoondManager answers; live: https://ui.boondmanager.com/api.",
    )
    BOOND_AUTH_URL: Url = Field(
        "https://api.boondmanager.com/oauth/token", description="Where BoondManager gives tokens."
    )
    BOOND_CLIENT_ID: str | None = Field(None, description="OAuth client id.")
    BOOND_CLIENT_SECRET: Key | None = Field(None, description="OAuth client secret.")
    BOOND_API_KEY: Key | None = Field(None, description="API key, used where no client id is set.")
    BOOND_USER_TOKEN: Key | None = Field(None, description="Dialect live: token of the API user.")
    BOOND_CLIENT_TOKEN: Key | None = Field(None, description="Dialect live: token of the tenant.")
    BOOND_CLIENT_KEY: Key | None = Field(
        None, description="Dialect live: key that signs each call."
    )
    BOOND_BASIC_USER: str | None = Field(
        None, description="Dialect live: user of HTTP Basic, for tests only."
    )
    BOOND_BASIC_PASSWORD: Key | None = Field(
        None, description="Dialect live: password of HTTP Basic, for tests only."
    )
    BOOND_VALIDATOR_ID: str = Field(
        "system_auto_validator",
        description="Validator that our CRA validations name; live: id of a resource, by default"
        " the first that BoondManager allows.",
    )
    BOOND_REQUESTS_PER_MINUTE: int = Field(
        100,
        ge=1,
        description="Requests in any 60 s that the contract with BoondManager allows; live: 600.",
    )
    BOOND_BURST_PER_SECOND: int = Field(
        20,
        ge=1,
        description="Requests in any second that the contract with BoondManager allows; live: 10.",
    )
    BOOND_CURRENCY: str = Field(
        "EUR", pattern="^[A-Z]{3}$", description="Currency where BoondManager names none."
    )
    BILL_COM_DIALECT: Literal["gateway", "live"] = Field(
        "gateway", description="Bill.com's dialect: gateway, or live for its production API."
    )
    BILL_COM_BASE_URL: Url = Field(
        "https://gateway.stage.bill.com",
        description="Where Bill.com answers; live: with /connect, by BILL_COM_ENVIRONMENT.",
    )
    BILL_COM_USERNAME: str | None = Field(None, description="Bill.com user.")
    BILL_COM_PASSWORD: Key | None = Field(None, description="Bill.com password.")
    BILL_COM_ORG_ID: str | None = Field(None, description="Bill.com organization id.")
    BILL_COM_DEV_KEY: Key | None = Field(None, description="Bill.com developer key.")
    BILL_COM_ENVIRONMENT: Literal["stage", "production"] = Field(
        "stage", description="Which Bill.com the base URL must be of: stage or production."
    )
    BILL_COM_CURRENCY: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="Currency where a bill names none."
    )
    SMTP_URL: SmtpUrl | None = Field(
        None,
        description="Mail server: smtp://[user:password@]host:port, smtp+starttls://… or smtps://…;"
        " without it mails are written to files.",
    )
    MAIL_FROM: Mailbox | None = Field(None, description="Sender of our mails.")
    OPS_EMAIL: Mailbox | None = Field(None, description="Who is told of critical errors.")
    SMS_URL: Key | None = Field(
        None, description="Where SMS go, as an Apprise URL; without it none is sent."
    )
    TAX_RATE: Decimal = Field(
        Decimal("0.20"),
        ge=0,
        le=1,
        decimal_places=4,
        description="Tax rate where the contract has none and the client is French.",
    )
    RAPPROCHE_LANG: Language = Field(
        "fr", description="Language of explanations, mails and the report: fr or en."
    )
    RAPPROCHE_CRA_MONTHS: int = Field(
        3,
        ge=1,
        le=36,
        description="Dialect live: months of CRAs that each run reads again, this one included.",
    )
    RAPPROCHE_TLS12: bool = Field(
        default=False, description="Allows TLS 1.2; otherwise 1.3 is required."
    )
    RAPPROCHE_RUN_LOCK_WAIT: float = Field(
        600, ge=0, allow_inf_nan=False, description="Seconds that a run waits for another one."
    )
    RAPPROCHE_RETRY_BASE: float = Field(
        1,
        ge=0,
        allow_inf_nan=False,
        description="Seconds of the first retry wait; drills make it short.",
    )
    RAPPROCHE_LOG: Literal["text", "json"] = Field(
        "text", description="Log lines as text, or one JSON object a line."
    )
    RAPPROCHE_METRICS_FILE: Path | None = Field(
        None, description="Where metrics are left for Prometheus, as a textfile: *.prom."
    )
    PUSHGATEWAY_URL: Url | None = Field(
        None, description="Prometheus Pushgateway that metrics are sent to after each run."
    )

    @model_validator(mode="before")
    @classmethod
    def _live_has_its_own_defaults(cls, said: dict[str, Any]) -> dict[str, Any]:
        live: dict[str, Any] = {}
        if said.get("BOOND_DIALECT") == LIVE:
            live |= _LIVE_BOOND
        if said.get("BILL_COM_DIALECT") == LIVE:
            url = _LIVE_BILL_URLS.get(str(said.get("BILL_COM_ENVIRONMENT", "stage")))
            live |= {"BILL_COM_BASE_URL": url} if url else {}
        return live | said

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Self:
        if self.BOOND_CLIENT_ID and not self.BOOND_CLIENT_SECRET:
            raise ValueError("BOOND_CLIENT_SECRET is missing: BOOND_CLIENT_ID is set")
        for names in (_BOOND_TOKENS, _BOOND_BASIC):
            missing = [name for name in names if not getattr(self, name)]
            if missing and len(missing) < len(names):
                set_one = next(name for name in names if name not in missing)
                raise ValueError(f"{missing[0]} is missing: {set_one} is set")
        bill = {name: getattr(self, name) for name in _BILL_CREDENTIALS}
        missing = [name for name, value in bill.items() if not value]
        if missing and len(missing) < len(bill):
            raise ValueError(f"{missing[0]} is missing: the other BILL_COM credentials are set")
        return self

    @model_validator(mode="after")
    def _credentials_are_of_the_dialect(self) -> Self:
        other = _BOOND_OAUTH if self.BOOND_DIALECT == LIVE else (*_BOOND_TOKENS, *_BOOND_BASIC)
        unread = [name for name in other if getattr(self, name)]
        if unread and not self.has_boond:
            right = "v3" if self.BOOND_DIALECT == LIVE else LIVE
            raise ValueError(
                f"BOOND_DIALECT is {self.BOOND_DIALECT}, but {unread[0]} is for {right}"
            )
        return self

    @model_validator(mode="after")
    def _mails_have_a_sender(self) -> Self:
        if self.SMTP_URL and not self.MAIL_FROM:
            raise ValueError("MAIL_FROM is missing: SMTP_URL is set")
        return self

    @model_validator(mode="after")
    def _environment_is_the_urls(self) -> Self:
        other = {"stage": "prod", "production": "stage"}[self.BILL_COM_ENVIRONMENT]
        if other in (urlsplit(self.BILL_COM_BASE_URL).hostname or "").split("."):
            raise ValueError(
                f"BILL_COM_ENVIRONMENT is {self.BILL_COM_ENVIRONMENT}, but BILL_COM_BASE_URL is not"
            )
        return self

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        held = (getattr(self, name) for name in SECRETS)
        return list(_with_password(key.get_secret_value() for key in held if key))

    @property
    def has_boond(self) -> bool:
        """Whether the credentials of BoondManager's dialect are set."""
        return any(getattr(self, name) for name in self.boond_credentials)

    @property
    def boond_credentials(self) -> tuple[str, ...]:
        """Settings of which one must be set, lest BoondManager be left out."""
        if self.BOOND_DIALECT == LIVE:
            return "BOOND_CLIENT_KEY", "BOOND_BASIC_PASSWORD"
        return _BOOND_OAUTH

    @property
    def has_bill(self) -> bool:
        """Whether Bill.com's credentials are set."""
        return bool(self.BILL_COM_USERNAME)


_BOOND_OAUTH = ("BOOND_CLIENT_ID", "BOOND_API_KEY")
_BOOND_TOKENS = ("BOOND_CLIENT_KEY", "BOOND_CLIENT_TOKEN", "BOOND_USER_TOKEN")
_BOOND_BASIC = ("BOOND_BASIC_USER", "BOOND_BASIC_PASSWORD")
_BILL_CREDENTIALS = (
    "BILL_COM_USERNAME",
    "BILL_COM_PASSWORD",
    "BILL_COM_ORG_ID",
    "BILL_COM_DEV_KEY",
)
SECRETS = (
    "BOOND_CLIENT_SECRET",
    "BOOND_API_KEY",
    "BOOND_USER_TOKEN",
    "BOOND_CLIENT_TOKEN",
    "BOOND_CLIENT_KEY",
    "BOOND_BASIC_PASSWORD",
    "BILL_COM_PASSWORD",
    "BILL_COM_DEV_KEY",
    "SMTP_URL",
    "SMS_URL",
)
"""Settings that a Prefect Secret block of the same name (lower case, hyphens) may supply."""


def load(supplied: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this process.

    Args:
        supplied: values that come from elsewhere, such as Prefect Secret blocks; the environment
            and the `.env` file win over them.

    Raises:
        ConfigurationError: in one line, naming the variable.
    """
    said = _said()
    for name in _unknown(said):
        raise ConfigurationError(f"{name} is no setting of rapproche; see .env.example")
    added = {name: value for name, value in (supplied or {}).items() if not said.get(name)}
    try:
        return Settings(**added)
    except ValidationError as error:
        raise ConfigurationError(_first(error)) from None


def salvage(supplied: Mapping[str, Any] | None = None) -> tuple[Settings, list[str]]:
    """What of the settings can be used, and what is wrong with the others, for the doctor.

    A wrong setting takes those that it goes with out of use too, so that no vendor is asked with
    half of them.
    """
    try:
        said = _said()
    except ConfigurationError as error:
        return Settings.model_construct(), [str(error)]
    wrong = [f"{name} is no setting of rapproche; see .env.example" for name in _unknown(said)]
    values = {name: value for name, value in (supplied or {}).items() if not said.get(name)}
    while True:
        try:
            return Settings(**values), wrong
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_url=False):
                wrong.append(_one(detail))
                name = wrong[-1].partition(" ")[0].rstrip(":")
                values |= {each: Settings.model_fields[each].default for each in _with(name)}


def _with(name: str) -> list[str]:
    """The settings that are of no use without this one, itself among them."""
    if name in {"SMTP_URL", "MAIL_FROM"}:
        return ["SMTP_URL", "MAIL_FROM"]
    vendor = [prefix for prefix in ("BOOND_", "BILL_COM_") if name.startswith(prefix)]
    return [each for each in Settings.model_fields if each.startswith(tuple(vendor))] or [name]


def _unknown(said: Mapping[str, Any]) -> list[str]:
    known = Settings.model_fields
    return [name for name in sorted(said) if name.startswith(OUR_PREFIXES) and name not in known]


def _said() -> dict[str, str | None]:
    from dotenv import dotenv_values  # noqa: PLC0415 - read anew at each load, like the file

    try:
        return {**dotenv_values(ENV_FILE), **os.environ}
    except (OSError, UnicodeError) as error:
        # The error of the codec would show the file, and so every secret in it.
        raise ConfigurationError(f"{ENV_FILE} cannot be read ({type(error).__name__})") from None


def exposed_file() -> Path | None:
    """The `.env` file, where any user of the machine can read it."""
    file = Path(ENV_FILE)
    return file if file.is_file() and file.stat().st_mode & stat.S_IROTH else None


def without_secrets(text: str) -> str:
    """The text without the secrets of the settings, for failures that nobody foresaw (P03)."""
    try:
        said = _said()
    except ConfigurationError:
        return "not shown: the settings could not be read"
    return Secrets(*_with_password(said.get(name) for name in SECRETS)).mask(text)


def _with_password(secrets: Iterable[str | None]) -> Iterator[str]:
    """Each secret that is set, and of a mail server's URL the password too."""
    for secret in filter(None, secrets):
        yield secret
        with suppress(ValueError):
            yield mail_server(secret).password or secret


def _first(error: ValidationError) -> str:
    return _one(error.errors(include_input=False, include_url=False)[0])


def _one(detail: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    said: str = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {said}" if name else said


def read_policy(path: Path) -> Policy:
    """`policy.toml`; read again at each run. An empty file has all the defaults.

    Raises:
        ConfigurationError: no such file (it may have held what waits for a person), an unknown
            key, or a value out of range, by its name.
    """
    if not path.exists():
        raise ConfigurationError(
            f"POLICY_FILE: {path} does not exist; an empty file takes the values as shipped"
        )
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return Policy.model_validate(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_first(error)}") from None
