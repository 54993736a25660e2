"""Origins are compared whole, as browsers write them."""

from __future__ import annotations

import pytest

from server.origins import Origins


@pytest.mark.parametrize(
    ("public_url", "own"),
    [
        ("https://tutti.example", "https://tutti.example"),
        ("https://Tutti.Example:443/", "https://tutti.example"),
        ("http://tutti.example:80", "http://tutti.example"),
        ("http://tutti.example:8000/app", "http://tutti.example:8000"),
        ("http://[2001:DB8::1]:8000", "http://[2001:db8::1]:8000"),
    ],
)
def test_the_own_origin_is_that_of_the_public_url(public_url: str, own: str) -> None:
    assert Origins(public_url).allows(own)


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_a_local_server_has_three_names_and_one_port(public_url: str) -> None:
    origins = Origins(public_url)
    for own in ("http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"):
        assert origins.allows(own)
    for foreign in ("http://localhost:3000", "http://localhost", "https://localhost:8000", "http://127.0.0.1:80000"):
        assert not origins.allows(foreign)


def test_loopback_names_are_foreign_to_a_public_server() -> None:
    assert not Origins("https://tutti.example").allows("https://localhost")


@pytest.mark.parametrize("origin", ["https://app.example", "https://other.example:8443"])
def test_configured_origins_are_allowed_besides(origin: str) -> None:
    assert Origins("https://tutti.example", ["https://app.example/", "https://other.example:8443"]).allows(origin)
