"""How records are named: the client, a place in a log, where a request went."""

from __future__ import annotations

from egresslog.report.human import time
from egresslog.report.rows import Row


def client(row: Row) -> str:
    """``cluster/namespace/pod`` and its workload, as far as they are known."""
    name = "/".join(row[column] for column in ("cluster", "namespace", "pod") if row[column] is not None)
    return f"{name} (workload {row['workload']})" if row["workload"] else name


def pod(row: Row) -> str:
    """The pod, or where its line stands."""
    return row["pod"] or envoy_place(row)


def connection(row: Row) -> str:
    """The pod, unless its log is named after it, and the line."""
    place = short(row["envoy_file"], row["envoy_line"])
    return place if row["pod"] is None or row["pod"] in place else f"{row['pod']} {place}"


def short(file: str, line: int) -> str:
    """A place by the last two parts of its path: many logs have one name."""
    return f"{'/'.join(file.split('/')[-2:])}:{line}"


def envoy_place(row: Row) -> str:
    """FILE:LINE of a connection."""
    return f"{row['envoy_file']}:{row['envoy_line']}"


def squid_place(row: Row) -> str:
    """FILE:LINE of a transaction, without folders."""
    return f"{row['squid_file'].rpartition('/')[2]}:{row['squid_line']}"


def target(row: Row) -> str:
    """``host:port``, else the URL."""
    host = row["host"] and endpoint(row["host"], row["port"])
    return str(host or row["url"] or "no known host")


def result(row: Row) -> str | None:
    """Squid's result code and the status, ``TCP_TUNNEL/200``."""
    return f"{row['result']}/{row['status'] or 0:03}" if row["result"] else None


def endpoint(host: str | None, port: int | None) -> str:
    """``host:port``, IPv6 in brackets; nothing for what is unknown."""
    if host is None:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def span(row: Row) -> list[str]:
    """Start and end, without their date."""
    return [clock_time(row["start"]), clock_time(row["end"])]


def clock_time(moment: str | None) -> str:
    """To the millisecond, without its date."""
    return time(moment) if moment is None else moment.partition("T")[2][:12]


def numbered(place: int, text: str) -> str:
    """A place in a ranking, and what stands there."""
    return f"{place}  {text}"
