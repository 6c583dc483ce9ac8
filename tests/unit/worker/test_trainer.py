import numpy as np
import pytest
import torch

from core.errors import NumericsUnavailable
from worker.trainer import SLICE_SECONDS, _explained, _fitting


def _raised(by) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the libraries raise
        by()
    return caught.value


@pytest.mark.parametrize("allocate", [lambda: np.zeros(2**50), lambda: torch.zeros(2**50)], ids=["numpy", "torch"])
def test_memory_that_is_not_there_is_called_so(allocate):
    kind, sentence = _explained(_raised(allocate))
    assert kind == "out_of_memory"
    assert "memory" in sentence


def test_what_a_user_can_act_on_is_told_in_its_own_words():
    assert _explained(NumericsUnavailable("no GPU here")) == ("user", "no GPU here")


def test_anything_else_is_our_fault_and_names_the_error():
    kind, sentence = _explained(KeyError("parameters"))
    assert kind == "infrastructure"
    assert "KeyError: 'parameters'" in sentence


def test_a_slice_grows_carefully_and_shrinks_at_once():
    assert _fitting(1, 1e-4) == 4
    assert _fitting(1, 0.0) == 4
    assert _fitting(1000, SLICE_SECONDS) == 1000
    assert _fitting(1000, 100 * SLICE_SECONDS) == 10
    assert _fitting(1, 100 * SLICE_SECONDS) == 1
