"""Labels of experiments side by side: their names, else the fields that tell them apart."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.labels import value_label, value_labels
from core.spec.difference import Difference, differences
from core.spec.experiment import METADATA
from core.symbols import quantity

_MAX_SEARCHED = 3
"""Larger sets of fields are not searched exhaustively."""

_MEASURED = frozenset(
    {
        *("seeds", "evaluation.horizon", "evaluation.fit_tolerance", "evaluation.sequences"),
        *("evaluation.seed", "numerics.dtype"),
    }
)
"""Fields that change how a training is measured or repeated, not what is trained."""

_WITHOUT_EFFECT = frozenset(
    {
        *("evaluation.points", "evaluation.record", "evaluation.record_at", "evaluation.flow"),
        *("evaluation.baselines", "numerics.device"),
    }
)
"""Fields that change no number of a run."""


def experiment_labels(
    ids: Sequence[str], names: Sequence[str], specs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A different label for each experiment.

    The names, if all are given and different. Otherwise the fewest fields that tell all experiments
    apart: what is trained before how it is measured, kinds before their parameters. A field that an
    experiment doesn't have is left out of its label. Experiments with equal specs have their ids.

    Args:
        ids: The experiments' ids.
        names: Their names; "" without one.
        specs: Their specs as JSON, with all defaults.

    Example:
        >>> descent, flow = {"kind": "gd", "lr": 0.01}, {"kind": "gradient_flow", "time": 10.0}
        >>> experiment_labels(["a", "b"], ["", ""], [{"optimizer": descent}, {"optimizer": flow}])
        ['GD', 'gradient flow']
        >>> experiment_labels(["a", "b"], ["GD", "flow"], [{}, {}])
        ['GD', 'flow']
    """
    if all(names) and len(set(names)) == len(names):
        return list(names)
    trained = [{name: spec[name] for name in spec if name not in METADATA} for spec in specs]
    labels = _of_fields(trained)
    count = Counter(labels)
    return [
        label if label and count[label] == 1 else f"{label} ({id_})" if label else id_
        for id_, label in zip(ids, labels, strict=True)
    ]


def _of_fields(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Labels from the fewest fields that differ; equal ones where no field tells specs apart."""
    ordered = sorted(differences(specs), key=_rank)
    parts = {difference.path: _parts(difference, specs) for difference in ordered}
    labels = [""] * len(specs)
    for group in range(3):
        paths = [difference.path for difference in ordered if _group(difference.path) <= group]
        for size in range(1, min(_MAX_SEARCHED, len(paths)) + 1):
            for chosen in itertools.combinations(paths, size):
                labels = _joined([parts[path] for path in chosen])
                if _tells_apart(labels):
                    return labels
        labels = _greedy([parts[path] for path in paths], len(specs))
        if _tells_apart(labels):
            return labels
    return labels


def _greedy(columns: Sequence[Sequence[str]], count: int) -> list[str]:
    """Labels from columns that are added one by one, each the first that tells most apart."""
    chosen: list[Sequence[str]] = []
    labels = [""] * count
    while not _tells_apart(labels):
        attempts = [_joined([*chosen, column]) for column in columns]
        gains = [_distinct(attempt) for attempt in attempts]
        if max(gains, default=0) <= _distinct(labels):
            break
        best = gains.index(max(gains))
        chosen.append(columns[best])
        labels = attempts[best]
    return labels


def _distinct(labels: Sequence[str]) -> int:
    return len(set(labels) - {""})


def _tells_apart(labels: Sequence[str]) -> bool:
    return _distinct(labels) == len(labels)


def _joined(columns: Sequence[Sequence[str]]) -> list[str]:
    return [", ".join(dict.fromkeys(filter(None, row))) for row in zip(*columns, strict=True)]


def _group(path: str) -> int:
    return 2 if path in _WITHOUT_EFFECT else 1 if path in _MEASURED else 0


def _rank(difference: Difference) -> tuple[int, int, int]:
    """The order of preference: within a group, kinds, the outermost first, then symbols."""
    path = difference.path
    known = quantity(path)
    if known.phrase:
        return _group(path), 0, path.count(".")
    return _group(path), (1 if known.symbol else 2), 0


def _parts(difference: Difference, specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The field's part of each label; "" for an experiment that doesn't have the field."""
    present = [value for value in difference.values if value is not None]
    labels = iter(value_labels(difference.path, present))
    return [
        _absence(difference.path, spec) if value is None else next(labels)
        for value, spec in zip(difference.values, specs, strict=True)
    ]


def _absence(path: str, spec: Mapping[str, Any]) -> str:
    """What null means for the field, or for the innermost object around it; "" without null."""
    where: Any = spec
    at: list[str] = []
    for name in path.split("."):
        if not isinstance(where, Mapping) or name not in where:
            return ""
        where = where[name]
        at.append(name)
        if where is None:
            return value_label(".".join(at), None)
    return ""
