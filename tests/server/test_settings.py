"""Settings: each variable in good and bad forms, all problems at once, and no secret in any text."""

from __future__ import annotations

from pathlib import Path

import pytest

from execution.limits import Limits
from server.settings import Settings, SettingsError

SECRET = "correct-horse-battery-staple-canary"
PRODUCTION = {
    "TUTTI_ENV": "production",
    "DATABASE_URL": "postgresql://tutti:canary@db.example.com/tutti",
    "REDIS_URL": "rediss://:canary@redis.example.com:6380/1",
    "TUTTI_JWT_SECRET": SECRET,
    "TUTTI_PUBLIC_URL": "https://tutti.example.com/",
}


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**environment)
    return caught.value.problems


def test_nothing_set_means_embedded_servers_on_this_machine() -> None:
    settings = read()
    assert (settings.database_url, settings.redis_url, settings.jwt_secrets) == (None, None, ())
    assert (settings.host, settings.port, settings.workers, settings.env) == ("127.0.0.1", 8000, 1, "development")
    assert settings.state_dir == Path.cwd() / ".tutti"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.allowed_origins == ("http://127.0.0.1:8000", "http://localhost:8000")
    assert settings.limits == Limits()


def test_the_pages_can_be_switched_off() -> None:
    assert read().has_web
    assert not read(TUTTI_WEB="off").has_web
    assert problems(TUTTI_WEB="no") == ["TUTTI_WEB is 'no'; set it to on or off"]


def test_an_empty_variable_counts_as_unset() -> None:
    assert read(TUTTI_PORT="", DATABASE_URL=" ", TUTTI_JWT_SECRET="") == read()


def test_production_reads_everything_from_the_environment() -> None:
    settings = read(**PRODUCTION, TUTTI_ALLOWED_ORIGINS="https://App.example.com:443, http://10.0.0.1:3000/")
    assert settings.env == "production"
    assert settings.jwt_secrets == (SECRET,)
    assert settings.public_url == "https://tutti.example.com"
    assert settings.allowed_origins == (
        "https://tutti.example.com",
        "https://app.example.com",
        "http://10.0.0.1:3000",
    )


def test_proxies_are_addresses_and_networks() -> None:
    assert read().trusted_proxies == ()
    assert read(TUTTI_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8,::1").trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    for wrong in ("*", "proxy.internal", "10.0.0.1/8", "10.0.0"):
        (said,) = problems(TUTTI_TRUSTED_PROXIES=f"127.0.0.1,{wrong}")
        assert said.startswith(f"TUTTI_TRUSTED_PROXIES holds '{wrong}', which is no address and no network; list those")


def test_the_token_for_metrics_is_printed_nowhere() -> None:
    settings = read(TUTTI_METRICS_TOKEN="a-canary-for-scrapes")
    assert settings.metrics_token == "a-canary-for-scrapes"
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_usual_spelling_of_a_database_address_is_understood(scheme: str) -> None:
    settings = read(DATABASE_URL=f"{scheme}://a:b%40c@db:5433/tutti?sslmode=require")
    assert settings.database_url == "postgresql+asyncpg://a:b%40c@db:5433/tutti?ssl=require"


def test_several_signing_secrets_are_kept_in_order() -> None:
    assert read(TUTTI_JWT_SECRET=f"{SECRET}-new, {SECRET}").jwt_secrets == (f"{SECRET}-new", SECRET)


def test_limits_come_from_variables_of_their_names() -> None:
    settings = read(TUTTI_MAX_DEPTH="12", TUTTI_INIT_TIMEOUT_SECONDS="0.5")
    assert settings.limits == Limits(max_depth=12, init_timeout_seconds=0.5)


def test_a_manifest_of_trusted_documents_is_read(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"hello": "{ viewer { timeZone } }"}')
    settings = read(TUTTI_TRUSTED_DOCUMENTS=str(manifest), TUTTI_TRUSTED_DOCUMENTS_ONLY="on")
    assert settings.trusted_documents == {"hello": "{ viewer { timeZone } }"}
    assert settings.trusts_only
    with pytest.raises(SettingsError, match="needs a manifest"):
        read(TUTTI_TRUSTED_DOCUMENTS_ONLY="on", TUTTI_WEB="off")
    assert read(TUTTI_TRUSTED_DOCUMENTS_ONLY="on").trusts_only  # for our own pages alone
    manifest.write_text("{")
    with pytest.raises(SettingsError, match="TUTTI_TRUSTED_DOCUMENTS is no manifest"):
        read(TUTTI_TRUSTED_DOCUMENTS=str(manifest))


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:9"), ("[::]", "http://[::1]:9")])
def test_listening_everywhere_is_still_reached_on_this_machine(host: str, url: str) -> None:
    assert read(TUTTI_HOST=host, TUTTI_PORT="9").public_url == url


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TUTTI_PORT", "80a", "TUTTI_PORT is '80a'; set it to a whole number from 0 to 65535"),
        ("TUTTI_PORT", "70000", "TUTTI_PORT is '70000'; set it to a whole number from 0 to 65535"),
        ("TUTTI_PORT", "-1", "set it to a whole number"),
        ("TUTTI_WORKERS", "0", "TUTTI_WORKERS is '0'; set it to a whole number from 1 to 64"),
        ("TUTTI_ENV", "prod", "TUTTI_ENV is 'prod'; set it to development or production"),
        ("TUTTI_HOST", "http://x/", "TUTTI_HOST is 'http://x/', not a host"),
        (
            "TUTTI_PUBLIC_URL",
            "tutti.example.com",
            "TUTTI_PUBLIC_URL is not an address that starts with http:// or https",
        ),
        ("TUTTI_PUBLIC_URL", "https://a.b/?x=1", "TUTTI_PUBLIC_URL has a user, a query or a fragment"),
        ("TUTTI_ALLOWED_ORIGINS", "*", "TUTTI_ALLOWED_ORIGINS cannot hold patterns"),
        ("TUTTI_ALLOWED_ORIGINS", "https://a.b/app", "TUTTI_ALLOWED_ORIGINS must list origins without a path"),
        ("TUTTI_ALLOWED_ORIGINS", "null", "TUTTI_ALLOWED_ORIGINS is not an address"),
        ("DATABASE_URL", "mysql://u:canary@h/d", "DATABASE_URL is not an address that starts with postgres://"),
        ("DATABASE_URL", "postgresql://u:canary@h", "DATABASE_URL names no database"),
        ("DATABASE_URL", "postgresql://u:canary@h:port/d", "DATABASE_URL is not an address"),
        ("REDIS_URL", "http://canary", "REDIS_URL is not an address that starts with redis:// or rediss://"),
        ("REDIS_URL", "redis://:canary@h/one", "REDIS_URL does not end in a database number"),
        ("TUTTI_JWT_SECRET", "canary", "TUTTI_JWT_SECRET holds a secret shorter than 32 characters"),
        ("TUTTI_METRICS_TOKEN", "canary", "TUTTI_METRICS_TOKEN is shorter than 16 characters or has strange ones"),
        ("TUTTI_METRICS_TOKEN", "a canary between words", "TUTTI_METRICS_TOKEN is shorter than 16 characters or has"),
        ("TUTTI_MAX_DEPTH", "0", "TUTTI_MAX_DEPTH is '0'; set it to a whole number from 1"),
        ("TUTTI_FRAME_BURST", "1.5", "TUTTI_FRAME_BURST is '1.5'; set it to a whole number"),
        ("TUTTI_INIT_TIMEOUT_SECONDS", "soon", "TUTTI_INIT_TIMEOUT_SECONDS is 'soon'; set it to a number above 0"),
        ("TUTTI_INIT_TIMEOUT_SECONDS", "inf", "set it to a number above 0"),
        (
            "TUTTI_ALLOWED_ORIGIN",
            "https://a.b",
            "TUTTI_ALLOWED_ORIGIN is not a setting; did you mean TUTTI_ALLOWED_ORIGINS?",
        ),
    ],
)
def test_a_bad_value_is_named_with_what_to_set_instead(name: str, value: str, said: str) -> None:
    (problem,) = problems(**{name: value})
    assert said in problem
    assert "\n" not in problem
    assert "canary" not in problem


def test_all_problems_are_told_at_once() -> None:
    found = problems(TUTTI_ENV="production", TUTTI_PORT="x", TUTTI_WORKERS="y")
    assert [problem.split()[0] for problem in found] == [
        "TUTTI_PORT",
        "TUTTI_WORKERS",
        "DATABASE_URL",
        "REDIS_URL",
        "TUTTI_JWT_SECRET",
    ]


def test_external_servers_need_a_signing_secret_of_ones_own() -> None:
    (problem,) = problems(DATABASE_URL="postgres://h/d", REDIS_URL="redis://h")
    assert problem.startswith("TUTTI_JWT_SECRET is needed with external servers")


def test_unrelated_variables_are_none_of_our_business() -> None:
    assert read(TUTTI_BENCH_SECONDS="5", PATH="/bin") == read()


def test_no_secret_is_in_the_repr() -> None:
    assert "canary" not in repr(read(**PRODUCTION))
