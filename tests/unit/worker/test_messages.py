"""Messages between slot and trainer arrive unchanged."""

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe

import numpy as np
import pytest

from core.arrays import pack, unpack
from core.result import Outcome
from store.arrays.packed import PackedResult, PackedRun, SeriesChunk, pack_result
from tests.kit import sample_specs
from worker.messages import (
    LARGE,
    Advanced,
    Cancel,
    Failed,
    Finished,
    Message,
    Pause,
    Paused,
    Ready,
    Train,
    pack_initial_parameters,
    receive,
    send,
    unpack_initial_parameters,
)

ARRAYS = pack({"seed": np.array([2**63 - 1]), "loss": np.array([np.nan, -0.0, 5e-324])})
CHUNK = SeriesChunk(rows=3, first_step=0, last_step=10**9, payload=ARRAYS)
RUN = PackedRun(
    seed=2**63 - 1,
    outcome=Outcome.DIVERGED,
    steps=10**9,
    metrics={"fit_error": 0.1 + 0.2, "imbalance": -0.0},
    non_finite={"train_loss": "NaN"},
    warnings=("it is ≤ 1",),
    arrays=os.urandom(LARGE),
)
RESULT = PackedResult(
    runs=(RUN,), teacher_response=ARRAYS, baselines=({"name": "era", "response": [5e-324]},)
)

MESSAGES: list[Message] = [
    Ready(),
    Train(spec=b'{"name": "\xc3\xa9"}', device="cpu", checkpoint=None),
    Train(spec=b"{}", device="cuda", checkpoint=ARRAYS),
    Train(spec=b"{}", device="cpu", checkpoint=b""),
    Train(spec=b"{}", device="cpu", checkpoint=None, initial_parameters=ARRAYS),
    Cancel(),
    Pause(),
    Advanced(step=10**9, of=10**9, steps_per_second=None, chunk=CHUNK, checkpoint=None),
    Advanced(step=1, of=2, steps_per_second=0.1 + 0.2, chunk=None, checkpoint=os.urandom(100_000)),
    Advanced(step=1, of=2, steps_per_second=1.0, chunk=CHUNK, checkpoint=os.urandom(LARGE)),
    Finished(result=RESULT, chunk=CHUNK, provenance={"torch": "2.13"}),
    Finished(result=RESULT, chunk=None, provenance={}),
    Paused(),
    Failed(kind="user", sentence="a 'quoted' ≤ \n line", traceback="Traceback\n  \udcff"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message):
    sender, receiver = Pipe()
    send(sender, message)
    assert receive(receiver) == message
    assert not receiver.poll()


def test_messages_arrive_one_by_one_in_order():
    sender, receiver = Pipe()
    with ThreadPoolExecutor(1) as thread:  # together they are larger than the pipe's buffer
        thread.submit(lambda: [send(sender, message) for message in MESSAGES])
        assert [receive(receiver) for _ in MESSAGES] == MESSAGES


def test_arrays_arrive_bit_for_bit():
    sender, receiver = Pipe()
    send(sender, Finished(RESULT, CHUNK, {}))
    arrays = unpack(receive(receiver).chunk.payload)
    assert arrays["seed"].tolist() == [2**63 - 1]
    assert arrays["loss"].tobytes() == np.array([np.nan, -0.0, 5e-324]).tobytes()


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), -0.0, 5e-324])
def test_a_result_arrives_with_every_number_in_it(value):
    sender, receiver = Pipe()
    packed = pack_result(
        sample_specs.result(
            sample_specs.run(0, value=value), baselines=[sample_specs.baseline(value=value)]
        )
    )
    send(sender, Finished(packed, None, {}))
    received = receive(receiver).result
    assert received == packed
    assert repr(received.runs[0].metrics) == repr(packed.runs[0].metrics)


def test_initial_parameters_arrive_by_seed_and_name():
    parameters = {
        2**63 - 1: {"A": np.array([[0.1 + 0.2]]), "bias_ih": np.array([-0.0, 5e-324])},
        0: {"A": np.eye(2)},
    }
    unpacked = unpack_initial_parameters(pack_initial_parameters(parameters))
    assert {
        seed: {name: array.tobytes() for name, array in named.items()}
        for seed, named in unpacked.items()
    } == {
        seed: {name: array.tobytes() for name, array in named.items()}
        for seed, named in parameters.items()
    }
    assert unpacked[0]["A"].shape == (2, 2)


def test_a_closed_connection_raises_on_both_operations():
    closed, connection = Pipe()
    closed.close()
    with pytest.raises(EOFError):
        receive(connection)
    with pytest.raises(ConnectionError):
        send(connection, Ready())


def test_a_number_that_json_cannot_express_is_refused():
    sender, _ = Pipe()
    message = Advanced(step=0, of=1, steps_per_second=float("nan"), chunk=None, checkpoint=None)
    with pytest.raises(ValueError, match="JSON"):
        send(sender, message)
