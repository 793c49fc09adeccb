"""The library as a notebook uses it: DataFrames in and out, representations, runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from lab import SAMPLES

import egresslog
from egresslog.schema import CANDIDATES, CONNECTIONS, ENVOY_RECORDS, SQUID_RECORDS, TRANSACTIONS, Table

LAB = SAMPLES / "lab"


@pytest.fixture(scope="module")
def found() -> egresslog.Correlation:
    return egresslog.correlate(LAB)


@pytest.mark.parametrize(
    ("name", "table"),
    [("transactions", TRANSACTIONS), ("connections", CONNECTIONS), ("candidates", CANDIDATES)],
)
def test_tables_have_the_documented_columns(found: egresslog.Correlation, name: str, table: Table) -> None:
    frame = getattr(found, name)
    assert list(frame.columns) == table.names
    for column in table:
        assert column.nullable or frame[column.name].notna().all(), column.name
        assert not column.values or set(frame[column.name].dropna()) <= set(column.values), column.name


def test_logs_have_the_documented_columns() -> None:
    squid, envoy = egresslog.read_squid(LAB / "squid"), egresslog.read_envoy(LAB / "envoy")
    assert list(squid.records.columns) == SQUID_RECORDS.names
    assert list(envoy.records.columns) == ENVOY_RECORDS.names
    assert str(squid.records["end"].dtype) == "datetime64[us, UTC]"
    assert (len(squid), len(envoy), len(squid.rejects)) == (462, 438, 0)


def test_logs_and_frames_correlate_as_paths_do(found: egresslog.Correlation) -> None:
    squid, envoy = egresslog.read_squid(LAB / "squid"), egresslog.read_envoy(LAB / "envoy")
    by_log = egresslog.correlate(squid=squid, envoy=envoy, pods=LAB / "pods.json")
    by_frame = egresslog.correlate(squid=squid.records, envoy=envoy.records, pods=LAB / "pods.json")
    for other in (by_log, by_frame):
        pd.testing.assert_frame_equal(other.transactions, found.transactions)


def test_records_given_twice_count_once(found: egresslog.Correlation) -> None:
    log = egresslog.read_squid(LAB / "squid")
    envoy, pods = LAB / "envoy", LAB / "pods.json"
    twice = egresslog.correlate(squid=[log, log], envoy=envoy, pods=pods)
    both = egresslog.correlate(LAB, squid=log)
    frame = egresslog.correlate(squid=pd.concat([log.records, log.records]), envoy=envoy, pods=pods)
    for other in (twice, both, frame):
        pd.testing.assert_frame_equal(other.transactions, found.transactions)
        assert not other.manifest["flags"]["incomplete"]
        assert other.files["duplicate"].sum() == 462


def test_a_name_is_no_part_of_a_path_that_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "1795407810.219 13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h.example:443 - HIER_DIRECT/- -\n"
    (tmp_path / "dt=2026-11-23").mkdir()
    for name in ("x=1.log", "1.log", "dt=2026-11-23/a.log"):
        (tmp_path / name).write_text(line)
    monkeypatch.chdir(tmp_path)
    for path in ("x=1.log", "dt=2026-11-23/", "dt=*/*.log", "x=*.log"):
        assert list(egresslog.read_squid(path).files["name"]) == [None]
    assert set(egresslog.read_squid("edge=1.log").records["proxy"]) == {"edge"}
    (tmp_path / "x=1.log").unlink()
    assert set(egresslog.read_squid("x=1.log").records["proxy"]) == {"x"}


def test_tables_beside_logs_are_no_logs_compressed_or_not(tmp_path: Path) -> None:
    line = "1795407810.219 13 10.60.1.11 TCP_TUNNEL/200 3039 CONNECT h.example:443 - HIER_DIRECT/- -\n"
    for name in ("access.log.gz", "truth.csv.gz", "notes.md.xz"):
        (tmp_path / name).write_text(line)
    kinds = egresslog.read_squid(tmp_path).files.set_index("path")["kind"]
    assert list(kinds) == ["squid", "other", "other"]
    assert len(egresslog.read_squid(tmp_path / "truth.csv.gz")) == 1


def test_limits_that_make_no_sense_are_refused() -> None:
    for limits in ({"max_offset": float("nan")}, {"max_offset": -1}, {"max_rejected": float("nan")}):
        with pytest.raises(egresslog.UsageError, match="not between"):
            egresslog.correlate(LAB, **limits)


def test_a_frame_without_its_columns_is_refused() -> None:
    with pytest.raises(egresslog.UsageError, match="record_id"):
        egresslog.correlate(squid=pd.DataFrame({"end": []}))


def test_representations_say_what_matters(found: egresslog.Correlation) -> None:
    assert repr(found) == "<correlation: 439 of 462 transactions linked, 438 connections>"
    assert "<table>" in found._repr_html_() and "api.github.com" in found._repr_html_()
    assert "462 records" in repr(egresslog.read_squid(LAB / "squid"))
    assert "<script" not in found._repr_html_()


def test_a_saved_run_is_the_same_correlation(found: egresslog.Correlation, tmp_path: Path) -> None:
    found.save(tmp_path / "run")
    loaded = egresslog.load(tmp_path / "run")
    pd.testing.assert_frame_equal(loaded.transactions, found.transactions)
    pd.testing.assert_frame_equal(loaded.matrix(), found.matrix())
    assert loaded.manifest["run_id"] == found.manifest["run_id"]


def test_explain_shows_the_candidates_of_one_line() -> None:
    native = egresslog.correlate(SAMPLES / "lab-native")
    unsure = native.transactions.query("link == 'ambiguous'").iloc[0]
    explained = native.explain(unsure["transaction_id"])
    ranks = [row["rank"] for row in explained.to_dict()["candidates"]]
    assert len(ranks) > 1 and ranks == sorted(ranks)
    assert "ambiguous, confidence" in str(explained) and unsure["transaction_id"] in repr(explained)
    with pytest.raises(egresslog.UsageError):
        native.explain("t0")


def test_matrix_adds_up_to_the_transactions(found: egresslog.Correlation) -> None:
    matrix = found.matrix()
    assert matrix["transactions"].sum() == len(found.transactions)
    assert matrix["bytes_down"].sum() == found.transactions["bytes_down"].sum()


def test_the_plot_draws_on_the_axes_it_is_given(found: egresslog.Correlation) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, ax = pyplot.subplots()
    assert found.plot(ax=ax, top=5) is ax
    assert len(ax.get_yticklabels()) == 5


def test_nothing_readable_raises_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(egresslog.EgresslogError, match="holds no file"):
        egresslog.read_squid(tmp_path)
    with pytest.raises(egresslog.UsageError, match="not a run"):
        egresslog.load(tmp_path)
