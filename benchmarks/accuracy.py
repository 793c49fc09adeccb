"""How many links are right: egresslog and others' joins, against recorded or simulated truth.

    python benchmarks/accuracy.py [--envoy istio-text] [--squid access] FOLDER...
    python benchmarks/accuracy.py --simulate [--lines N] [--only WORLD] [--plot FILE]
    python benchmarks/accuracy.py --shift [--lines N]
    python benchmarks/accuracy.py --scale [--largest]

docs/accuracy.md says what the last three print.

A folder holds ``squid/access*.log[.N]``, ``envoy/POD/FORMAT.log``, ``pods.json`` and ``truth.csv``,
each plain or .gz. All Squid formats describe the same transactions line by line, and so do all Envoy
formats. ``truth.csv`` gives for each Squid line (``squid_suffix``, ``squid_line``) the ``pod`` and the
``envoy_line`` in its log that carried it; ``mesh`` is 0 for clients outside the mesh, and a mesh line
without ``envoy_line`` came through an Envoy that was killed before it wrote.

Columns: *linked right* of the lines that have a connection; *right* of the links made; *wrong* in lines;
*ambiguous* and *none* of the lines that have a connection; *named right* of the mesh lines; *misnamed* in
lines; *outside* = lines of clients outside the mesh that were linked, each one a mistake.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import scale
import simulated

import egresslog

SQUID_NAME = re.compile(r"(?P<format>.+)\.log(?P<suffix>(\.\d+)?)(\.gz)?")
PROXY_PORT = 3128
KEY = ["squid_suffix", "squid_line"]


@dataclass(frozen=True)
class Score:
    """One row of the table; counts are Squid lines."""

    squid: str
    method: str
    linked_right: str
    right: str
    wrong: int
    ambiguous: int
    none: int
    named_right: str
    misnamed: int
    outside: int
    seconds: float


@dataclass(frozen=True)
class Inputs:
    """The files of one Squid format and one Envoy format in a folder."""

    squid: list[Path]
    envoy: list[Path]
    pods: list[Path]


def squid_formats(folder: Path) -> list[str]:
    """Names of the Squid formats present, such as access and access-port."""
    names = {squid_name(path)["format"] for path in (folder / "squid").iterdir()}
    return sorted(names)


def squid_name(path: Path | str) -> re.Match[str]:
    match = SQUID_NAME.fullmatch(Path(path).name)
    assert match, f"{path} is not named NAME.log[.N][.gz]"
    return match


def inputs(folder: Path, squid: str, envoy: str) -> Inputs:
    return Inputs(
        squid=sorted(path for path in (folder / "squid").iterdir() if squid_name(path)["format"] == squid),
        envoy=sorted((folder / "envoy").glob(f"*/{envoy}.log*")),
        pods=sorted(folder.glob("pods*.json*")),
    )


def read_truth(folder: Path) -> pd.DataFrame:
    path = next(folder.glob("truth.csv*"))
    kinds = {"squid_suffix": "string", "namespace": "string", "pod": "string", "envoy_line": "Int64"}
    truth = pd.read_csv(path, dtype=kinds)
    return truth.fillna({"squid_suffix": ""})


def answers(transactions: pd.DataFrame) -> pd.DataFrame:
    """What was said of each Squid line, in the words of the truth."""
    return pd.DataFrame(
        {
            "squid_suffix": transactions["squid_file"].map(lambda file: squid_name(file)["suffix"]),
            "squid_line": transactions["squid_line"],
            "said_pod": transactions["envoy_file"].map(pod_of, na_action="ignore").astype("string"),
            "said_line": transactions["envoy_line"].astype("Int64"),
            "said_name": transactions["pod"].astype("string"),
            "link": transactions["link"],
        }
    )


def pod_of(envoy_file: str) -> str:
    return Path(envoy_file).parent.name


def score(truth: pd.DataFrame, said: pd.DataFrame, squid: str, method: str, seconds: float) -> Score:
    """Compare answers with the truth; lines without an answer count as none."""
    rows = truth.merge(said, on=KEY, how="left")
    linked = rows["said_line"].notna()
    hit = same(rows["said_pod"], rows["pod"]) & same(rows["said_line"], rows["envoy_line"])
    has_connection, mesh = rows["envoy_line"].notna(), rows["mesh"] == 1
    unlinked, named = has_connection & ~linked, same(rows["said_name"], rows["pod"]) & mesh
    ambiguous = rows["link"].eq("ambiguous").fillna(False)
    return Score(
        squid=squid,
        method=method,
        linked_right=share(hit & has_connection, has_connection),
        right=share(hit, linked),
        wrong=count(linked & ~hit),
        ambiguous=count(unlinked & ambiguous),
        none=count(unlinked & ~ambiguous),
        named_right=share(named, mesh),
        misnamed=count(rows["said_name"].notna() & ~named),
        outside=count(linked & ~mesh),
        seconds=round(seconds, 2),
    )


def same(left: pd.Series, right: pd.Series) -> pd.Series:
    return left.eq(right).fillna(False).astype(bool)


def count(mask: pd.Series) -> int:
    return int(mask.sum())


def share(part: pd.Series, whole: pd.Series) -> str:
    total = count(whole)
    return f"{count(part)}/{total} {100 * count(part) / total:.1f}%" if total else "-"


def nearest_start(transactions: pd.DataFrame, connections: pd.DataFrame, *, port: bool) -> pd.DataFrame:
    """The naive join: for each Squid line the connection to the proxy, of the same client address (and
    port), whose start is nearest; always answers where there is one, and never doubts."""
    left, right = ["client_address", "client_port"], ["upstream_local_address", "upstream_local_port"]
    keys = 2 if port else 1
    lines = transactions.dropna(subset=["start", *left[:keys]]).sort_values("start")
    to_proxy = connections[connections["upstream_port"] == PROXY_PORT]
    theirs = to_proxy.dropna(subset=["start", *right[:keys]]).sort_values("start")
    renamed = theirs[["start", "envoy_file", "envoy_line", "pod", *right[:keys]]]
    renamed = renamed.rename(columns=dict(zip(right, left, strict=True)))
    kept = lines[["start", "squid_file", "squid_line", *left[:keys]]]
    joined = pd.merge_asof(kept, renamed, on="start", by=left[:keys], direction="nearest")
    return answers(joined.assign(link="exact"))


def measure(folder: Path, squid: str, envoy: str) -> Iterator[Score]:
    """egresslog on one Squid format of a folder, and the naive joins beside it."""
    truth, files = read_truth(folder), inputs(folder, squid, envoy)
    began = time.perf_counter()
    result = egresslog.correlate(squid=files.squid, envoy=files.envoy, pods=files.pods)
    seconds = time.perf_counter() - began
    lines, connections = result.transactions, result.connections
    yield score(truth, answers(lines), squid, "egresslog", seconds)
    for by, port in {"address": False, "address, port": True}.items():
        if lines["start"].notna().any() and (not port or lines["client_port"].notna().any()):
            began = time.perf_counter()
            said = nearest_start(lines, connections, port=port)
            yield score(truth, said, squid, f"nearest start by {by}", time.perf_counter() - began)


def table(scores: list[Score]) -> str:
    frame = pd.DataFrame([asdict(score) for score in scores])
    return frame.rename(columns=lambda name: name.replace("_", " ")).to_string(index=False)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Links measured against recorded or simulated truth.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--envoy", default="istio-text", help="name of the Envoy log to use (istio-text)")
    parser.add_argument("--squid", action="append", help="Squid format to use; all that are there otherwise")
    parser.add_argument("--simulate", action="store_true", help="simulated worlds, with the baselines")
    parser.add_argument("--shift", action="store_true", help="a simulated day with one side moved in time")
    parser.add_argument("--scale", action="store_true", help="seconds and memory by number of lines")
    parser.add_argument("--largest", action="store_true", help="with --scale: 5,000,000 lines too")
    parser.add_argument("--lines", type=int, default=20_000, help="connections per simulated world (20,000)")
    parser.add_argument("--only", help="simulated worlds whose name contains this")
    parser.add_argument("--plot", type=Path, help="with --simulate: draw reliability into this SVG or PNG")
    return parser.parse_args()


def plot_reliability(table: pd.DataFrame, path: Path) -> None:
    """Share right over confidence, bin by bin."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(table["confidence"], table["right"], marker="o", linestyle="none")
    axes.set(xlabel="confidence of the best candidate", ylabel="share of lines where it is right")
    figure.savefig(path)


def measure_folder(folder: Path, chosen: argparse.Namespace) -> None:
    formats = [name for name in squid_formats(folder) if name in (chosen.squid or [name])]
    scores = [row for squid in formats for row in measure(folder, squid, chosen.envoy)]
    print(f"\n{folder.name}, Envoy format {chosen.envoy}\n{table(scores)}")


def main() -> None:
    chosen = options()
    for folder in chosen.folders:
        measure_folder(folder, chosen)
    if chosen.simulate:
        reliability = simulated.report(chosen.lines, chosen.only)
        if chosen.plot:
            plot_reliability(reliability, chosen.plot)
    if chosen.shift:
        print(simulated.shift_control(chosen.lines).to_string(index=False))
    if chosen.scale:
        scale.report((*scale.SIZES, scale.LARGEST) if chosen.largest else scale.SIZES)


if __name__ == "__main__":
    main()
