"""Specs and sweeps as people pass them: dictionaries, validated specs, paths of files, handles."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from core.spec import ExperimentSpec
    from extrapolab.client.handles.experiment_handle import ExperimentHandle

Spec: TypeAlias = Union[
    "ExperimentSpec", "ExperimentHandle", Mapping[str, Any], str, "PathLike[str]"
]
"""A validated spec, an experiment that has one, a mapping that the lab validates (NumPy arrays in
it are sent as lists), or the path of a file, .yaml or .json."""

Axes: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | PathLike[str]
"""A list of axes; values by path, such as ``{"training.length": [4, 6]}``; or a sweep's file."""

_YAML = (".yaml", ".yml")
_SUFFIXES = (*_YAML, ".json")


def is_path(given: object) -> bool:
    """Whether this is the path of a file, and not an id or a name."""
    return isinstance(given, PathLike) or (isinstance(given, str) and given.endswith(_SUFFIXES))


def read_file(path: "str | PathLike[str]") -> dict[str, Any]:
    """Reads a mapping from a file of YAML or JSON.

    Raises:
        OSError: It can't be read.
        ValueError: It is neither, or holds no mapping.
    """
    from core.spec.text import SyntaxProblem, parse_text  # noqa: PLC0415  # few programs read files

    name = fspath(path)
    try:
        content = parse_text(Path(name).read_text(encoding="utf-8"), is_yaml=name.endswith(_YAML))
    except (SyntaxProblem, UnicodeDecodeError) as error:
        raise ValueError(f"{name} {error}") from error
    if isinstance(content, dict):
        return content
    raise ValueError(f"{name} should hold fields with values, such as teacher and student")


def mapping_of(given: object) -> dict[str, Any]:
    """The fields of a spec, or of a part of one.

    Raises:
        OSError: A file can't be read.
        ValueError: A file is neither YAML nor JSON.
        TypeError: It is nothing of these.
    """
    if isinstance(given, str | PathLike) and is_path(given):
        return read_file(given)
    if isinstance(given, Mapping):
        return dict(given)
    part = getattr(given, "spec", given)  # of an experiment
    if callable(dump := getattr(part, "model_dump", None)):
        return dict(dump(mode="json"))
    hint = ""
    if isinstance(given, str):
        hint = " For an id, lab.experiment(id) and lab.sweep(id) fetch what there is."
    raise TypeError(
        "a spec is a dictionary, an ExperimentSpec, an experiment, or the path of a .yaml or .json "
        f"file, not a {type(given).__name__}: {given!r:.80}.{hint}"
    )


def is_sweep(content: Mapping[str, Any]) -> bool:
    """Whether this is meant as a sweep, and not as the spec of one experiment."""
    return bool(content.keys() & {"base", "axes"}) and not content.keys() & {"teacher", "student"}


def spec_body(spec: Spec) -> dict[str, Any]:
    """Returns the body of a check of an experiment.

    Raises:
        TypeError: It is no spec, or a sweep.
    """
    content = mapping_of(spec)
    if is_sweep(content):
        raise TypeError("this is a sweep, with base and axes: lab.check_sweep(...) takes it")
    return content


def sweep_body(
    base: Spec, axes: Axes | None, name: str = "", tags: Sequence[str] = ()
) -> dict[str, Any]:
    """Returns the body of a sweep's submission.

    Args:
        base: A spec, or a whole sweep with base and axes.
        axes: Its axes; None for those of a whole sweep.
        name: Its name, in place of a whole sweep's.
        tags: Tags, in place of a whole sweep's.

    Raises:
        TypeError: There are no axes.
    """
    content = mapping_of(base)
    if "base" not in content:
        content = {"base": content}
    if axes is not None:
        content["axes"] = axes
    if "axes" not in content:
        raise TypeError(
            'a sweep needs axes: lab.sweep(base, {"training.length": [4, 6]}), or a dictionary or '
            "file with base and axes"
        )
    given = {"name": name, "tags": [*tags]}
    return {**given, **content, **{key: value for key, value in given.items() if value}} | {
        "axes": axes_body(content["axes"])
    }


def axes_body(axes: Axes) -> list[dict[str, Any]]:
    """Returns axes as HTTP takes them.

    Example:
        >>> axes_body({"training.length": range(4, 6), "student.dim": 20})
        [{'path': 'training.length', 'values': [4, 5]}, {'path': 'student.dim', 'values': [20]}]
        >>> axes_body([{"path": "training.length", "values": (4, 6)}])
        [{'path': 'training.length', 'values': [4, 6]}]
    """
    if isinstance(axes, str | PathLike):
        axes = read_file(axes)
        axes = axes.get("axes", axes)
        return axes_body(axes)
    if not isinstance(axes, Mapping):
        return [_axis(dict(axis)) for axis in axes]
    if axes.keys() & {"path", "kind"}:
        return [_axis(dict(axes))]
    return [
        {"path": path, **_axis(dict(axis) if isinstance(axis, Mapping) else {"values": axis})}
        for path, axis in axes.items()
    ]


def _axis(axis: dict[str, Any]) -> dict[str, Any]:
    if "values" in axis:
        axis["values"] = _list(axis["values"])
    return axis


def _list(values: Any) -> Any:
    """Values as a list, from a range, a tuple or an array; a single one is a list of one."""
    if callable(to_list := getattr(values, "tolist", None)):
        values = to_list()
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        return [values]
    return [*values]
