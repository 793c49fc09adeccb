"""A run: the folder that holds a correlation, explains itself and is complete or absent.

    transactions/ connections/ candidates/ raw/    Parquet, part-0.parquet in each
    rejected.jsonl  matrix.csv  manifest.json      the manifest lists rows, digests and file hashes

Secrets are masked in every column that quotes a client (``mask.MASKED_COLUMNS``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egresslog.errors import OutputError, UsageError
from egresslog.report.atomic import atomic_file, atomic_folder, output_errors
from egresslog.report.mask import masked
from egresslog.report.matrix import matrix
from egresslog.report.neutralise import for_terminal
from egresslog.report.rows import digest
from egresslog.report.writers import write_table
from egresslog.schema import CANDIDATES, CONNECTIONS, REJECTS, TRANSACTIONS

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = 1
MANIFEST = "manifest.json"
REQUIRED = (TRANSACTIONS.name, CONNECTIONS.name, CANDIDATES.name)

_DAMAGED = "the run was damaged or changed after it was written; copy it again"
_NO_RUN = "a run is the folder that `egresslog correlate ... -o FOLDER` writes"


def write_run(
    folder: str | Path, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any], *, force: bool = False
) -> None:
    """Write transactions, connections, candidates, and rejects and raw where given, as a run.

    The manifest is written last, with ``layout``, ``tables`` (rows, digest) and ``outputs`` (bytes,
    sha256) added. The folder has mode 0700, its files 0600. An empty folder of that name is used;
    one with files raises OutputError, unless ``force`` is set and it is itself a run. Raises
    OutputError also when it cannot be written; then what was there still is.
    """
    folder = Path(folder)
    with output_errors(str(folder)):
        refuse_existing(folder, force)
    tables = {name: masked(table) for name, table in tables.items()}
    with atomic_folder(folder) as fresh:
        for name, table in tables.items():
            _write_table(table, fresh, name)
        write_table(matrix(tables["transactions"], tables["connections"]), fresh / "matrix.csv")
        _write_manifest(fresh, {**manifest, "layout": LAYOUT, "tables": _described(tables)})


def read_run(folder: str | Path) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """The tables of a run by name (rejects included, the matrix not) and its manifest.

    Raises UsageError when the folder is not a run, or when a part is missing or cannot be read.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    return {name: _read_table(folder, name, facts) for name, facts in manifest["tables"].items()}, manifest


def refuse_existing(folder: Path, force: bool) -> None:
    """Raise OutputError where a run may not be written: over other things; over a run, unless ``force``."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"{_shown(folder)}: exists and is not a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MANIFEST).is_file():
        raise OutputError(f"{_shown(folder)}: the folder is not empty and not a run", hint="choose another")
    if not force:
        raise OutputError(f"{_shown(folder)}: the run exists already", hint="--force replaces it")


def _write_table(table: pa.Table, folder: Path, name: str) -> None:
    if name == REJECTS.name:
        return write_table(table, folder / "rejected.jsonl")
    (folder / name).mkdir(mode=0o700)
    write_table(table, folder / name / "part-0.parquet")


def _described(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, object]]:
    return {name: {"rows": len(table), "digest": digest(table)} for name, table in sorted(tables.items())}


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["outputs"] = _fingerprints(folder)
    with atomic_file(folder / MANIFEST) as stream:
        stream.write(json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n")


def _fingerprints(folder: Path) -> dict[str, dict[str, object]]:
    """Size and hash of every file of the folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): _fingerprint(path) for path in paths}


def _fingerprint(path: Path) -> dict[str, object]:
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{_shown(folder)}: not a run: no readable {MANIFEST}", hint=_NO_RUN) from error
    if not isinstance(manifest, dict) or "layout" not in manifest:
        raise UsageError(f"{_shown(folder)}: not a run: {MANIFEST} is of something else", hint=_NO_RUN)
    if manifest["layout"] != LAYOUT:
        raise UsageError(f"{_shown(folder)}: a run of another layout", hint="use the version that wrote it")
    if not _is_whole(manifest):
        raise UsageError(f"{_shown(folder)}: {MANIFEST} is not whole", hint=_DAMAGED)
    return manifest


def _is_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether the manifest lists what a run has; a table's name is a folder's, so no path."""
    tables, listed = manifest.get("tables"), manifest.get("outputs")
    return (
        isinstance(tables, dict)
        and isinstance(listed, dict)
        and set(REQUIRED) <= set(tables)
        and all(name.isidentifier() and isinstance(facts, dict) for name, facts in tables.items())
    )


def _read_table(folder: Path, name: str, facts: Mapping[str, object]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if name == REJECTS.name:
            table = _read_rejects(folder / "rejected.jsonl")
        else:
            table = pq.read_table(folder / name / "part-0.parquet", partitioning=None)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UsageError(f"{_shown(folder)}: {for_terminal(name)} cannot be read", hint=_DAMAGED) from error
    if len(table) != facts.get("rows"):
        raise UsageError(f"{_shown(folder)}: {for_terminal(name)} has lost rows", hint=_DAMAGED)
    return table


def _read_rejects(path: Path) -> pa.Table:
    import pyarrow as pa

    lines = path.read_text(encoding="ascii").splitlines()
    return pa.Table.from_pylist([json.loads(line) for line in lines], REJECTS.arrow())


def _shown(folder: Path) -> str:
    return for_terminal(str(folder))
