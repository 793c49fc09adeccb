"""What ``explain`` says of the samples: ``python tests/explained.py`` writes tests/data/explained."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lab import DATA, SAMPLES

import egresslog
from egresslog.report.printing import text_of

FOLDER = DATA / "explained"
WIDTHS = (80, 120)

# By what it shows: of which logs, the place of the record.
CASES = {
    "linked": ("lab-native", "access.log:3"),
    "stranger": ("lab", "access-port.log.0:2"),
    "ambiguous": ("lab-native", "access.log.0:102"),
    "none": ("lab", "access-port.log.0:356"),
    "shared": ("lab", "access-port.log.0:12"),
    "connection": ("lab-native", "reviews-v2-6c9f8bd5c-8zj4t/istio-2018.log:5"),
    "wanted": ("lab-native", "sleep-7b8d5c6f9-x2x7q/istio-2018.log:27"),
    "elsewhere": ("lab", "batch-0/istio-text.log:1"),
    "gateway": ("gateway", "access.log.gz:1"),
    "hop": ("gateway", "istio-egressgateway-7f8b9c6d5-gw001/istio-text.log.gz:1"),
}


@cache
def correlation(name: str) -> egresslog.Correlation:
    """A sample set; of the gateway's the native log."""
    if name == "gateway":
        folder = DATA / "gateway"
        return egresslog.correlate(squid=folder / "squid" / "access.log.gz", envoy=folder / "envoy")
    return egresslog.correlate(SAMPLES / name)


def page(case: str, width: int) -> str:
    """The terminal's page, with the samples' paths as seen from the repository."""
    name, place = CASES[case]
    blocks = correlation(name).explain(place).blocks(width)
    return "\n".join(map(text_of, blocks)).replace(f"{DATA.parents[1]}/", "")


def path(case: str, width: int) -> Path:
    """Where the page is kept."""
    return FOLDER / f"{case}-{width}.txt"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        for width in WIDTHS:
            path(case, width).write_text(page(case, width), encoding="utf-8")
