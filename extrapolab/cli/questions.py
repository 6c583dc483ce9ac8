"""The questions of ``extrapolab new``, and what their answers mean in a spec."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.spec import ExperimentSpec, explain
from core.spec.examples import ASYMMETRIC, EXAMPLE, GATED, GATED_KINDS, kinds, part_of_kind
from extrapolab.problems import format_problem

Json = Mapping[str, Any]


class Unclear(ValueError):
    """An answer that makes no valid spec; the message says why."""


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        text: The question.
        default: The answer of a spec that has been answered so far.
        answered: The spec with an answer.
    """

    text: str
    default: Callable[[Json], str]
    answered: Callable[[Json, str], Json]

    def answer(self, spec: Json, text: str) -> Json:
        """The spec with an answer to this question.

        Raises:
            Unclear: It would not be valid.
        """
        changed = self.answered(spec, text.strip())
        try:
            ExperimentSpec.model_validate(changed)
        except ValidationError as error:
            problems = explain(error, ExperimentSpec)
            raise Unclear("; ".join(map(format_problem, problems))) from error
        return changed


def _with_teacher(_spec: Json, text: str) -> Json:
    poles = _numbers(text)
    if poles:
        teacher = {"kind": "balanced", "eigenvalues": {"kind": "list", "values": poles}}
    else:
        teacher = part_of_kind("teacher", _kind(text, kinds("teacher")))
    kind = teacher["kind"]
    begun = {**(GATED if kind in GATED_KINDS else EXAMPLE), "teacher": teacher}
    if kind in ASYMMETRIC:
        begun["student"] = {**begun["student"], "structure": "general"}
    return begun


def _with_student(spec: Json, text: str) -> Json:
    words = text.split()
    sizes = [word for word in words if word.isdigit()]
    named = [word for word in words if not word.isdigit()]
    if len(sizes) > 1 or len(named) > 1:
        raise Unclear("should be a kind and a number of states, such as linear 20")
    kind = _kind(named[0], kinds("student")) if named else spec["student"]["kind"]
    student = dict(spec["student"])
    if kind != student["kind"]:
        other = (GATED if kind in GATED_KINDS else EXAMPLE)["student"]
        student = {**other, "kind": kind}
    if kind in GATED_KINDS:
        others = ("optimizer", "evaluation", "seeds")
        spec = {**spec, **{name: GATED[name] for name in others}}
    size = {"dim": _whole(sizes[0])} if sizes else {}
    return {**spec, "student": {**student, **size}}


def _with_start(spec: Json, text: str) -> Json:
    numbers = _numbers(text)
    if numbers:
        if len(numbers) > 1:
            raise Unclear("should be one number, such as 0.001, or a kind")
        start = {"kind": "gaussian", "scale": numbers[0]}
    else:
        start = {"kind": text}
    return {**spec, "student": {**spec["student"], "start": start}}


def _with_length(spec: Json, text: str) -> Json:
    return {**spec, "training": {"length": _whole(text)}}


def _with_seeds(spec: Json, text: str) -> Json:
    return {**spec, "seeds": _whole(text)}


def _student_default(spec: Json) -> str:
    return f"{spec['student']['kind']} {spec['student']['dim']}"


def _start_default(spec: Json) -> str:
    start = spec["student"].get("start", {"kind": "default"})
    return f"{start['scale']:g}" if "scale" in start else str(start["kind"])


QUESTIONS = (
    Question(
        "Teacher: its poles, or a kind such as delay, rotation or gru",
        lambda spec: " ".join(map(str, spec["teacher"]["eigenvalues"]["values"])),
        _with_teacher,
    ),
    Question(
        "Student: linear, gru, lstm or tanh_rnn, and its number of states",
        _student_default,
        _with_student,
    ),
    Question(
        "Start: a scale (0.001 is near zero, 1 is large), or a kind such as identity",
        _start_default,
        _with_start,
    ),
    Question("Training length k", lambda spec: str(spec["training"]["length"]), _with_length),
    Question("Number of seeds", lambda spec: str(spec["seeds"]), _with_seeds),
)


def _numbers(text: str) -> list[float]:
    """The numbers of a text, separated by spaces or commas; none if it is something else."""
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        return []


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Unclear(f"should be a whole number; it is {text!r}") from None


def _kind(text: str, known: list[str]) -> str:
    if text not in known:
        raise Unclear(f"there is no kind {text!r}; there are {', '.join(known)}")
    return text
