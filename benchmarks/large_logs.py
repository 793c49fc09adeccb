"""Make a large pair of logs out of the lab's, and time what asks about one line of it.

    python benchmarks/large_logs.py FOLDER [GIGABYTES]

The lab's records (one client address for four pods, no port) are repeated with their times moved
and their sizes multiplied, so that no two rounds are alike. Prints how long ``who`` takes for lines at
the start, in the middle and at the end, and for one that is in no log.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

LAB = Path(__file__).parents[1] / "tests" / "data" / "snat"
ROUND = 75.0  # seconds from one repetition to the next, and a little more
_SQUID = re.compile(rb"(\S+)( +\S+ \S+ \S+ )(\d+)( .*)")
_ENVOY = re.compile(rb"\[(\S+)Z\](.* )(\d+)( \d+ \S+ \"-\" .*)")


def main() -> None:
    """Make the logs, unless they are there, and time the questions."""
    folder = Path(sys.argv[1])
    size = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    squid = folder / "squid" / "access.log"
    if not squid.exists():
        make(folder, int(size * 1e9))
    with squid.open("rb") as file:
        for share in (0.001, 0.25, 0.75, 0.999, 0.5):
            file.seek(int(squid.stat().st_size * share))
            file.readline()
            line = file.readline().decode()
            ask(line, folder)
    ask(re.sub(r"(/\d+ )(\d+)", r"\g<1>77\2", line), folder)


def make(folder: Path, size: int) -> None:
    """Squid's log and one per pod, of about ``size`` bytes in all."""
    (folder / "squid").mkdir(parents=True)
    sources = [(LAB / "squid" / "access.log.gz", folder / "squid" / "access.log")]
    for log in sorted((LAB / "envoy").glob("*/*.gz")):
        (folder / "envoy" / log.parent.name).mkdir(parents=True)
        sources.append((log, folder / "envoy" / log.parent.name / log.name.removesuffix(".gz")))
    texts = [gzip.decompress(source.read_bytes()).splitlines() for source, _ in sources]
    rounds = max(1, size // sum(len(line) + 1 for lines in texts for line in lines))
    for lines, (_, target) in zip(texts, sources, strict=True):
        moved = squid_lines if target.parent.name == "squid" else envoy_lines
        with target.open("wb") as file:
            for number in range(rounds):
                file.writelines(moved(lines, number))


def squid_lines(lines: list[bytes], number: int) -> Iterator[bytes]:
    """Squid's native lines in a later round."""
    for line in lines:
        if found := _SQUID.fullmatch(line):
            end, middle, size, rest = found.groups()
            yield b"%.3f%s%d%s\n" % (float(end) + later(number), middle, int(size) * times(number), rest)


def envoy_lines(lines: list[bytes], number: int) -> Iterator[bytes]:
    """Envoy's lines in a later round."""
    for line in lines:
        if found := _ENVOY.fullmatch(line):
            start, middle, size, rest = found.groups()
            begun = datetime.fromisoformat(start.decode()) + timedelta(seconds=later(number))
            moved = begun.isoformat(timespec="milliseconds").encode()
            yield b"[%sZ]%s%d%s\n" % (moved, middle, int(size) * times(number), rest)


def later(number: int) -> float:
    """Seconds by which a round is moved."""
    return number * ROUND + (number * 37 % 11) * 0.137


def times(number: int) -> int:
    """What the sizes of a round are multiplied by: sums of several records stay sums."""
    return number % 97 + 1


def ask(line: str, folder: Path) -> None:
    """Time one question, and say what was answered."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "egresslog", "who", line, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    link = next((said for said in done.stdout.splitlines() if said.startswith("link")), done.stderr)
    print(f"{time.perf_counter() - begun:5.2f} s  {link.strip()}  {done.stderr.strip()}")


if __name__ == "__main__":
    main()
