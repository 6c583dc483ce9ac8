import os
from multiprocessing import Pipe

import numpy as np
import pytest

from core.arrays import pack, unpack
from worker.messages import (
    Advanced,
    Cancel,
    Failed,
    Finished,
    Message,
    Pause,
    Paused,
    Ready,
    Train,
    pack_inherited,
    receive,
    send,
    unpack_inherited,
)

ARRAYS = pack({"seed": np.array([2**63 - 1]), "loss": np.array([np.nan, -0.0, 5e-324])})

MESSAGES: list[Message] = [
    Ready(),
    Train(spec=b'{"name": "\xc3\xa9"}', device="cpu", checkpoint=None),
    Train(spec=b"{}", device="cuda", checkpoint=ARRAYS),
    Train(spec=b"{}", device="cpu", checkpoint=b""),
    Train(spec=b"{}", device="cpu", checkpoint=None, inherited=ARRAYS),
    Cancel(),
    Pause(),
    Advanced(step=10**9, of=10**9, steps_per_second=None, points=ARRAYS, checkpoint=None),
    Advanced(step=1, of=2, steps_per_second=0.1 + 0.2, points=b"", checkpoint=os.urandom(100_000)),
    Finished(result=b'{"x": "NaN"}', points=ARRAYS, provenance={"torch": "2.13"}),
    Paused(),
    Failed(kind="user", sentence="a 'quoted' ≤ \n line", traceback="Traceback\n  \udcff"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message):
    here, there = Pipe()
    send(here, message)
    assert receive(there) == message
    assert not there.poll()


def test_messages_arrive_one_by_one_in_order():
    here, there = Pipe()
    for message in MESSAGES:
        send(here, message)
    assert [receive(there) for _ in MESSAGES] == MESSAGES


def test_arrays_travel_to_the_bit():
    here, there = Pipe()
    send(here, Finished(b"", ARRAYS, {}))
    arrays = unpack(receive(there).points)
    assert arrays["seed"].tolist() == [2**63 - 1]
    assert arrays["loss"].tobytes() == np.array([np.nan, -0.0, 5e-324]).tobytes()


def test_inherited_parameters_travel_by_seed_and_name():
    parameters = {
        2**63 - 1: {"A": np.array([[0.1 + 0.2]]), "bias_ih": np.array([-0.0, 5e-324])},
        0: {"A": np.eye(2)},
    }
    found = unpack_inherited(pack_inherited(parameters))
    assert {
        seed: {name: array.tobytes() for name, array in named.items()}
        for seed, named in found.items()
    } == {
        seed: {name: array.tobytes() for name, array in named.items()}
        for seed, named in parameters.items()
    }
    assert found[0]["A"].shape == (2, 2)


def test_a_side_that_is_gone_is_noticed():
    here, there = Pipe()
    here.close()
    with pytest.raises(EOFError):
        receive(there)
    with pytest.raises(ConnectionError):
        send(there, Ready())


def test_a_number_that_json_does_not_know_is_refused():
    here, _ = Pipe()
    with pytest.raises(ValueError, match="JSON"):
        send(
            here, Advanced(step=0, of=1, steps_per_second=float("nan"), points=b"", checkpoint=None)
        )
