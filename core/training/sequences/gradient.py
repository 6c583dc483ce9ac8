"""Loss and gradient of students on sequences, all seeds as one batch, in torch.

The loss is the mean, over a mini-batch and over the outputs that count, of the squared error summed
over channels. Its expectation is eᵀ M e for a linear student of a linear teacher. The seeds are
independent, so the gradient of the sum of their losses contains the gradient of each.
"""

import torch
from torch import Tensor

from core.networks import Network
from core.spec import LinearStudent, Student
from core.training.layout import Layout
from core.training.sequences.inputs import LabelledBatch


def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss of each seed, (S,), for T outputs (S, T, N, p) and labels (S or 1, T, N, p)."""
    return (outputs - labels).square().sum(-1).mean((1, 2))


class SequenceGradient:
    """Loss and gradient of any student on a mini-batch, on any device."""

    def __init__(self, student: Student, network: Network, layout: Layout, *, last: bool) -> None:
        """For parameters in this layout; with ``last``, only the last output counts."""
        self._student, self._network, self._layout, self._last = student, network, layout, last

    def __call__(self, flat: Tensor, batch: LabelledBatch) -> tuple[Tensor, Tensor]:
        """The loss (S,) and its gradient (S, n) at ``flat`` (S, n).

        The gradient is zero for parameters that are not trained.
        """
        inputs, labels = batch
        weights = self._layout.views(flat.detach())
        trained = [name for name in weights if self._is_trained(name)]
        with torch.enable_grad():
            for name in trained:
                weights[name].requires_grad_()
            loss = loss_of(self._network.outputs(weights, inputs, last=self._last), labels)
            derivatives = torch.autograd.grad(
                loss.sum(),
                [weights[name] for name in trained],
                materialize_grads=True,  # at k = 1, the loss doesn't depend on A
            )
        gradient = torch.zeros_like(flat)
        out = self._layout.views(gradient)
        for name, derivative in zip(trained, derivatives, strict=True):
            out[name].copy_(self._projected(name, derivative))
        return loss.detach(), gradient

    def _is_trained(self, name: str) -> bool:
        if not isinstance(self._student, LinearStudent):
            return True
        return name.startswith("W") or name in self._student.trained

    def _projected(self, name: str, derivative: Tensor) -> Tensor:
        """The derivative within the student's structure.

        A diagonal A is stored as its diagonal and a tied C not at all, so only a symmetric A needs
        a projection.
        """
        symmetric = (
            isinstance(self._student, LinearStudent) and self._student.structure == "symmetric"
        )
        return (derivative + derivative.mT) / 2 if symmetric and name == "A" else derivative
