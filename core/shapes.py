"""Array types with shapes, such as ``Float64[np.ndarray, "lags p m"]``.

Type checkers and the tests see jaxtyping's types, and the tests check them at each call. A process
of the lab sees plain arrays: it need not hold jaxtyping in memory, and checks nothing.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Complex128, Float64, Inexact
else:

    class _Unchecked:
        """Stands for the type of the array, whatever its shape."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Complex128 = Float64 = Inexact = _Unchecked

__all__ = ["Bool", "Complex128", "Float64", "Inexact"]
