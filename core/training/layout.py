"""The flat layout of parameters: one vector per seed, so that a step is one operation on (S, n).

A linear student's vector holds A, then B, then C. A diagonal A is stored as its diagonal; a tied C
is not stored. Spec and result only have A d x d, B d x m, C p x d.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from core.spec import LinearStudent
from core.systems import LinearSystem


class Layout:
    """The place of each parameter in a flat vector.

    Attributes:
        names: The parameters, in order.
        ends: Where each parameter ends.
        size: The length n of the vector.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """For parameters of these shapes, in this order."""
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        starts = [0, *ends[:-1]]
        self._blocks = {
            name: (slice(int(start), int(end)), shape)
            for (name, shape), start, end in zip(shapes.items(), starts, ends, strict=True)
        }
        self.ends = tuple(int(end) for end in ends)
        self.size = self.ends[-1]
        self.names = tuple(shapes)

    def views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each parameter, (..., its shape), as a view of ``flat`` (..., n)."""
        return {
            name: flat[..., block].unflatten(-1, shape)
            for name, (block, shape) in self._blocks.items()
        }

    def blocks(self, flat: torch.Tensor) -> Iterator[torch.Tensor]:
        """Each parameter's part of ``flat`` (S, n), (S, size of the parameter)."""
        for block, _ in self._blocks.values():
            yield flat[:, block]

    def flatten(self, starts: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
        """The flat vectors (S, n) of one set of parameters per seed."""
        return np.stack(
            [np.concatenate([start[name].ravel() for name in self._blocks]) for start in starts]
        )


class LinearLayout(Layout):
    """The layout of linear students."""

    def __init__(self, student: LinearStudent, inputs: int, outputs: int) -> None:
        """For a student with m ``inputs`` and p ``outputs``."""
        d = student.dim
        shapes: dict[str, tuple[int, ...]] = {
            "A": (d,) if student.structure == "diagonal" else (d, d),
            "B": (d, inputs),
        }
        if not student.tied:
            shapes["C"] = (outputs, d)
        super().__init__(shapes)
        self.student = student

    def flatten_systems(self, starts: Sequence[LinearSystem]) -> np.ndarray:
        """The flat vectors (S, n) of one system per seed."""
        diagonal = self.student.structure == "diagonal"
        return self.flatten(
            [
                {"A": np.diagonal(start.A) if diagonal else start.A, "B": start.B, "C": start.C}
                for start in starts
            ]
        )

    def systems(self, flat: torch.Tensor) -> LinearSystem:
        """The dense systems at ``flat`` (..., n), as NumPy arrays (..., rows, columns), float64."""
        views = {name: view.double().cpu().numpy() for name, view in self.views(flat).items()}
        A, B = views["A"], views["B"]
        if self.student.structure == "diagonal":
            A = A[..., None] * np.eye(self.student.dim)
        return LinearSystem(A, B, views["C"] if "C" in views else B.swapaxes(-1, -2))
