"""What a form shows about a spec or sweep while it is typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from core.errors import Problem, SpecError
from core.spec import ExperimentSpec, SweepSpec, Teacher, explain
from core.spec.axis import product, size
from core.spec.paths import set_at, value_at
from core.spec.text import SyntaxProblem, parse_text
from service import schemas
from service.context import AppContext
from service.intake.dry_run import check_spec, check_sweep
from service.intake.teacher_preview import preview_teacher
from service.schemas.teacher import MAX_HORIZON

Model = TypeVar("Model", bound=BaseModel)

MAX_POINTS = 1000
"""Most experiments of a sweep that are checked while somebody types."""

MAX_NODES, MAX_DEPTH = 300_000, 40
"""Most values of a text, each as often as YAML's aliases repeat it, and their deepest nesting."""

MAX_YAML = 100_000
"""Longest YAML in characters: parsing it takes some hundred times as long as JSON."""

TOO_LONG = f"YAML should be at most {MAX_YAML} characters long; write it as JSON"
TOO_LARGE = f"the text should have at most {MAX_NODES} values, nested at most {MAX_DEPTH} deep"

_TEACHER: TypeAdapter[Teacher] = TypeAdapter(Teacher)


@dataclass(frozen=True)
class Draft:
    """A spec or sweep that is not submitted yet.

    Attributes:
        content: The parsed text; None if it can't be parsed.
        problems: All that is wrong with it.
        experiment, sweep: Its dry run; None if there are problems.
        count: The number of experiments.
        teacher: The teacher's numbers; None if it is not valid.
        length: The training length k, as far as it is given.
    """

    content: Any = None
    problems: list[Problem] = field(default_factory=list)
    experiment: schemas.DryRun | None = None
    sweep: schemas.SweepDryRun | None = None
    count: int = 1
    teacher: schemas.TeacherPreview | None = None
    length: int | None = None


def check(text: str, context: AppContext) -> Draft:
    """Parses and checks a text in JSON or YAML: a spec, or a sweep if it has a ``base``."""
    if len(text) > MAX_YAML and not text.lstrip().startswith("{"):
        return Draft(problems=[Problem("", "too_long", TOO_LONG)])
    try:
        content = parse_text(text)
    except SyntaxProblem as error:
        return Draft(problems=[Problem("", "syntax", f"the text {error}")])
    if not _is_small(content):
        return Draft(problems=[Problem("", "too_large", TOO_LARGE)])
    if not isinstance(content, dict):
        message = "the text should be a spec: fields with values, such as training: {length: 8}"
        return Draft(problems=[Problem("", "not_a_spec", message)])
    try:
        if "base" in content:
            return _sweep(content, context)
        spec = _valid(ExperimentSpec, content)
        return _draft(content, content, experiment=check_spec(spec, context))
    except SpecError as error:
        return _draft(content, content.get("base", content), problems=list(error.problems))


def _sweep(content: dict[str, Any], context: AppContext) -> Draft:
    sweep = _valid(SweepSpec, content)
    count = size(sweep.axes)
    first = dict(sweep.base)
    for path, value in next(product(sweep.axes)).items():
        try:
            set_at(first, path, value)
        except TypeError:
            break  # the dry run names the axis
    try:
        checked = check_sweep(sweep, context) if count <= MAX_POINTS else None
    except SpecError as error:
        return _draft(content, first, problems=list(error.problems), count=count)
    return _draft(content, first, sweep=checked, count=count)


def _valid(model: type[Model], content: object) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecError(explain(error, model)) from error


def _draft(content: Any, spec: Mapping[str, Any], **checked: Any) -> Draft:
    """A draft with its teacher, as far as the spec has a valid one."""
    length = value_at(spec, "training.length")
    length = length if isinstance(length, int) and 0 < length < MAX_HORIZON else None
    horizon = value_at(spec, "evaluation.horizon")
    if not isinstance(horizon, int):
        horizon = max(40, 2 * (length or 0))
    try:
        teacher = _TEACHER.validate_python(value_at(spec, "teacher"))
        preview = preview_teacher(teacher, min(max(2, horizon), MAX_HORIZON))
    except (ValidationError, SpecError):  # listed among the problems of the spec
        preview = None
    return Draft(content=content, teacher=preview, length=length, **checked)


def _is_small(content: Any) -> bool:
    """Whether a parsed text is small and flat enough to be looked at while somebody types."""
    stack, seen = [(content, 0)], 0
    while stack:
        value, depth = stack.pop()
        seen += 1
        if seen > MAX_NODES or depth > MAX_DEPTH:
            return False
        if isinstance(value, dict | list):
            inner = value.values() if isinstance(value, dict) else value
            stack += [(part, depth + 1) for part in inner]
    return True
