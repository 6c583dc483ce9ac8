"""Messages between a slot and its trainer, and their encoding.

A message is one frame: a header length of 4 bytes, a JSON header, then the message's bytes fields
(specs, results, arrays as :mod:`core.arrays` packs them). Large fields, such as checkpoints, follow
in frames of their own, so they are never copied. Nothing is pickled: neither side runs code that
the other one sends.

    slot -> trainer    Train, then optionally Cancel or Pause
    trainer -> slot    Ready, once; then for each Train any number of Advanced and one of Finished,
                       Paused and Failed
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.arrays import pack, unpack
from store.arrays.packed import PackedResult, SeriesChunk

LARGE = 64 * 1024
"""Fields of at least this many bytes get their own frame; each frame wakes the receiver again."""

InitialParameters = Mapping[int, Mapping[str, np.ndarray]]
"""Parameters by seed and name, for experiments that start from another experiment."""


@dataclass(frozen=True)
class Ready:
    """Torch is loaded; the trainer waits for work."""


@dataclass(frozen=True)
class Train:
    """A request to train an experiment to its end.

    Attributes:
        spec: The spec as JSON.
        device: ``cpu`` or ``cuda``.
        checkpoint: Packed arrays to resume from; ``None`` to begin at step 0.
        initial_parameters: Output of :func:`pack_initial_parameters` if the start is
            ``from_experiment``.
    """

    spec: bytes
    device: str
    checkpoint: bytes | None
    initial_parameters: bytes | None = None


@dataclass(frozen=True)
class Cancel:
    """A request to end training at its current step, with the outcome ``cancelled``."""


@dataclass(frozen=True)
class Pause:
    """A request to send a last checkpoint and drop the training; any worker can resume it."""


@dataclass(frozen=True)
class Advanced:
    """Progress of the training.

    Attributes:
        step: Steps run so far.
        of: Steps of the whole training.
        steps_per_second: Rate over the newest reports; ``None`` before its first step.
        chunk: Points recorded since the last message.
        checkpoint: Packed arrays of a checkpoint at ``step``; most messages have none.
    """

    step: int
    of: int
    steps_per_second: float | None
    chunk: SeriesChunk | None
    checkpoint: bytes | None


@dataclass(frozen=True)
class Finished:
    """The result of a training that ended by itself or after :class:`Cancel`.

    Attributes:
        result: The result as it is stored.
        chunk: Points recorded since the last message.
        provenance: Software and hardware that computed the numbers.
    """

    result: PackedResult
    chunk: SeriesChunk | None
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Paused:
    """The answer to :class:`Pause`, sent after the :class:`Advanced` that has the checkpoint."""


@dataclass(frozen=True)
class Failed:
    """An exception raised by training.

    Attributes:
        kind: ``user``, ``out_of_memory`` or ``infrastructure``.
        sentence: A description for people.
        traceback: The Python traceback.
    """

    kind: str
    sentence: str
    traceback: str


Message = Ready | Train | Cancel | Pause | Advanced | Finished | Paused | Failed

_ADAPTERS: Mapping[str, TypeAdapter[Message]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (Ready, Train, Cancel, Pause, Advanced, Finished, Paused, Failed)
}


def pack_initial_parameters(parameters: InitialParameters) -> bytes:
    """Packs parameters as arrays named ``seed/name``."""
    return pack(
        {
            f"{seed}/{name}": array
            for seed, named in parameters.items()
            for name, array in named.items()
        }
    )


def unpack_initial_parameters(data: bytes) -> InitialParameters:
    """Returns the parameters that :func:`pack_initial_parameters` packed."""
    parameters: dict[int, dict[str, np.ndarray]] = {}
    for key, array in unpack(data).items():
        seed, _, name = key.partition("/")
        parameters.setdefault(int(seed), {})[name] = array
    return parameters


def send(connection: Connection, message: Message) -> None:
    """Sends ``message``; raises OSError if the other side has closed."""
    blobs: list[bytes] = []
    header = {
        "kind": type(message).__name__,
        "fields": _extract_blobs(asdict(message), blobs),
        "blob_lengths": [len(blob) for blob in blobs],
    }
    text = json.dumps(header, allow_nan=False).encode()
    small = (blob for blob in blobs if len(blob) < LARGE)
    connection.send_bytes(b"".join([len(text).to_bytes(4), text, *small]))
    for blob in blobs:
        if len(blob) >= LARGE:
            connection.send_bytes(blob)


def receive(connection: Connection) -> Message:
    """Waits for the next message; raises EOFError or OSError if the other side has closed."""
    frame = connection.recv_bytes()
    offset = 4 + int.from_bytes(frame[:4])
    header = json.loads(frame[4:offset])
    blobs: list[bytes | None] = []
    for length in header["blob_lengths"]:
        if length < LARGE:
            blobs.append(frame[offset : offset + length])
            offset += length
        else:
            blobs.append(None)
    received = [connection.recv_bytes() if blob is None else blob for blob in blobs]
    fields = _insert_blobs(header["fields"], received)
    return _ADAPTERS[header["kind"]].validate_python(fields)


def _extract_blobs(value: Any, blobs: list[bytes]) -> Any:
    """Moves all bytes in a nested value to ``blobs``, leaving their indices in their places."""
    match value:
        case bytes():
            blobs.append(value)
            return {"blob": len(blobs) - 1}
        case dict():
            return {name: _extract_blobs(item, blobs) for name, item in value.items()}
        case list() | tuple():
            return [_extract_blobs(item, blobs) for item in value]
        case _:
            return value


def _insert_blobs(value: Any, blobs: Sequence[bytes]) -> Any:
    """Reverses :func:`_extract_blobs`."""
    match value:
        case {"blob": int(index)} if len(value) == 1:
            return blobs[index]
        case dict():
            return {name: _insert_blobs(item, blobs) for name, item in value.items()}
        case list():
            return [_insert_blobs(item, blobs) for item in value]
        case _:
            return value
