"""A run is complete or absent, explains itself, and keeps no secret."""

import json
import re
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_matrix import connections, transactions

from egresslog.errors import OutputError, UsageError
from egresslog.report import run
from egresslog.report.mask import mask, masked
from egresslog.report.run import read_run, write_run
from egresslog.schema import CANDIDATES, REJECTS

REJECT = {"file": "a.log", "line": 3, "reason": "expected a time", "excerpt": "Basic dXNlcjpwYXNz"}
TABLES = {
    "transactions": transactions({}, {"host": "\x1b", "url": "http://u:secret@h/"}),
    "connections": connections({"connection_id": "c", "transactions": 1}),
    "candidates": CANDIDATES.arrow().empty_table(),
    "rejects": pa.Table.from_pylist([REJECT], REJECTS.arrow()),
    "raw": pa.table({"record_id": ["t"], "raw": ["Proxy-Authorization: Bearer secret"]}),
}
FILES = [
    "candidates/part-0.parquet", "connections/part-0.parquet", "manifest.json", "matrix.csv",
    "raw/part-0.parquet", "rejected.jsonl", "transactions/part-0.parquet",
]  # fmt: skip


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write_run(tmp_path / "run", TABLES, {"parameters": {"max_offset": 900}, "files": ["a.log"]})
    tables, manifest = read_run(tmp_path / "run")
    assert files(tmp_path / "run") == FILES
    assert {name: table.equals(masked(TABLES[name])) for name, table in tables.items()} == dict.fromkeys(
        TABLES, True
    )
    assert tables["transactions"].schema.field("end").metadata[b"unit"] == b"us"
    assert (manifest["parameters"], manifest["files"]) == ({"max_offset": 900}, ["a.log"])
    assert manifest["tables"]["transactions"] == {"rows": 2, "digest": run.digest(tables["transactions"])}
    assert sorted(manifest["outputs"]) == [name for name in FILES if name != "manifest.json"]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    write_run(tmp_path / "run", TABLES, {})
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_run(tmp_path / name, TABLES, {"b": 1, "a": 2})
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in ("one", "two"))
    assert one == two


def test_no_secret_is_kept(tmp_path: Path) -> None:
    write_run(tmp_path / "run", TABLES, {})
    tables, _ = read_run(tmp_path / "run")
    text = json.dumps([table.to_pylist() for table in tables.values()], default=str)
    assert "secret" not in text and "dXNlcjpwYXNz" not in text


def test_a_run_is_replaced_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run", TABLES, {"n": 1})
    with pytest.raises(OutputError, match="the run exists already"):
        write_run(tmp_path / "run", TABLES, {"n": 2})
    assert read_run(tmp_path / "run")[1]["n"] == 1
    write_run(tmp_path / "run", TABLES, {"n": 2}, force=True)
    assert read_run(tmp_path / "run")[1]["n"] == 2


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_with_other_things_is_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="not empty and not a run"):
        write_run(tmp_path, TABLES, {}, force=force)
    assert files(tmp_path) == ["thesis.txt"]


def test_a_file_or_link_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="not a folder"):
            write_run(tmp_path / name, TABLES, {}, force=True)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_run_that_fails_is_absent_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    write_run(tmp_path / "run", TABLES, {"n": 1})

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(run, "_write_manifest", fail)
    for name in ("run", "new"):
        with pytest.raises((KeyboardInterrupt, OutputError)):
            write_run(tmp_path / name, TABLES, {"n": 2}, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_run(tmp_path / "run")[1]["n"] == 1


@pytest.mark.parametrize("manifest", [None, "{", "[]", "{}", '{"layout": 99}', '{"layout": 1, "tables": 5}'])
def test_a_folder_that_is_not_a_run_is_a_usage_error(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UsageError, match="run") as error:
        read_run(tmp_path)
    assert error.value.hint


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    write_run(tmp_path / "run", TABLES, {})
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["../raw"] = {"rows": 1}
    path.write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="not whole"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize("name", ["transactions/part-0.parquet", "rejected.jsonl"])
@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_damage_is_found(tmp_path: Path, name: str, change: object) -> None:
    write_run(tmp_path / "run", TABLES, {})
    change(tmp_path / "run" / name)  # type: ignore[operator]
    with pytest.raises(UsageError, match="damaged"):
        read_run(tmp_path / "run")


def masked_text(text: str) -> str:
    return str(mask(pa.chunked_array([[text]])).to_pylist()[0])


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("GET http://bob:SECRET@h.example/a?b=1 -", "GET http://***@h.example/a?b=1 -"),
        ("https://a:p@ss:SECRET@h.example/x@y", "https://***@h.example/x@y"),
        ("/p?a=1&access_token=SECRET&c=2 x", "/p?a=1&access_token=***&c=2 x"),
        (r'{"path":"/p?a=1\u0026api_key=SECRET\u0026c=2"}', r'{"path":"/p?a=1\u0026api_key=***\u0026c=2"}'),
        ("/p?password=%20SECRET#frag", "/p?password=***#frag"),
        ('"Authorization: Bearer SECRET" "next"', '"Authorization: ***" "next"'),
        ('{"authorization":"Token SECRET","n":1}', '{"authorization":"***","n":1}'),
        ('{"header":"Basic SECRET==","n":1}', '{"header":"Basic ***","n":1}'),
        ("[Proxy-Authorization:%20Basic%20SECRET%0D%0AAccept:%20*/*]",
         "[Proxy-Authorization:%20***%0D%0AAccept:%20*/*]"),
        ("Authorization:%20Digest%20username=%22u%22,%20response=%22SECRET%22%0D%0AA: b",
         "Authorization:%20***%22u%22,%20response=%22*** b"),
        (r"[Cookie: a=SECRET; b=SECRET\r\nAccept: */*]", r"[Cookie: ***\r\nAccept: */*]"),
        ("/x eyJhbGciOiJI.eyJzdWIiSECRET.abc- y", "/x *** y"),
        ("CONNECT token.example:443 basic", "CONNECT token.example:443 basic"),
        ("1714564800.123 12 10.0.0.1 TCP_TUNNEL/200 39 CONNECT b.example:443 a@b HIER_DIRECT/1.2.3.4 -",) * 2,
        ("authority=b.example:443 response_code=200 bypass=no auth=SECRET",
         "authority=b.example:443 response_code=200 bypass=no auth=***"),
    ],
)  # fmt: skip
def test_masking(raw: str, kept: str) -> None:
    assert masked_text(raw) == kept


PIECES = st.sampled_from(
    ["Authorization", ": ", "Basic ", "Bearer%20", "abcd", "==", '"', "\\", "%0D", "://",
     "u:p@", "?key=", "&", "***"]
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_masking_twice_changes_nothing(text: str) -> None:
    assert masked_text(masked_text(text)) == masked_text(text)


@given(st.text("abcXYZ019", min_size=6), st.sampled_from(["token", "api_key", "client_secret", "Password"]))
def test_secret_parameters_never_stay(secret: str, name: str) -> None:
    text = masked_text(f"GET http://h.example/?q=1&{name}={secret}&z=2 HTTP/1.1")
    assert re.fullmatch(rf"GET http://h\.example/\?q=1&{name}=\*\*\*&z=2 HTTP/1\.1", text)
