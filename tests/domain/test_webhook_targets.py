"""Where a webhook may lead: no way of writing or embedding an address leads into a private network."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.webhook_targets import TargetRules, is_allowed, target_of
from tests.db.office import bounded

PUBLIC = TargetRules()
HERE = TargetRules(is_http_allowed=True, is_loopback_allowed=True)

V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
PRIVATE_V4 = st.sampled_from(
    ["0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
).flatmap(lambda one: _in(ipaddress.IPv4Network(one)))
PRIVATE_V6 = st.sampled_from(
    ["::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001::/32", "2002::/16"]
).flatmap(lambda one: _in(ipaddress.IPv6Network(one)))
EMBEDDINGS = ("::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::", "2002:{:x}:{:x}::", "2001:0:{:x}:{:x}::")


def _in(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> st.SearchStrategy[ipaddress._BaseAddress]:
    kind = type(network.network_address)
    return st.integers(int(network.network_address), int(network.broadcast_address)).map(kind)


def embedded(address: ipaddress.IPv4Address, form: str) -> ipaddress.IPv6Address:
    high, low = divmod(int(address), 2**16)
    if "{" in form:
        return ipaddress.IPv6Address(form.format(high, low))
    return ipaddress.IPv6Address(int(ipaddress.IPv6Address(form)) + int(address))


@bounded(300)
@given(address=V4 | V6 | PRIVATE_V6)
def test_what_python_knows_to_be_special_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)
    )
    if special:
        assert not is_allowed(address, PUBLIC)


@bounded(300)
@given(address=PRIVATE_V4, form=st.sampled_from(EMBEDDINGS))
def test_a_private_address_is_refused_also_within_another(address: ipaddress.IPv4Address, form: str) -> None:
    assert not is_allowed(address, PUBLIC)
    assert not is_allowed(embedded(address, form), PUBLIC)


@bounded(200)
@given(address=V4)
def test_an_address_is_judged_alike_however_it_is_mapped(address: ipaddress.IPv4Address) -> None:
    for form in ("::ffff:0:0", "64:ff9b::"):
        assert is_allowed(embedded(address, form), PUBLIC) == is_allowed(address, PUBLIC)


@bounded(200)
@given(address=PRIVATE_V4 | PRIVATE_V6 | V4 | V6)
def test_allowing_loopback_allows_nothing_else_that_is_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_allowed(address, HERE) and not is_allowed(address, PUBLIC):
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        assert (mapped or address).is_loopback


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_the_public_internet_is_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), PUBLIC)


@pytest.mark.parametrize(
    "address",
    ["168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "255.255.255.255", "::1", "::", "3fff::1"],
)
def test_metadata_services_and_other_odd_addresses_are_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[fe80::1%25eth0]/",
        "https://0.0.0.0/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1:8443/",
        "https://localhost/",
        "https://localhost./",
        "https://intranet/",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com@127.0.0.1/",
        "https://127.0.0.1#@example.com/",
        "https://127.0.0.1\\@example.com/",
        "https://example.com\\.internal/",
        "https://exa mple.com/",
        "https://example.com/\r\nhost: internal",
        "https://example.com\t/",
        "https://①②⑦.⓪.⓪.①/",
        "https://ⓛocalhost/",
        "https://example.com:22/",
        "https://example.com:25/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:99999999/",
        "https://example..com/",
        "https://-example.com/",
        "https://%31%32%37.0.0.1/",
        "https:///path",
        "https://",
        "https:example.com",
        "//example.com/",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "https://example.com/#fragment",
        "https://example.com/" + "x" * 2_000,
    ],
)
def test_addresses_that_are_not_of_a_receiver_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        target_of(url, PUBLIC)


def test_an_address_is_read_into_its_parts() -> None:
    target = target_of("HTTPS://Hooks.Example.com:8443/a/b%20c?d=e&f", PUBLIC)
    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "hooks.example.com",
        8443,
        "/a/b%20c?d=e&f",
    )
    assert target_of("https://example.com?x", PUBLIC).path == "/?x"
    assert target_of("https://[2606:4700::1111]", PUBLIC).host == "2606:4700::1111"
    assert target_of("http://localhost:8000/hook", HERE).port == 8000
    assert target_of("http://127.0.0.1:8000/hook", HERE).host == "127.0.0.1"
