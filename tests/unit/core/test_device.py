"""The torch steppers as on a GPU: the host queues the steps of a slice without waiting for any.

No GPU is needed. A dispatch mode counts the operations that need a number on the host. On the
device ``meta``, whose tensors have no data, any such operation fails, as does a tensor of the host.
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

WAITING_OPERATIONS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "equal",
    "is_nonzero",
    "unique_dim",
    "_unique2",
}
WAITING_METHODS = ("cpu", "numpy", "tolist", "item", "__array__")


class WaitCounter(TorchDispatchMode):
    """Counts the operations that make the host wait for the device."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.waits = 0
        for name in WAITING_METHODS:
            monkeypatch.setattr(torch.Tensor, name, self._counted(getattr(torch.Tensor, name)))

    def _counted(self, method):
        def counted(*args, **kwargs):
            self.waits += 1
            return method(*args, **kwargs)

        return counted

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.waits += func.overloadpacket.__name__ in WAITING_OPERATIONS
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
    return ExperimentSpec.model_validate(
        {
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
            "student": student,
            "training": {"length": 4},
            "optimizer": {"steps": 100, "stop": {"loss_below": 1e-9}, **optimizer},
            "evaluation": {"horizon": 8},
            "seeds": 3,
        }
    )


def linear(student, optimizer, device="cpu"):
    """A torch stepper of linear students on a device, and a batch on it."""
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
    """A torch stepper of non-linear students, and a batch."""
    spec = spec_of({"kind": student, "dim": 5}, optimizer)
    state, network = begin(spec), networks.of_student(spec.student, 1, 1)
    gradient = SequenceGradient(spec.student, network, state.engine.layout, last=True)
    teacher = Teacher(*networks.of_teacher(spec.teacher), torch.float64, torch.device("cpu"))
    batches = mini_batches(spec, teacher, torch.float64, torch.device("cpu"))
    return SequenceStepper(gradient, batches, spec.optimizer, state.engine.layout), state.batch


def count_waits(stepper, batch, steps):
    with pytest.MonkeyPatch.context() as monkeypatch, WaitCounter(monkeypatch) as counter:
        stepper.advance(batch, steps)
    return counter.waits


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("student", LINEAR, ids=lambda student: student["structure"])
def test_the_host_does_not_wait_between_steps_of_a_linear_student(student, optimizer):
    assert count_waits(*linear(student, optimizer), 5) == 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
@pytest.mark.parametrize("student", LINEAR, ids=lambda student: student["structure"])
def test_the_steps_of_a_linear_student_stay_on_the_device(student, optimizer):
    stepper, batch = linear(student, optimizer, "meta")
    batch = stepper.advance(batch, 5)
    assert {getattr(batch, field.name).device.type for field in fields(Batch)} == {"meta"}


@pytest.mark.parametrize("student", ["gru", "lstm", "tanh_rnn"])
def test_the_host_waits_once_before_the_steps_of_a_network(student):
    stepper, batch = on_sequences(student, {"kind": "adam"})
    assert count_waits(stepper, batch, 1) == count_waits(stepper, batch, 5) == 1


def test_the_counter_counts_each_kind_of_wait():
    numbers = torch.ones(3)
    with pytest.MonkeyPatch.context() as monkeypatch, WaitCounter(monkeypatch) as counter:
        assert bool(numbers.sum() > 0)
        numbers.tolist()
        numbers.nonzero()
    assert counter.waits == 3
