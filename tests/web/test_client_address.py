"""Where a request comes from: every peer, header and Host that a stranger might try, and a real nginx."""

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.settings.networks import parse_networks
from han2x.web.client_address import client_of, is_home_name

PROXY = "172.30.32.2"
TRUSTED = parse_networks("172.30.32.2, fd00::2, 10.9.0.0/24")
OUTSIDE, INSIDE = "203.0.113.9", "192.168.1.7"
AT_HOME = ("Host", "han2x.local:8080")

SIGNS = [
    ("X-Forwarded-For", INSIDE),
    ("x-forwarded-for", ""),
    ("X-FORWARDED-FOR", "unknown"),
    ("X_Forwarded_For", INSIDE),
    ("X-Forwarded", INSIDE),
    ("Forwarded-For", INSIDE),
    ("X-Forwarded-Host", "han2x.local"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Server", "han2x"),
    ("X-Forwarded-Port", "80"),
    ("X-Forwarded-Never-Seen", "1"),
    ("X-Forwarded-Prefix", "/meter"),
    ("Forwarded", f"for={INSIDE}"),
    ("Forwarded", "for=_x"),
    ("X-Real-IP", INSIDE),
    ("CF-Connecting-IP", INSIDE),
    ("CF-Ray", "1"),
    ("CF-Visitor", "{}"),
    ("CDN-Loop", "cloudflare"),
    ("True-Client-IP", INSIDE),
    ("X-Client-IP", INSIDE),
    ("Client-IP", INSIDE),
    ("X-Cluster-Client-IP", INSIDE),
    ("Fastly-Client-IP", INSIDE),
    ("Fly-Client-IP", INSIDE),
    ("X-Originating-IP", INSIDE),
    ("X-Remote-Addr", INSIDE),
    ("WL-Proxy-Client-IP", INSIDE),
    ("Via", "1.1 vegur"),
    ("X-Ingress-Path", "/api/hassio_ingress/x"),
    ("X-Envoy-External-Address", INSIDE),
    ("X-Amzn-Trace-Id", "1"),
    ("X-Azure-ClientIP", INSIDE),
    ("Tailscale-User-Login", "x"),
    ("Proxy-Connection", "keep-alive"),
    ("X-Original-URL", "/"),
    ("X-Request-ID", "1"),
]
BROWSERS = [
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "DNT",
    "Origin",
    "Pragma",
    "Priority",
    "Referer",
    "Save-Data",
    "Sec-CH-UA",
    "Sec-CH-UA-Mobile",
    "Sec-CH-UA-Platform",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "Sec-GPC",
    "Last-Event-ID",
    "Range",
    "If-None-Match",
    "If-Modified-Since",
    "If-Range",
    "Upgrade-Insecure-Requests",
    "User-Agent",
    "X-CSRF",
    "X-Requested-With",
    "TE",
    "Expect",
]


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"{sign[0]}={sign[1]}")
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", INSIDE, "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_any_sign_of_a_proxy_is_from_outside(peer: str, sign: tuple[str, str]) -> None:
    """Whatever it says; the peer's own address counts."""
    assert client_of(peer, [AT_HOME]).home
    found = client_of(peer, [AT_HOME, sign], TRUSTED)
    assert (found.home, found.address) == (False, client_of(peer, []).address)


@pytest.mark.parametrize("name", BROWSERS)
def test_what_browsers_send_is_no_sign(name: str) -> None:
    """A header of a browser or an ordinary client leaves it at home."""
    assert client_of(INSIDE, [AT_HOME, (name, "1")]).home


@pytest.mark.parametrize(
    ("peer", "address", "home"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.8.9.1", "127.8.9.1", True),
        ("192.168.255.1", "192.168.255.1", True),
        ("172.31.0.1", "172.31.0.1", True),
        ("172.32.0.1", "172.32.0.1", False),
        ("100.64.0.1", "100.64.0.1", False),
        ("169.254.1.1", "169.254.1.1", True),
        ("::ffff:192.168.1.7", INSIDE, True),
        ("::ffff:c0a8:107", INSIDE, True),
        ("::ffff:8.8.8.8", "8.8.8.8", False),
        ("fe80::1%wlan0", "fe80::1", True),
        ("fd12::1", "fd12::1", True),
        ("2001:db8::1", "2001:db8::1", False),
        ("64:ff9b::192.168.1.7", "64:ff9b::c0a8:107", False),
        ("2002:c0a8:107::1", "2002:c0a8:107::1", False),
        ("", "", False),
        ("nonsense", "", False),
    ],
)
def test_a_peer_is_at_home_in_private_networks_only(peer: str, address: str, home: bool) -> None:
    """Loopback, private and link-local; IPv4 in IPv6 is IPv4, and ways from IPv6 to IPv4 are outside."""
    found = client_of(peer, [AT_HOME])
    assert (found.address, found.home) == (address, home)


F, X, R = "Forwarded", "X-Forwarded-For", "X-Real-IP"


@pytest.mark.parametrize(
    ("headers", "address", "home"),
    [
        ([], PROXY, False),  # a proxy that names nobody
        ([(X, INSIDE)], INSIDE, True),
        ([(X, f"{INSIDE}:51234")], INSIDE, True),
        ([(X, f"::ffff:{INSIDE}")], INSIDE, True),
        ([(X, f"[::ffff:{OUTSIDE}]:1")], OUTSIDE, False),
        ([(X, "[fe80::7%eth0]:443")], "fe80::7", True),
        ([(X, "fd12::7")], "fd12::7", True),
        ([(X, "2001:db8::7")], "2001:db8::7", False),
        ([(X, f"{INSIDE}, {OUTSIDE}")], OUTSIDE, False),
        ([(X, f"{OUTSIDE}, {INSIDE}")], INSIDE, True),
        ([(X, INSIDE), (X, OUTSIDE)], OUTSIDE, False),  # two lines are one list
        ([(X, OUTSIDE), ("x-forwarded-for", INSIDE)], INSIDE, True),
        ([(X, f"{OUTSIDE},10.9.0.4 , 10.9.0.5")], OUTSIDE, False),
        ([(X, f"{INSIDE},10.9.0.4:80")], INSIDE, True),
        ([(X, "10.9.0.3, 10.9.0.4")], "10.9.0.3", True),  # nobody but proxies
        ([(X, "")], PROXY, False),
        ([(X, f"{INSIDE},")], PROXY, False),
        ([(X, f"{INSIDE}, unknown")], PROXY, False),
        ([(X, f"{INSIDE}, _hidden")], PROXY, False),
        ([(X, f"{INSIDE}, 192.168.001.7")], PROXY, False),
        ([(X, f"{INSIDE} {OUTSIDE}")], PROXY, False),
        ([(X, f"{INSIDE}, 999.1.1.1, 10.9.0.4")], PROXY, False),
        ([(F, f"for={INSIDE}")], INSIDE, True),
        ([(F, f'For="{INSIDE}:4711";proto=http;by=203.0.113.43')], INSIDE, True),
        ([(F, f'for={INSIDE}, for="[2001:db8:cafe::17]:4711"')], "2001:db8:cafe::17", False),
        ([(F, f"for={INSIDE}"), (F, f"proto=https;for={OUTSIDE}")], OUTSIDE, False),
        ([(F, f"for={OUTSIDE}, for={INSIDE}, for=10.9.0.1")], INSIDE, True),
        ([(F, f"for={INSIDE}, proto=http")], PROXY, False),
        ([(F, f"for={INSIDE};proto=http, for=unknown")], PROXY, False),
        ([(F, f"for={INSIDE}, for=_SEVKISEK")], PROXY, False),
        ([(F, f'for={INSIDE};x=", for={OUTSIDE}')], PROXY, False),  # a quotation that hides the proxy's own
        ([(F, f'for={INSIDE};x="\\", for={OUTSIDE}')], PROXY, False),
        ([(F, f'for={INSIDE};x=", for="{OUTSIDE}"')], PROXY, False),
        ([(F, f'x="a, for={INSIDE}", for={OUTSIDE}')], OUTSIDE, False),
        ([(F, f'x="a\\", for={OUTSIDE}";for={INSIDE}')], INSIDE, True),
        ([(F, f"for={INSIDE};host=meter.example.com")], INSIDE, False),
        ([(F, f'for={INSIDE};host="han2x.local:80"')], INSIDE, True),
        ([(R, INSIDE)], INSIDE, True),
        ([(R, OUTSIDE)], OUTSIDE, False),
        ([(R, INSIDE), (R, OUTSIDE)], OUTSIDE, False),
        ([(X, INSIDE), (R, INSIDE)], INSIDE, True),
        ([(X, INSIDE), (R, OUTSIDE)], PROXY, False),  # one is a stranger's: neither is believed
        ([(F, f"for={INSIDE}"), (R, OUTSIDE)], PROXY, False),
        ([(X, OUTSIDE), (F, f"for={INSIDE}")], PROXY, False),
        ([(X, f"{OUTSIDE}, 10.9.0.4"), (R, "10.9.0.4")], OUTSIDE, False),
        ([(X, INSIDE), ("CF-Connecting-IP", OUTSIDE)], INSIDE, False),  # a tunnel at home
        ([(X, INSIDE), ("CF-Connecting-IP", INSIDE)], INSIDE, True),
        ([(X, INSIDE), ("X-Client-IP", "nonsense")], INSIDE, False),
        ([(X, INSIDE), ("X-Forwarded-Host", "meter.example.com")], INSIDE, False),
        ([(X, INSIDE), ("X-Forwarded-Host", "han2x.local, meter.example.com")], INSIDE, False),
        ([(X, INSIDE), ("X-Forwarded-Host", "han2x.local")], INSIDE, True),
        ([(X, INSIDE), ("Via", "1.1 nginx"), ("X-Forwarded-Proto", "https")], INSIDE, True),
    ],
)
def test_of_a_trusted_proxy_the_right_most_untrusted_address_counts(
    headers: list[tuple[str, str]], address: str, home: bool
) -> None:
    """What cannot be read, or contradicts itself, leaves the proxy's own address, and is from outside."""
    found = client_of(PROXY, [AT_HOME, *headers], TRUSTED, "1.0")
    assert (found.address, found.home) == (address, home)
    assert not client_of(INSIDE, [AT_HOME, ("Via", "1"), *headers], TRUSTED).home


HOMES = [
    "192.168.1.232",
    "192.168.1.232:8080",
    "10.1.2.3:80",
    "[fe80::1]:8080",
    "[fe80::1%25eth0]:8080",
    "[fd00::1]",
    "[::1]:1",
    "[::ffff:192.168.1.1]",
    "127.0.0.1",
    "localhost",
    "LOCALHOST:8080",
    "localhost.",
    "x.localhost",
    "han2x",
    "HAN2X:80",
    "han2x.local",
    "Han2X.Local.:8080",
    "xn--mler-ooa.local",
    "gw.home.arpa",
    "a.lan",
    "my_gateway",
]
STRANGERS = [
    "8.8.8.8",
    "203.0.113.9:8080",
    "[2001:db8::1]:8080",
    "[::ffff:8.8.8.8]",
    "[64:ff9b::c0a8:101]",
    "100.64.0.1",
    "0.0.0.0",
    "example.com",
    "rebound.example.com:8080",
    "local.example.com",
    "192.168.1.7.example.com",
    "han2x.local.example.com",
    "127.0.0.1.nip.io",
    "xn--mler-ooa.no",
    "2130706433",
    "0x7f000001",
    "127.1",
    "0177.0.0.1",
    "192.168.1",
    "192.168.1.7.5",
    "ai.",
    ".local",
    "a..local",
    "::1",
    "fe80::1",
    "[192.168.1.1]",
    "[::1",
    "::1]",
    "user@han2x.local",
    "han2x.local/",
    "han2x.local,evil.com",
    "han2x.local:x",
    "han2x.local:80:80",
    "målér.local",
    "evil.com\\.local",
    "evil.com#.local",
    "evil.com%00.local",
    "*.local",
    "",
    ":8080",
    "han2x local",
    "a" * 64 + ".local",
]


@pytest.mark.parametrize(("host", "home"), [*product(HOMES, [True]), *product(STRANGERS, [False])])
def test_a_host_is_at_home_by_private_address_or_homes_name(host: str, home: bool) -> None:
    """A public address, a public name, and what a browser would read otherwise, are not."""
    assert is_home_name(host) is home


@pytest.mark.parametrize(
    ("headers", "http"),
    [
        ([], "1.1"),
        ([AT_HOME, AT_HOME], "1.1"),
        ([AT_HOME, ("host", "evil.example")], "1.1"),
        ([AT_HOME], "1.0"),
    ],
)
def test_no_host_two_of_them_and_http_1_0_are_no_browsers(headers: list[tuple[str, str]], http: str) -> None:
    """A proxy of few words (nginx without settings) speaks HTTP/1.0."""
    assert not client_of(INSIDE, headers, http=http).home


NAMES = st.sampled_from([name for name, _ in SIGNS] + BROWSERS)
TEXT = st.text(st.sampled_from('0123456789abf.:,;="\\[]%_ for=host'), max_size=40) | st.sampled_from(
    [INSIDE, OUTSIDE, f"for={INSIDE}", "unknown", '"']
)
SOUP = st.lists(st.tuples(NAMES, TEXT), max_size=12)


@given(
    SOUP,
    st.sampled_from([INSIDE, "127.0.0.1", "fd12::1"]),
    st.sampled_from(SIGNS),
    st.randoms(use_true_random=False),
)
def test_no_soup_of_headers_makes_an_untrusted_proxy_a_home(
    soup: list[tuple[str, str]], peer: str, sign: tuple[str, str], random: Random
) -> None:
    """With one sign anywhere in it, it is from outside, and the peer counts."""
    headers = [AT_HOME, sign, *soup]
    random.shuffle(headers)
    found = client_of(peer, headers, TRUSTED)
    assert (found.address, found.home) == (peer, False)


@given(SOUP, st.sampled_from([X, F]))
def test_what_a_trusted_proxy_adds_last_is_not_undone(soup: list[tuple[str, str]], name: str) -> None:
    """A stranger outside is never at home, whatever was in the request before the proxy added its address."""
    added = OUTSIDE if name == X else f"for={OUTSIDE}"
    before = [text for one, text in soup if one.lower() == name.lower()]
    others = [(one, text) for one, text in soup if one.lower() != name.lower()]
    for line in ([(name, text) for text in before] + [(name, added)], [(name, ",".join([*before, added]))]):
        found = client_of(PROXY, [AT_HOME, *others, *line], TRUSTED)
        assert not found.home
        assert found.address in (OUTSIDE, PROXY)
