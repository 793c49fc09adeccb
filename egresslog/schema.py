"""Every table's columns: name, type, unit, nullability and meaning, in one place.

Times are microseconds UTC; an unset value is null, never 0, "" or "-".
The Arrow schemas, the documentation and the tests are all derived from these tuples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column: ``type`` is string, int64, float64, timestamp, list<string> or list<hop>."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = True
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A named tuple of columns; iterating gives the columns."""

    name: str
    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def arrow(self) -> pa.Schema:
        """The Arrow schema; each field carries meaning and unit as metadata."""
        return _arrow_schema(self)


@cache
def _arrow_schema(table: Table) -> pa.Schema:
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "list<string>": pa.list_(pa.string()),
        "list<hop>": pa.list_(pa.struct([("file", pa.string()), ("line", pa.int64())])),
    }
    return pa.schema(
        [pa.field(c.name, types[c.type], metadata={"meaning": c.meaning, "unit": c.unit}) for c in table]
    )


LINKS = ("exact", "strong", "probable", "ambiguous", "none")
ATTRIBUTIONS = ("connection", "candidates", "address")
FATES = (
    "linked", "ambiguous", "unmatched", "hop", "part", "not_to_proxy", "bypass",
    "blackholed", "blocked_in_mesh", "refused",
)  # fmt: skip

REASONS: dict[str, str] = {
    "several_candidates": "more than one connection explains the line about as well",
    "not_injected": "the client is a pod without a sidecar",
    "not_a_pod": "the client address belongs to no pod in the inventory and to no Envoy log",
    "no_sidecar_log": "no Envoy log of this client address was given",
    "outside_coverage": "the logs of the other side do not cover this moment",
    "no_candidate": "the logs cover this moment, but no record of the other side fits",
    "clock_unknown": "several clock offsets fit the logs equally well, so times decide nothing",
    "weak_candidates": "there are candidates, but none is likely enough",
    "log_lost": "the other side's log goes on around it and has no line for it: its port, or a kill, shows",
    "gateway_only": "a gateway carried it, and no log of the hop before it covers this moment",
    "hop_lost": "a gateway carried it, and the log of the hop before it has no line with its ip:port",
    "several_hops": "a gateway carried it, and several records of the hop before it have its ip:port",
    "masked_address": "Squid logged a masked client address (client_netmask)",
    "client_unknown": "Squid logged no client address",
    "doubtful_line": "the line has several readings that differ in a field needed to link it",
    "no_squid_log": "no Squid log was given",
    "upstream_failed": "Envoy could not connect to its upstream",
}

IDENTITY = (
    Column("cluster", "string", "mesh cluster, as named by --envoy CLUSTER=PATH"),
    Column("namespace", "string", "Kubernetes namespace of the mesh client"),
    Column("pod", "string", "pod of the mesh client"),
    Column("workload", "string", "workload (Deployment, StatefulSet, ...) that owns the pod"),
    Column("service_account", "string", "Kubernetes service account of the pod"),
    Column("node", "string", "node the pod ran on"),
)

SQUID_RECORDS = Table(
    "squid_records",
    (
        Column("record_id", "string", "content id of the raw record", nullable=False),
        Column("file", "string", "file the line was read from", nullable=False),
        Column("line", "int64", "1-based physical line of the decompressed file", nullable=False),
        Column("proxy", "string", "Squid instance", nullable=False),
        Column("format", "string", "preset or format string that read the line", nullable=False),
        Column("start", "timestamp", "end - elapsed (logformat %tS or %ts with %tr)", "us"),
        Column("end", "timestamp", "time of logging (logformat %ts.%03tu or %tl)", "us"),
        Column("resolution", "int64", "resolution of end", "us", nullable=False),
        Column("elapsed", "int64", "request header complete to log time (%tr)", "ms"),
        Column("client_address", "string", "client as Squid saw it (%>a)"),
        Column("client_port", "int64", "client port as Squid saw it (%>p)"),
        Column("local_address", "string", "Squid's own address (%la)"),
        Column("local_port", "int64", "Squid's own port (%lp)"),
        Column("user", "string", "user as logged; an unproven claim on TCP_DENIED/407 (%un)"),
        Column("method", "string", "request method (%rm)"),
        Column("host", "string", "requested host, lower case, no trailing dot"),
        Column("port", "int64", "requested port"),
        Column("url", "string", "requested URL (%ru); null for CONNECT"),
        Column("result", "string", "Squid result code (%Ss)"),
        Column("status", "int64", "HTTP status sent to the client (%>Hs)"),
        Column("hierarchy", "string", "hierarchy code (%Sh)"),
        Column("destination_address", "string", "address Squid itself connected to (%<a)"),
        Column("bytes_up", "int64", "bytes from the client (%>st)", "bytes"),
        Column("bytes_down", "int64", "bytes to the client (%<st)", "bytes"),
        Column("content_type", "string", "MIME type of the answer (%mt)"),
        Column("user_agent", "string", "User-Agent as claimed by the client (%{User-Agent}>h)"),
        Column("flags", "list<string>", "doubtful, ...", nullable=False),
        Column("raw", "string", "the raw line, credentials as ***, bytes not UTF-8 as \\xHH", nullable=False),
    ),
)

ENVOY_RECORDS = Table(
    "envoy_records",
    (
        Column("record_id", "string", "content id of the raw record", nullable=False),
        Column("file", "string", "file the line was read from", nullable=False),
        Column("line", "int64", "1-based physical line of the decompressed file", nullable=False),
        Column("cluster", "string", "mesh cluster, as named by --envoy CLUSTER=PATH"),
        Column("format", "string", "preset or format string that read the line", nullable=False),
        Column("start", "timestamp", "connection accepted or request begun (%START_TIME%)", "us"),
        Column("end", "timestamp", "start + %DURATION%", "us"),
        Column("resolution", "int64", "resolution of start", "us", nullable=False),
        Column("duration", "int64", "%DURATION%", "ms"),
        Column("upstream_address", "string", "address of %UPSTREAM_HOST%"),
        Column("upstream_port", "int64", "port of %UPSTREAM_HOST%"),
        Column("upstream_cluster", "string", "%UPSTREAM_CLUSTER% without a trailing ;"),
        Column("upstream_local_address", "string", "address of %UPSTREAM_LOCAL_ADDRESS%"),
        Column("upstream_local_port", "int64", "port of %UPSTREAM_LOCAL_ADDRESS%"),
        Column("downstream_local_address", "string", "original destination address"),
        Column("downstream_local_port", "int64", "original destination port"),
        Column("downstream_remote_address", "string", "client of this Envoy"),
        Column("downstream_remote_port", "int64", "client port at this Envoy"),
        Column("authority", "string", "%REQ(:AUTHORITY)%"),
        Column("requested_server_name", "string", "SNI (%REQUESTED_SERVER_NAME%)"),
        Column("method", "string", "%REQ(:METHOD)%"),
        Column("path", "string", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
        Column("protocol", "string", "%PROTOCOL%"),
        Column("response_code", "int64", "%RESPONSE_CODE%; null when 0 (nothing was sent)"),
        Column("response_flags", "string", "%RESPONSE_FLAGS%"),
        Column("bytes_received", "int64", "from the downstream client", "bytes"),
        Column("bytes_sent", "int64", "to the downstream client", "bytes"),
        Column("user_agent", "string", "%REQ(USER-AGENT)%"),
        Column("route_name", "string", "%ROUTE_NAME%"),
        Column("access_log_type", "string", "when the line was written, start to end (%ACCESS_LOG_TYPE%)"),
        Column("stream_id", "string", "request or connection, unique across Envoys (%STREAM_ID%)"),
        Column("connection_number", "int64", "connection, unique in one run of one Envoy (%CONNECTION_ID%)"),
        Column("hostname", "string", "host name of the Envoy (%HOSTNAME%)"),
        Column("peer", "string", "URIs in the client's certificate (%DOWNSTREAM_PEER_URI_SAN%)"),
        Column("namespace", "string", "namespace of the pod, as the wrapper (of ztunnel: the record) says"),
        Column("pod", "string", "the pod whose Envoy wrote it (of ztunnel: that connected), likewise"),
        Column("container", "string", "container that wrote it, as the wrapper says"),
        Column("node", "string", "its node, as the wrapper says"),
        Column("service_account", "string", "of ztunnel: src.identity's service account"),
        Column("flags", "list<string>", "doubtful, ...", nullable=False),
        Column("raw", "string", "the raw line, bytes that are not UTF-8 as \\xHH", nullable=False),
    ),
)

TRANSACTIONS = Table(
    "transactions",
    (
        Column("transaction_id", "string", "content id, stable across paths", nullable=False),
        Column("squid_file", "string", "file of the Squid line", nullable=False),
        Column("squid_line", "int64", "1-based line in it", nullable=False),
        Column("proxy", "string", "Squid instance", nullable=False),
        Column("connection_id", "string", "the mesh client's connection; null unless linked"),
        Column("envoy_file", "string", "file of the linked Envoy line"),
        Column("envoy_line", "int64", "1-based line in it"),
        Column("via", "list<hop>", "gateway hops, nearest the client first", nullable=False),
        Column("start", "timestamp", "Squid's clock: end - elapsed", "us"),
        Column("end", "timestamp", "Squid's clock, as logged", "us"),
        *IDENTITY,
        Column("attribution", "string", "what named the client", values=ATTRIBUTIONS),
        Column("workload_confidence", "float64", "probability that the name is right"),
        Column("client_address", "string", "client as Squid saw it"),
        Column("client_port", "int64", "client port as Squid saw it"),
        Column("user", "string", "as Squid logged it; unproven on TCP_DENIED/407"),
        Column("method", "string", "request method"),
        Column("host", "string", "requested host, lower case, no trailing dot"),
        Column("port", "int64", "requested port"),
        Column("url", "string", "requested URL; null for CONNECT"),
        Column("result", "string", "Squid result code"),
        Column("status", "int64", "HTTP status"),
        Column("destination_address", "string", "address Squid itself connected to"),
        Column("bytes_up", "int64", "client to host, CONNECT head included", "bytes"),
        Column("bytes_down", "int64", "host to client, CONNECT answer included", "bytes"),
        Column("bytes_up_source", "string", "who counted bytes_up", values=("squid", "connection")),
        Column("link", "string", "class of the link", nullable=False, values=LINKS),
        Column("confidence", "float64", "probability that the named connection is the right one"),
        Column("margin", "float64", "weight above the runner-up", "log2"),
        Column("candidates", "int64", "connections that could have carried it", nullable=False),
        Column("reason", "string", "why not linked", values=tuple(REASONS)),
        Column("flags", "list<string>", "doubtful, ...", nullable=False),
    ),
)

CONNECTIONS = Table(
    "connections",
    (
        Column("connection_id", "string", "content id, stable across paths", nullable=False),
        Column("envoy_file", "string", "file of the Envoy line", nullable=False),
        Column("envoy_line", "int64", "1-based line in it", nullable=False),
        Column("start", "timestamp", "Envoy's clock: %START_TIME%", "us"),
        Column("end", "timestamp", "Envoy's clock: start + %DURATION%", "us"),
        *IDENTITY,
        *(ENVOY_RECORDS[name] for name in (
            "upstream_address", "upstream_port", "upstream_cluster", "upstream_local_address",
            "upstream_local_port", "downstream_local_address", "downstream_local_port",
            "downstream_remote_address", "downstream_remote_port", "authority",
            "requested_server_name",
        )),
        Column("host", "string", "best name known to Envoy: authority, SNI or cluster"),
        *(ENVOY_RECORDS[name] for name in (
            "method", "path", "response_code", "response_flags", "bytes_received", "bytes_sent",
        )),
        Column("transactions", "int64", "Squid records it carried", nullable=False),
        Column("fate", "string", "what became of it", nullable=False, values=FATES),
        Column("reason", "string", "why not linked", values=tuple(REASONS)),
        Column("flags", "list<string>", "shared (its records are all it carried), ...", nullable=False),
    ),
)  # fmt: skip

EVIDENCE = ("port", "start", "end", "bytes_down", "bytes_up", "host", "share")

CANDIDATES = Table(
    "candidates",
    (
        Column("transaction_id", "string", "the Squid record", nullable=False),
        Column("connection_id", "string", "the candidate connection", nullable=False),
        Column("rank", "int64", "1 = best", nullable=False),
        *(Column(f"{kind}_weight", "float64", f"evidence of {kind}", "log2") for kind in EVIDENCE),
        Column("weight", "float64", "sum of the evidence", "log2", nullable=False),
        Column("posterior", "float64", "probability of this candidate", nullable=False),
    ),
)

REJECTS = Table(
    "rejects",
    (
        Column("file", "string", "file of the line", nullable=False),
        Column("line", "int64", "1-based physical line", nullable=False),
        Column("offset", "int64", "byte offset of the line in the decompressed file", "bytes"),
        Column("column", "int64", "byte in the line where no reading went on"),
        Column("reason", "string", "what was expected there", nullable=False),
        Column("excerpt", "string", "start of the line, escaped", nullable=False),
    ),
)
