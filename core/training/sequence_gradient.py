"""Loss and gradient of students on sequences, all seeds as one batch, and the stepper that draws ahead of the device.

The loss is the mean over a mini-batch, and over the outputs that count, of the squared error summed over channels. In
expectation it is eᵀ M e for a linear student of a linear teacher. The seeds are independent, so that the gradient of
the sum of their losses holds the gradient of each.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from core.networks import Network
from core.spec import LinearStudent, Optimizer, Student
from core.training.layout import Layout
from core.training.sequence_inputs import Labelled, MiniBatches
from core.training.stepper import Batch, TorchStepper


def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss of each seed (S,): outputs (S, T, N, p) against labels (S or 1, T, N, p), T counted outputs."""
    return (outputs - labels).square().sum(-1).mean((1, 2))


class SequenceGradient:
    """Parameters and mini-batch to loss and gradient, of any student on any device."""

    def __init__(self, student: Student, network: Network, layout: Layout, *, last: bool) -> None:
        """For parameters that lie as ``layout`` says; ``last``: the last output alone counts."""
        self._student, self._network, self._layout, self._last = student, network, layout, last

    def __call__(self, flat: Tensor, batch: Labelled) -> tuple[Tensor, Tensor]:
        """The loss (S,) and its gradient (S, n) at ``flat`` (S, n), zero where a parameter is not trained."""
        inputs, labels = batch
        trained = {name: view for name, view in self._layout.views(flat.detach()).items() if self._is_trained(name)}
        weights = {**self._layout.views(flat.detach()), **trained}
        with torch.enable_grad():
            for view in trained.values():
                view.requires_grad_()
            loss = loss_of(self._network.outputs(weights, inputs, last=self._last), labels)
            slopes = torch.autograd.grad(loss.sum(), list(trained.values()), materialize_grads=True)  # A at k = 1
        gradient = torch.zeros_like(flat)
        into = self._layout.views(gradient)
        for name, slope in zip(trained, slopes, strict=True):
            into[name].copy_(self._projected(name, slope))
        return loss.detach(), gradient

    def _is_trained(self, name: str) -> bool:
        return not isinstance(self._student, LinearStudent) or name.startswith("W") or name in self._student.trained

    def _projected(self, name: str, slope: Tensor) -> Tensor:
        """On the student's structure; a diagonal A lies as its diagonal, a tied C not at all."""
        symmetric = isinstance(self._student, LinearStudent) and self._student.structure == "symmetric"
        return (slope + slope.mT) / 2 if symmetric and name == "A" else slope


class SequenceStepper(TorchStepper):
    """A stepper whose mini-batches are drawn on the host, which counts steps itself and never asks the device."""

    def __init__(
        self, gradient: SequenceGradient, mini_batches: MiniBatches, optimizer: Optimizer, layout: Layout
    ) -> None:
        """For a gradient on mini-batches."""
        super().__init__(self._at, optimizer, layout)
        self._of, self._mini_batches = gradient, mini_batches
        self._ahead: Iterator[Sequence[int]] = iter(())

    def advance(self, batch: Batch, steps: int) -> Batch:
        """See :class:`core.training.stepper.Stepper`. All seeds that still run have done equally many steps."""
        seeds, first = len(batch.steps), int(batch.steps.max())  # the one question to the device, before the steps
        self._ahead = iter([[step] * seeds for step in range(first, first + steps)])
        return super().advance(batch, steps)

    def _at(self, flat: Tensor, done: Tensor) -> tuple[Tensor, Tensor]:
        """On the way the host knows the steps; a look at where seeds stand asks for them."""
        steps = next(self._ahead, None)
        return self._of(flat, self._mini_batches.at(done.tolist() if steps is None else steps))
