"""What to paste so that the next collection is complete: Istio's configuration."""

from __future__ import annotations

from collections.abc import Sequence

from egresslog.parse.content import FileReport

TELEMETRY_YAML = """\
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata:
  name: access-logs
  namespace: istio-system
spec:
  accessLogging:
    - providers:
        - name: envoy
"""

TELEMETRY_HINT = (
    f"turn Istio's access logs on with this Telemetry resource (kubectl apply -f -):\n\n{TELEMETRY_YAML}"
)

NO_SQUID = "no Squid log among the inputs: nothing tells where the tunnels went; give one with --squid"
NO_ENVOY = "no Envoy log among the inputs: no connection can be linked; give them with --envoy"
NO_ACCESS_LINES = "the Envoy logs hold no access lines, access logging is off: no connection can be linked"


def missing_sides(files: Sequence[FileReport]) -> tuple[str, ...]:
    """A sentence for each side that gave no record at all."""
    kinds = {report.kind for report in files if report.parsed}
    silent = any(report.kind == "envoy" for report in files)
    sentences = []
    if not kinds & {"squid", "mixed"}:
        sentences.append(NO_SQUID)
    if not kinds & {"envoy", "mixed"}:
        sentences.append(NO_ACCESS_LINES if silent else NO_ENVOY)
    return tuple(sentences)
