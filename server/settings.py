"""What the environment says about how this server runs: read once, checked whole, then frozen.

Invariant: a Settings object is valid, and no secret of it is ever printed: not by its repr, not by an error message.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.headerregistry import Address
from email.utils import formataddr, parseaddr
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import orjson

from domain.webhook_targets import TargetRules
from execution.limits import Limits
from execution.persisted import trusted_documents
from jobs.carriers import Server

Environment = Literal["development", "production"]
Value = TypeVar("Value")

# HS256 is as strong as its key; RFC 7518 section 3.2 asks for at least 256 bits.
JWT_SECRET_MIN_CHARACTERS = 32
METRICS_TOKEN_MIN_CHARACTERS = 16


class SettingsError(Exception):
    """The environment does not describe a server; the text lists every problem, one a line, each with its remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """How this server runs. A URL of None means: the embedded server of the state folder."""

    database_url: str | None = field(default=None, repr=False)
    """postgresql+asyncpg://..., whichever of the usual forms was given."""
    redis_url: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    """0 means any free port."""
    state_dir: Path = Path(".tutti")
    workers: int = 1
    public_url: str = ""
    """Where people reach the server, without a slash at its end; http://host:port unless given."""
    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may use the API: the server's own, then the given ones."""
    jwt_secrets: tuple[str, ...] = field(default=(), repr=False)
    """The first signs, all verify, so that a secret can be replaced while its tokens still live."""
    metrics_token: str = field(default="", repr=False)
    """What `/metrics` asks for; without one there is no such address."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks whose `X-Forwarded-For` says who asks; nobody's, unless given."""
    smtp: Server | None = field(default=None, repr=False)
    """Where mail is handed in; None: it is written into files of the state folder."""
    mail_from: str = ""
    """`Name <address>` or an address; made of the public address unless given."""
    is_webhook_loopback_allowed: bool = False
    """Whether webhooks may lead to this machine; never in production."""
    has_web: bool = True
    """Whether the pages for browsers are served: the client, GraphiQL, and those that mails and invites lead to."""
    has_introspection: bool = True
    """Whether strangers may ask what the API looks like; the file of the schema is served with it."""
    has_graphiql: bool = True
    """Whether /graphql shows GraphiQL to browsers, where there are pages at all."""
    trusted_documents: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Documents that may be asked for by their ids, as the manifest has them."""
    trusts_only: bool = False
    """Whether no other documents are taken, over any transport."""
    env: Environment = "development"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Derive what was not given from what was."""
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{in_url(reachable(self.host))}:{self.port}")
        if not self.mail_from:
            object.__setattr__(self, "mail_from", f"Tutti <tutti@{mail_domain(self.public_url)}>")
        own = [origin_of(self.public_url)]
        if self.env == "development":  # one machine has two names; a browser takes them for two origins
            own += [f"http://{name}:{self.port}" for name in ("127.0.0.1", "localhost")]
        object.__setattr__(self, "allowed_origins", tuple(dict.fromkeys([*own, *self.allowed_origins])))

    @property
    def webhook_rules(self) -> TargetRules:
        """Where webhooks may lead."""
        is_development = self.env == "development"
        return TargetRules(is_development, is_development and self.is_webhook_loopback_allowed)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environment`, by default the process's. Raises SettingsError with all problems."""
        reader = Reader(os.environ if environment is None else environment)
        settings = cls(
            database_url=reader.read("DATABASE_URL", None, database_url),
            redis_url=reader.read("REDIS_URL", None, redis_url),
            host=reader.read("TUTTI_HOST", "127.0.0.1", host),
            port=reader.read("TUTTI_PORT", 8000, whole_number(0, 65535)),
            state_dir=reader.read("TUTTI_STATE_DIR", Path(".tutti"), lambda text: Path(text).expanduser()).absolute(),
            workers=reader.read("TUTTI_WORKERS", 1, whole_number(1, 64)),
            public_url=reader.read("TUTTI_PUBLIC_URL", "", public_url),
            allowed_origins=reader.read("TUTTI_ALLOWED_ORIGINS", (), origins),
            jwt_secrets=reader.read("TUTTI_JWT_SECRET", (), jwt_secrets),
            metrics_token=reader.read("TUTTI_METRICS_TOKEN", "", metrics_token),
            trusted_proxies=reader.read("TUTTI_TRUSTED_PROXIES", (), proxies),
            smtp=reader.read("TUTTI_SMTP_URL", None, smtp_url),
            mail_from=reader.read("TUTTI_MAIL_FROM", "", mail_from),
            is_webhook_loopback_allowed=reader.read("TUTTI_WEBHOOK_ALLOW_LOOPBACK", False, on_or_off),
            has_web=reader.read("TUTTI_WEB", True, on_or_off),
            has_introspection=reader.read("TUTTI_INTROSPECTION", True, on_or_off),
            trusted_documents=reader.read("TUTTI_TRUSTED_DOCUMENTS", {}, manifest),
            trusts_only=reader.read("TUTTI_TRUSTED_DOCUMENTS_ONLY", False, on_or_off),
            has_graphiql=reader.read("TUTTI_GRAPHIQL", True, on_or_off),
            env=reader.read("TUTTI_ENV", "development", environment_name),
            limits=limits(reader),
        )
        reader.require(settings)
        reader.find_typing_mistakes()
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings


class Reader:
    """Reads variables one by one and keeps every problem, so that all of them can be mended at once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known: set[str] = set()
        self.problems: list[str] = []

    def read(self, name: str, default: Value, parse: Callable[[str], Value]) -> Value:
        """Return the parsed value of a variable; the default if it is unset, empty or wrong (then with a problem)."""
        self._known.add(name)
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return default

    def require(self, settings: Settings) -> None:
        """Note what is missing: production runs on servers and secrets that somebody looks after."""
        if settings.env == "production" and settings.is_webhook_loopback_allowed:
            self.problems.append(
                "TUTTI_WEBHOOK_ALLOW_LOOPBACK is refused in production: webhooks would reach what listens on this"
                " machine alone; leave it out"
            )
        if settings.trusts_only and not settings.trusted_documents and not settings.has_web:
            self.problems.append(
                "TUTTI_TRUSTED_DOCUMENTS is not set; TUTTI_TRUSTED_DOCUMENTS_ONLY=on needs a manifest as TUTTI_WEB=off"
            )
        if settings.env == "production":
            needed, reason = ["DATABASE_URL", "REDIS_URL", "TUTTI_JWT_SECRET"], "in production (TUTTI_ENV=production)"
        elif settings.database_url and settings.redis_url:
            needed, reason = ["TUTTI_JWT_SECRET"], "with external servers (there is no state folder to keep one in)"
        else:
            return
        remedies = {
            "DATABASE_URL": "postgresql://user:password@host:5432/name",
            "REDIS_URL": "redis://:password@host:6379/0",
            "TUTTI_JWT_SECRET": "the output of: openssl rand -base64 48",
        }
        for name in needed:
            if not self._environment.get(name, "").strip():
                self.problems.append(f"{name} is needed {reason}; set it to {remedies[name]}")

    def find_typing_mistakes(self) -> None:
        """Note variables that are almost one of ours: unnoticed, they would silently have no effect."""
        for name in sorted(self._environment):
            if name.startswith("TUTTI_") and name not in self._known:
                for meant in difflib.get_close_matches(name, self._known, n=1, cutoff=0.85):
                    self.problems.append(f"{name} is not a setting; did you mean {meant}?")


def limits(reader: Reader) -> Limits:
    """Read every limit from the variable of its name: max_depth from TUTTI_MAX_DEPTH."""
    values: dict[str, Any] = {}
    for known in fields(Limits):
        default: float = getattr(Limits(), known.name)
        values[known.name] = reader.read(f"TUTTI_{known.name.upper()}", default, limit(default))
    return Limits(**values)


def database_url(text: str) -> str:
    """Accept the usual spellings of a PostgreSQL address and return SQLAlchemy's: postgresql+asyncpg://..."""
    parts = split(text, ("postgres", "postgresql", "postgresql+asyncpg"), "postgresql://user:password@host:5432/name")
    if not parts.path.strip("/"):
        raise ValueError("names no database; set it to postgresql://user:password@host:5432/name")
    # libpq says sslmode, asyncpg under SQLAlchemy says ssl; hosting services hand out the former.
    query = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg", query=urlencode(query)))


def redis_url(text: str) -> str:
    """Accept redis:// or, for TLS, rediss://."""
    parts = split(text, ("redis", "rediss"), "redis://:password@host:6379/0")
    if not (parts.path.strip("/") or "0").isdecimal():
        raise ValueError("does not end in a database number; set it to redis://:password@host:6379/0")
    return text


def smtp_url(text: str) -> Server:
    """Accept smtp://, with STARTTLS where it is offered, or smtps:// for TLS from the start.

    `?starttls=required` insists, `?starttls=never` does without. A password is sent over TLS alone, unless that is
    switched off: then `never` has been said.
    """
    example = "smtp://user:password@host:587"
    parts = split(text, ("smtp", "smtps"), example)
    asked = dict(parse_qsl(parts.query))
    start_tls = {"required": True, "never": False, None: None}.get(asked.pop("starttls", None), "?")
    if asked or start_tls == "?" or parts.path.strip("/") or parts.fragment or not parts.hostname:
        raise ValueError(f"has a path, or an option other than starttls=required or starttls=never; one is {example}")
    is_tls = parts.scheme == "smtps"
    username = unquote(parts.username) if parts.username else None
    if username is not None and start_tls is None:
        start_tls = True
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if is_tls else 587 if username else 25),
        is_tls=is_tls,
        start_tls=bool(start_tls) if start_tls is not None else None,
        username=username,
        password=unquote(parts.password) if parts.password else None,
    )


def mail_from(text: str) -> str:
    """Accept an address, or a name and an address: Tutti <tutti@example.com>."""
    name, address = parseaddr(text)
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError):
        address = ""
    if address.count("@") != 1 or not address.isascii() or not all(address.split("@")) or not text.isprintable():
        raise ValueError("is not an address to send from; set it to one like Tutti <tutti@example.com>")
    return formataddr((name or "Tutti", address))


def mail_domain(url: str) -> str:
    """Return the domain that mail comes from, if nothing else is said: the server's own, or this machine's."""
    name = urlsplit(url).hostname or ""
    return name if "." in name and not name.replace(".", "").isdecimal() else "localhost"


def public_url(text: str) -> str:
    """Accept an http(s) address without query and fragment; a slash at its end is dropped."""
    parts = split(text, ("http", "https"), "https://tutti.example.com")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("has a user, a query or a fragment; set it to just https://tutti.example.com")
    return text.rstrip("/")


def origins(text: str) -> tuple[str, ...]:
    """Accept exact origins, comma separated: scheme, host, port, nothing else."""
    return tuple(dict.fromkeys(origin(part.strip()) for part in text.split(",") if part.strip()))


def origin(text: str) -> str:
    """Accept one exact origin and return it as a browser spells it."""
    example = "https://app.example.com"
    if "*" in text:
        raise ValueError(f"cannot hold patterns ({text}); list each origin by itself, separated by commas: {example}")
    parts = split(text, ("http", "https"), example)
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"must list origins without a path, such as {example}")
    return origin_of(text)


def proxies(text: str) -> tuple[str, ...]:
    """Accept addresses and networks, comma separated."""
    example = "127.0.0.1, 10.0.0.0/8"
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for part in found:
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise ValueError(
                f"holds {part!r}, which is no address and no network; list those of your proxies, such as {example}"
            ) from None
    return found


def jwt_secrets(text: str) -> tuple[str, ...]:
    """Accept secrets of at least 32 characters, comma separated."""
    secrets = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(len(secret) < JWT_SECRET_MIN_CHARACTERS for secret in secrets):
        raise ValueError(
            f"holds a secret shorter than {JWT_SECRET_MIN_CHARACTERS} characters; "
            "set it to the output of: openssl rand -base64 48"
        )
    return secrets


def metrics_token(text: str) -> str:
    """Accept a token of at least 16 characters that fits into a header."""
    if len(text) < METRICS_TOKEN_MIN_CHARACTERS or not text.isascii() or " " in text or not text.isprintable():
        raise ValueError(
            f"is shorter than {METRICS_TOKEN_MIN_CHARACTERS} characters or has strange ones; "
            "set it to the output of: openssl rand -hex 32"
        )
    return text


def host(text: str) -> str:
    """Accept a name or an address to listen on."""
    if "/" in text or " " in text:
        raise ValueError(f"is {text!r}, not a host; set it to an address to listen on, such as 127.0.0.1 or 0.0.0.0")
    return text.strip("[]")


def environment_name(text: str) -> Environment:
    """Accept development or production."""
    match text:
        case "development" | "production":
            return text
        case _:
            raise ValueError(f"is {text!r}; set it to development or production")


def manifest(text: str) -> Mapping[str, str]:
    """Read a manifest of trusted documents."""
    try:
        return trusted_documents(orjson.loads(Path(text).expanduser().read_bytes()))
    except (OSError, ValueError) as error:
        raise ValueError(f"is no manifest of trusted documents: {error}") from error


def on_or_off(text: str) -> bool:
    """Accept on or off."""
    if text not in {"on", "off"}:
        raise ValueError(f"is {text!r}; set it to on or off")
    return text == "on"


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"is {text!r}; set it to a whole number from {low} to {high}")
        return int(text)

    return parse


def limit(default: float) -> Callable[[str], float]:
    """Return a parser of limits: whole numbers where the default is one, above zero, as none can be switched off."""
    if isinstance(default, int):
        return whole_number(1, 2**31 - 1)

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise ValueError(f"is {text!r}; set it to a number above 0, such as {default}")
        return value

    return parse


def split(text: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """Take an address apart. Raises ValueError, without repeating the address: it may hold a password."""
    try:
        parts = urlsplit(text)
        is_address = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_address = False
    if not is_address or parts.scheme not in schemes:
        starts = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"is not an address that starts with {starts}; set it to one like {example}")
    return parts


def origin_of(url: str) -> str:
    """Return the origin of an address as a browser spells it: lower case, without the scheme's usual port."""
    parts = urlsplit(url.lower())
    usual = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{in_url(parts.hostname or '')}{port}"


def reachable(listening: str) -> str:
    """Return the host under which this machine reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening, listening)  # noqa: S104 (it is compared, not bound)


def in_url(name: str) -> str:
    """Return a host as it stands in an address: IPv6 in brackets."""
    return f"[{name}]" if ":" in name else name
