"""The torch steppers as a GPU would run them: the host queues a slice of steps and waits for none of it.

No GPU is needed: a mode sees every operation that needs a number on the host, and on the device
``meta``, where tensors have no numbers at all, whoever asks for one, or mixes in a tensor of the
host, fails.
"""

from dataclasses import fields, replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core import networks
from core.spec import ExperimentSpec
from core.training import begin
from core.training.closed_form.gradient import gradient_of
from core.training.sequences.gradient import SequenceGradient
from core.training.sequences.inputs import Teacher, mini_batches
from core.training.sequences.steppers import SequenceStepper
from core.training.stepper import Batch, TorchStepper

ASKING = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "equal",
    "is_nonzero",
    "unique_dim",
    "_unique2",
}
READING = ("cpu", "numpy", "tolist", "item", "__array__")


class Spy(TorchDispatchMode):
    """Counts what makes the host wait for the device."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.waits = 0
        for name in READING:
            monkeypatch.setattr(torch.Tensor, name, self._counted(getattr(torch.Tensor, name)))

    def _counted(self, read):
        def counted(*arguments, **named):
            self.waits += 1
            return read(*arguments, **named)

        return counted

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.waits += func.overloadpacket.__name__ in ASKING
        return func(*args, **(kwargs or {}))


OPTIMIZERS = [
    {"kind": "gd"},
    {"kind": "momentum"},
    {"kind": "adam", "schedule": {"kind": "cosine"}},
    {"kind": "adaptive_gd", "rates": {"A": 0.5}},
]
LINEAR = [
    {"structure": "symmetric"},
    {"structure": "general", "tied": True},
    {"structure": "diagonal"},
]


def spec_of(student, optimizer):
    return ExperimentSpec.model_validate({
        "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        "student": student,
        "training": {"length": 4},
        "optimizer": {"steps": 100, "stop": {"loss_below": 1e-9}, **optimizer},
        "evaluation": {"horizon": 8},
        "seeds": 3,
    })  # fmt: skip


def linear(student, optimizer, device="cpu"):
    """A torch stepper of linear students on a device, and a batch there."""
    spec = spec_of({"kind": "linear", "dim": 5, **student}, optimizer)
    state = begin(spec)
    layout, target = state.engine.layout, state.engine.target
    gradient = gradient_of(layout, target, torch.float64, torch.device(device))
    batch = replace(
        state.batch,
        **{field.name: getattr(state.batch, field.name).to(device) for field in fields(Batch)},
    )
    return TorchStepper(gradient, spec.optimizer, layout), batch


def on_sequences(student, optimizer):
    """The torch stepper of non-linear students, and a batch."""
    spec = spec_of({"kind": student, "dim": 5}, optimizer)
    state, network = begin(spec), networks.of_student(spec.student, 1, 1)
    gradient = SequenceGradient(spec.student, network, state.engine.layout, last=True)
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))
    drawn = mini_batches(spec, teacher, torch.float64, torch.device("cpu"))
    return SequenceStepper(gradient, drawn, spec.optimizer, state.engine.layout), state.batch


def waits(stepper, batch, steps):
    with pytest.MonkeyPatch.context() as monkeypatch, Spy(monkeypatch) as spy:
        stepper.advance(batch, steps)
    return spy.waits


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("student", LINEAR, ids=lambda student: student["structure"])
def test_the_host_waits_for_no_step_of_a_linear_student(student, optimizer):
    assert waits(*linear(student, optimizer), 5) == 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("student", LINEAR, ids=lambda student: student["structure"])
def test_the_steps_of_a_linear_student_need_no_number_and_no_tensor_of_the_host(student, optimizer):
    stepper, batch = linear(student, optimizer, "meta")
    moved = stepper.advance(batch, 5)
    assert {getattr(moved, field.name).device.type for field in fields(Batch)} == {"meta"}


@pytest.mark.parametrize("student", ["gru", "lstm", "tanh_rnn"])
def test_the_host_asks_once_before_the_steps_of_a_network(student):
    stepper, batch = on_sequences(student, {"kind": "adam"})
    assert waits(stepper, batch, 1) == waits(stepper, batch, 5) == 1


def test_the_spy_sees_who_asks():
    numbers = torch.ones(3)
    with pytest.MonkeyPatch.context() as monkeypatch, Spy(monkeypatch) as spy:
        assert bool(numbers.sum() > 0)
        numbers.tolist()
        numbers.nonzero()
    assert spy.waits == 3
