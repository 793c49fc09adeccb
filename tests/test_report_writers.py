"""Tables -> files and streams: the same bytes for the same rows, whole files or none."""

import csv
import hashlib
import io
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_matrix import transactions

from egresslog.errors import OutputError, UsageError
from egresslog.report.atomic import atomic_file
from egresslog.report.matrix import matrix
from egresslog.report.rows import digest, rows, to_json
from egresslog.report.writers import format_of, write_document, write_table

FORMATS = ("csv", "json", "jsonl", "markdown", "parquet")
MOMENT = datetime(2024, 5, 1, 12, 0, 0, 7, tzinfo=UTC)
HOPS = pa.list_(pa.struct([("file", pa.string()), ("line", pa.int64())]))
TABLE = pa.table(
    {
        "host": pa.array(["=cmd|x", None, "a,b\n\x1b"]),
        "end": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "UTC")),
        "bytes": pa.array([-1, None, 2**62], pa.int64()),
        "weight": pa.array([0.1, float("nan"), float("inf")]),
        "via": pa.array([[{"file": "g\u202e", "line": 1}], [], []], HOPS),
    }
)


def written(table: pa.Table, format: str) -> bytes:
    stream = io.BytesIO()
    write_table(table, stream, format)
    return stream.getvalue()


def test_csv() -> None:
    assert written(TABLE, "csv").decode() == (
        "host,end,bytes,weight,via\n"
        '\'=cmd|x,2024-05-01T12:00:00.000007Z,-1,0.1,"[{""file"": ""g\\u202e"", ""line"": 1}]"\n'
        ",,,,[]\n"
        '"a,b\\x0a\\x1b",2024-05-01T12:00:00.000007Z,4611686018427387904,,[]\n'
    )


def test_jsonl() -> None:
    first, second, third = map(json.loads, written(TABLE, "jsonl").decode().splitlines())
    assert first == {
        "host": "=cmd|x", "end": "2024-05-01T12:00:00.000007Z", "bytes": -1, "weight": 0.1,
        "via": [{"file": "g\u202e", "line": 1}],
    }  # fmt: skip
    assert second == {"host": None, "end": None, "bytes": None, "weight": None, "via": []}
    assert (third["host"], third["weight"]) == ("a,b\n\x1b", None)


def test_json_is_one_array_of_the_same_rows() -> None:
    assert json.loads(written(TABLE, "json")) == list(rows(TABLE))
    assert json.loads(written(TABLE.slice(0, 0), "json")) == []


def test_markdown() -> None:
    assert written(TABLE.select(["host", "bytes"]), "markdown").decode() == (
        "| host | bytes |\n"
        "| --- | ---: |\n"
        "| =cmd&#124;x | -1 |\n"
        "|  |  |\n"
        "| a,b&#92;x0a&#92;x1b | 4611686018427387904 |\n"
    )


def test_parquet_keeps_everything() -> None:
    records = matrix(transactions({}, {"host": "\x1b"}))
    back = pq.read_table(io.BytesIO(written(records, "parquet")))
    assert back.equals(records) and back.schema.equals(records.schema, check_metadata=True)


def test_document() -> None:
    stream = io.BytesIO()
    write_document({"flags": {"incomplete": False}, "balance": {}, "transactions": TABLE, "none": []}, stream)
    assert json.loads(stream.getvalue()) == {
        "flags": {"incomplete": False}, "balance": {}, "transactions": list(rows(TABLE)), "none": [],
    }  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_do_not_depend_on_chunks(format: str) -> None:
    whole = pa.concat_tables([TABLE] * 4000).combine_chunks()
    cut = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 5000), whole.slice(5001)])
    assert written(whole, format) == written(cut, format)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXTS | st.none(), min_size=1))
def test_no_control_character_gets_out_and_lines_stay_lines(texts: list[str | None]) -> None:
    table = pa.table({"text": pa.array(texts, pa.string()), "list": pa.array([[t] for t in texts])})
    for format in ("csv", "jsonl", "markdown"):
        text = written(table, format).decode()
        assert not {sign for sign in text if sign < " " or "\x7f" <= sign <= "\x9f"} - {"\n"}
        assert text.count("\n") == len(texts) + {"csv": 1, "jsonl": 0, "markdown": 2}[format]
    assert [row["text"] for row in rows(table)] == texts
    cells = list(csv.DictReader(io.StringIO(written(table, "csv").decode())))
    assert [json.loads(cell["list"]) for cell in cells] == [[text] for text in texts]


def test_large_strings_from_pandas_are_neutralised_too() -> None:
    table = pa.table({"host": pa.array(["=1"], pa.large_string())})
    encoded = pa.table({"host": pa.array(["=1"]).dictionary_encode()})
    assert written(table, "csv") == written(encoded, "csv") == b"host\n'=1\n"


def test_times_of_any_year_are_written() -> None:
    ends = pa.array([-62_167_219_200_000_001, 253_402_300_800_000_000], pa.timestamp("us", "UTC"))
    assert b"10000-01-01T00:00:00.000000Z" in written(pa.table({"end": ends}), "csv")


def test_digest_is_of_the_rows_alone() -> None:
    assert digest(TABLE) == digest(TABLE.select(["weight", "via", "host", "end", "bytes"]))
    assert digest(TABLE) == digest(pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]))
    assert digest(TABLE) != digest(TABLE.slice(1))
    lines = b'{"a":1,"b":"\\u00e9"}\n{"a":null,"b":"x"}\n'
    assert digest(pa.table({"b": ["é", "x"], "a": [1, None]})) == hashlib.sha256(lines).hexdigest()


def test_canonical_json() -> None:
    assert to_json({"b": "\x7fé", "a": 1}, canonical=True) == '{"a":1,"b":"\\u007f\\u00e9"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(float("nan"))


@pytest.mark.parametrize(
    ("path", "format"),
    [("a.csv", "csv"), ("b.JSON", "json"),
     ("x/a.jsonl", "jsonl"), ("a.md", "markdown"), ("a.parquet", "parquet")],
)
def test_format_follows_from_the_suffix(path: str, format: str) -> None:
    assert format_of(path) == format


@pytest.mark.parametrize("path", ["a.xlsx", "a", "a.\x1b[2J"])
def test_an_unknown_suffix_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match=r"hint: use one of \.csv") as error:
        format_of(path)
    assert "\x1b" not in str(error.value)


def test_an_unknown_format_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="csv json"):
        write_table(TABLE, tmp_path / "a.csv", "xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_private_and_replaced_as_a_whole(tmp_path: Path, format: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    write_table(TABLE, path, format)
    assert path.read_bytes() == written(TABLE, format)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError(28, "No space left"), KeyboardInterrupt(), ValueError()])
def test_nothing_partial_is_left(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    expected = OutputError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected), atomic_file(path) as stream:
        stream.write(b"half")
        raise failure
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def make_link(path: Path) -> None:
    path.symlink_to("elsewhere.csv")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, make_link])
def test_what_is_no_regular_file_is_left_alone(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "out.csv")
    with pytest.raises(OutputError, match="not a regular file"):
        write_table(TABLE, tmp_path / "out.csv")


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        write_table(TABLE, tmp_path / "none" / "out.csv")


class Broken(io.BytesIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


def test_a_full_stream_is_an_output_error_and_a_closed_pipe_is_not() -> None:
    with pytest.raises(OutputError, match="No space left"):
        write_table(TABLE, Broken(OSError(28, "No space left on device")), "csv")
    with pytest.raises(BrokenPipeError):
        write_table(TABLE, Broken(BrokenPipeError()), "csv")
