"""Text -> the documents in it: JSON, or YAML with any number of documents.

Aliases are shared, not copied, while YAML is read; what follows them does so once per use. So the size
with every alias written out is measured first, and a document that would explode is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from egresslog.errors import UsageError

if TYPE_CHECKING:
    import yaml

MAX_NODES = 500_000  # of a document, with every alias written out


def documents(text: str, where: str = "", *, as_text: bool = False) -> list[Any]:
    """Every document of a text; ``as_text``: YAML's numbers, times and truths stay the texts they are.

    Raises UsageError with line and column (of ``where``) where it is neither JSON nor YAML.
    """
    if text.lstrip().startswith(("{", "[")):
        try:
            return [json.loads(text)]
        except (ValueError, RecursionError):
            pass  # YAML reads what JSON does, and says where it cannot
    try:
        return _yaml_documents(text, as_text)
    except RecursionError:
        raise _problem(where, "nested too deeply") from None
    except UsageError as error:
        raise _problem(where, error.message, error.hint) from None


def _yaml_documents(text: str, as_text: bool) -> list[Any]:
    import yaml

    try:
        loader = yaml.BaseLoader(text) if as_text else yaml.SafeLoader(text)
        found = []
        while (node := loader.get_node() if loader.check_node() else None) is not None:
            _measure(node, {})
            found.append(loader.construct_document(node))
        return found
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise UsageError(f"{place}{error.problem or error.context}", hint=_YAML_HINT) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise UsageError(f"{error}", hint=_YAML_HINT) from error


_YAML_HINT = "it has to be YAML or JSON; indent with spaces, and quote format strings: they begin with [ or %"


def _measure(node: yaml.Node, known: dict[int, int]) -> int:
    """The nodes below and including this one, those behind an alias once per use."""
    import yaml

    if id(node) in known:
        size = known[id(node)]
    else:
        known[id(node)] = MAX_NODES + 1  # until it is known: one that holds itself has no size
        inner = (
            [part for pair in node.value for part in pair]
            if isinstance(node, yaml.MappingNode)
            else (node.value if isinstance(node, yaml.SequenceNode) else [])
        )
        size = known[id(node)] = 1 + sum(_measure(part, known) for part in inner)
    if size > MAX_NODES:
        mark = node.start_mark
        raise UsageError(f"line {mark.line + 1}, column {mark.column + 1}: aliases make this too large")
    return size


def _problem(where: str, message: str, hint: str | None = None) -> UsageError:
    return UsageError(f"{where}: {message}" if where else message, hint=hint)
