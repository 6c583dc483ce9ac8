"""The array shapes that annotations declare are checked in tests, and only there."""

import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from core.metrics.spectrum import spectral_distance


def test_a_wrong_shape_is_refused():
    with pytest.raises(TypeCheckError, match="weights"):
        spectral_distance(np.ones((2, 3)), np.ones((2, 4)), np.ones(1), np.ones(1))


def test_functions_are_not_wrapped_outside_tests():
    code = (
        "import sys; from core.metrics import errors; "
        "print('beartype' in sys.modules, hasattr(errors.fit_error, '__wrapped__'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["False", "False"]
