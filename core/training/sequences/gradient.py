"""Loss and gradient of students on sequences, all seeds as one batch, in torch.

The loss is the mean over a mini-batch, and over the outputs that count, of the squared error summed
over channels. In expectation it is eᵀ M e for a linear student of a linear teacher. The seeds are
independent, so that the gradient of the sum of their losses holds the gradient of each.
"""

import torch
from torch import Tensor

from core.networks import Network
from core.spec import LinearStudent, Student
from core.training.layout import Layout
from core.training.sequences.inputs import Labelled


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
        trained = {
            name: view
            for name, view in self._layout.views(flat.detach()).items()
            if self._is_trained(name)
        }
        weights = {**self._layout.views(flat.detach()), **trained}
        with torch.enable_grad():
            for view in trained.values():
                view.requires_grad_()
            loss = loss_of(self._network.outputs(weights, inputs, last=self._last), labels)
            slopes = torch.autograd.grad(
                loss.sum(), list(trained.values()), materialize_grads=True
            )  # A at k = 1
        gradient = torch.zeros_like(flat)
        into = self._layout.views(gradient)
        for name, slope in zip(trained, slopes, strict=True):
            into[name].copy_(self._projected(name, slope))
        return loss.detach(), gradient

    def _is_trained(self, name: str) -> bool:
        return (
            not isinstance(self._student, LinearStudent)
            or name.startswith("W")
            or name in self._student.trained
        )

    def _projected(self, name: str, slope: Tensor) -> Tensor:
        """On the student's structure; a diagonal A lies as its diagonal, a tied C not at all."""
        symmetric = (
            isinstance(self._student, LinearStudent) and self._student.structure == "symmetric"
        )
        return (slope + slope.mT) / 2 if symmetric and name == "A" else slope
