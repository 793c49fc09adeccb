"""squid.conf -> the formats in force, as Squid reads the file."""

from __future__ import annotations

import pytest

from egresslog.errors import FormatError, UsageError
from egresslog.formats.squid_conf import is_squid_conf, squid_conf_formats

# squid.conf, formats in force.
CASES: list[tuple[str, list[tuple[str, str]]]] = [
    ("", [("squid", "squid")]),
    ("http_port 3128\n", [("squid", "squid")]),
    ("access_log daemon:/var/log/squid/access.log\n", [("squid", "squid")]),
    ("access_log /var/log/squid/access.log combined\n", [("combined", "combined")]),
    ("access_log stdio:/l logformat=common localnet\n", [("common", "common")]),
    ("access_log stdio:/l buffer-size=64KB logformat=common\n", [("common", "common")]),
    ("access_log /l auto\n", [("squid", "squid")]),
    ("access_log /l localnet\n", [("squid", "squid")]),  # an ACL, not a format
    ("access_log /l squid # logformat=common\n", [("squid", "squid")]),
    ("cache_access_log /l\nemulate_httpd_log on\n", [("common", "common")]),
    ("access_log /l squid\naccess_log /m squid\naccess_log none\n", [("squid", "squid")]),
    ("log_mime_hdrs on\naccess_log /l squid\naccess_log /m useragent\n",
     [("squid", "squid-mime"), ("useragent", "useragent")]),
    ("logformat mine %ts  %>a \naccess_log /l mine\n", [("mine", "%ts  %>a")]),
    ("\tlogformat\tmine\t%ts\t%>a\r\naccess_log\t/l\tmine\r\n", [("mine", "%ts\t%>a")]),
    ("logformat a %ts\nlogformat b %tu\n", [("a", "%ts"), ("b", "%tu")]),
    ("logformat a %ts\nlogformat a %tu\naccess_log /l a\n", [("a", "%ts")]),  # the second is ignored
    ("logformat squid %ts\naccess_log /l squid\n", [("squid", "squid")]),
    ("#logformat no %ts\nlogformat mine %ts \\\n  # why\n\n   %#ru\naccess_log /l mine\n",
     [("mine", "%ts %#ru")]),
    ('logformat mine "%ts" %>a\naccess_log /l mine\n', [("mine", '"%ts" %>a')]),
    ('configuration_includes_quoted_values on\nlogformat mine "%ts \\"%ru\\""\naccess_log /l mine\n',
     [("mine", '%ts "%ru"')]),
    # A dump of all headers in any format switches log_mime_hdrs on for every built-in one.
    ("logformat mine %>h\naccess_log /l\n", [("squid", "squid-mime")]),
    ("logformat mine %{Referer}>h\naccess_log /l\n", [("squid", "squid")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "formats"), CASES, ids=[text for text, _ in CASES])
def test_formats_in_force(text: str, formats: list[tuple[str, str]]) -> None:
    assert squid_conf_formats(text) == formats


BAD = [
    ("logformat mine %ts\naccess_log /l mime\n", "squid.conf line 2: access_log names the unknown"),
    ("acl a src 10.0.0.0/8\naccess_log /l b\n", "squid.conf line 2: access_log names the unknown"),
    ("# x\n\naccess_log /l logformat=mine\n", "squid.conf line 3: access_log names the unknown logformat"),
    ("access_log /l logformat=mine\nlogformat mine %ts\n", "squid.conf line 1: access_log names the unknown"),
    ("logformat mine\n", "squid.conf line 1: a logformat needs a name and a format"),
    ("access_log\n", "squid.conf line 1: an access_log needs a place"),
    ("access_log none\n", "squid.conf writes no access log"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text for text, _ in BAD])
def test_what_squid_refuses_is_an_error_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        squid_conf_formats(text)
    assert caught.value.message.startswith(message) and caught.value.hint


def test_a_format_that_does_not_compile_is_shown_with_line_and_place() -> None:
    with pytest.raises(FormatError) as caught:
        squid_conf_formats("http_port 3128\nlogformat mine %ts \\\n  %>foo %>a\n")
    assert str(caught.value) == (
        "squid.conf line 2: unknown Squid format code at column 6\n"
        "  %ts %>foo %>a\n"
        "       ^^^^\n"
        "hint: did you mean %>qos, %>nfmark, %oa? `egresslog formats --dialect squid` lists every known code"
    )


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("# Squid\nhttp_port 3128\n", True),
        ("  logformat mine %ts\n", True),
        ("%ts.%03tu %>a", False),
        ("1795407756.343     13 10.60.1.11 TCP_MISS/200 3039 GET http://h/acl - HIER_NONE/- -\n", False),
        ("", False),
    ],
)
def test_what_is_a_squid_conf(text: str, is_one: bool) -> None:
    assert is_squid_conf(text) == is_one
