"""Bundles of options: one parameter of a command, several options on the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from egresslog.cli import options
from egresslog.cli.library import library
from egresslog.cli.messages import warn
from egresslog.report.completeness import MAX_REJECTED
from egresslog.report.select import Selection

if TYPE_CHECKING:
    from egresslog import api

Command = Callable[..., None]


@dataclass(frozen=True)
class Reading:
    """What to read besides the paths, and in which formats."""

    squid: options.Squid = None
    envoy: options.Envoy = None
    squid_format: options.SquidFormat = None
    envoy_format: options.EnvoyFormat = None
    max_rejected: options.MaxRejected = MAX_REJECTED

    def inputs(self, paths: list[str] | None, joining: Joining | None = None) -> api.Inputs:
        """Everything to read, as the library takes it; says what is dangerous in the formats given.

        Raises UsageError and FormatError.
        """
        made: api.Inputs = library().Inputs(
            paths or (), self.squid or (), self.envoy or (), (joining.pods if joining else None) or (),
            self.squid_format, self.envoy_format,
        )  # fmt: skip
        warn(_dangers(made))
        return made


@dataclass(frozen=True)
class Joining:
    """How both sides are joined."""

    pods: options.Pods = None
    proxy: options.Proxy = None
    max_offset: options.MaxOffset = 900.0

    def terms(self, max_rejected: float) -> api.Terms:
        """The same as the library takes it. Raises UsageError."""
        made: api.Terms = library().Terms(self.proxy or (), self.max_offset, max_rejected)
        return made


@dataclass(frozen=True)
class Filters:
    """What is shown."""

    since: options.Since = None
    until: options.Until = None
    namespace: options.Namespace = None
    workload: options.Workload = None
    host: options.Host = None
    port: options.Port = None

    @property
    def selection(self) -> Selection:
        """The same as the report takes it; raises UsageError where a time cannot be read."""
        since, until = options.moment("--since", self.since), options.moment("--until", self.until)
        return Selection(since, until, self.namespace, self.workload, self.host, self.port)


def _dangers(inputs: api.Inputs) -> list[str]:
    """A sentence per danger of the formats given, each once."""
    from egresslog.report.dangers import sentences

    options = ((f"--{side}-format", one) for side, stated in inputs.stated.items() for one in stated)
    return list(dict.fromkeys(line for option, one in options for line in sentences(option, one)))


def unbundled(command: Command) -> Command:
    """The command with the options of each bundle among its parameters, as typer needs them."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    bundles: dict[str, Any] = {p.name: p.annotation for p in parameters if is_dataclass(p.annotation)}

    def run(**values: Any) -> None:
        for name, bundle in bundles.items():
            values[name] = bundle(**{field.name: values.pop(field.name) for field in fields(bundle)})
        command(**values)

    flat = [one for p in parameters for one in _options(bundles.get(p.name), p)]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    return run


def _options(bundle: Any, parameter: inspect.Parameter) -> list[inspect.Parameter]:
    own = inspect.signature(bundle, eval_str=True).parameters.values() if bundle else [parameter]
    return [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
