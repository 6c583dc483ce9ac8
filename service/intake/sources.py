"""References to the experiments that specs start from, replaced by whole ids before any hash."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import Problem, SpecError
from core.spec import ExperimentSpec, FromExperimentStart
from core.spec.axis import Axis, GridAxis, ZipAxis
from core.spec.field_axis import ListAxis
from core.spec.sweep import SweepSpec
from service.context import AppContext
from service.http.errors import Ambiguous, Missing
from service.http.ids import complete_id
from store.experiments import references
from store.experiments.references import Kind

_PATH = ("student", "start", "id")

MAX_REFERENCES = 500
"""Most different references of one sweep that are no whole ids."""


def with_source_id(spec: ExperimentSpec, context: AppContext) -> ExperimentSpec:
    """The spec with the whole id of the experiment that it starts from, if it starts from one.

    Raises:
        SpecError: The reference means several experiments, or something else.
    """
    start = spec.student.start
    if not isinstance(start, FromExperimentStart):
        return spec
    whole = _Ids(context).whole(start.id, "/" + "/".join(_PATH))
    student = spec.student.model_copy(update={"start": start.model_copy(update={"id": whole})})
    return spec.model_copy(update={"student": student})


def with_source_ids(sweep: SweepSpec, context: AppContext) -> SweepSpec:
    """The sweep with the whole ids of the experiments that its base and its axes start from.

    Raises:
        SpecError: A reference means several experiments, or something else.
    """
    ids = _Ids(context)
    base, axes = ids.within(sweep.base, _PATH, "/base"), ids.axes(sweep.axes, "/axes")
    return sweep.model_copy(update={"base": base, "axes": axes})


class _Ids:
    """The whole ids of one spec or sweep; each reference is looked up once."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._known: dict[str, str] = {}

    def whole(self, reference: str, pointer: str) -> str:
        """The id that a reference means; the reference itself if it means nothing."""
        if references.is_id(reference, Kind.EXPERIMENT):
            return reference
        if reference not in self._known:
            if len(self._known) == MAX_REFERENCES:
                message = f"should name at most {MAX_REFERENCES} experiments other than by whole id"
                raise SpecError([Problem(pointer, "too_many", message)])
            try:
                self._known[reference] = complete_id(self._context, reference, pointer)
            except (Ambiguous, Missing) as error:
                raise SpecError(list(error.problems)) from None
        return self._known[reference]

    def within(self, value: Any, path: Sequence[str], pointer: str) -> Any:
        """A part of a spec with the whole id at a path in it, if there is a text."""
        if not path:
            return self.whole(value, pointer) if isinstance(value, str) else value
        if not isinstance(value, Mapping) or path[0] not in value:
            return value
        inner = self.within(value[path[0]], path[1:], f"{pointer}/{path[0]}")
        return {**value, path[0]: inner}

    def axes(self, axes: Sequence[Axis], pointer: str) -> tuple[Axis, ...]:
        """Axes with whole ids among their values."""
        return tuple(self._axis(axis, f"{pointer}/{i}") for i, axis in enumerate(axes))

    def _axis(self, axis: Axis, pointer: str) -> Axis:
        if isinstance(axis, ZipAxis | GridAxis):
            return axis.model_copy(update={"axes": self.axes(axis.axes, f"{pointer}/axes")})
        parts = tuple(axis.path.split(".")) if isinstance(axis, ListAxis) else ()
        if not isinstance(axis, ListAxis) or parts != _PATH[: len(parts)]:
            return axis
        rest = _PATH[len(parts) :]
        values = tuple(
            self.within(value, rest, f"{pointer}/values/{i}") for i, value in enumerate(axis.values)
        )
        return axis.model_copy(update={"values": values})
