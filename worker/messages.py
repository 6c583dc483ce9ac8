"""What a slot and its trainer say to each other, and how it travels.

A message is one frame: a number of 4 bytes, so many bytes of JSON, then those of its fields that
are bytes (specs, results, arrays as :mod:`core.arrays` packs them). Large ones, such as
checkpoints, follow in frames of their own, so that they are copied nowhere. Nothing is pickled:
neither side runs what the other one sends.

    slot -> trainer    Train, then perhaps Cancel or Pause trainer -> slot    Ready, once; then for
    each Train some Advanced and one of Finished, Paused, Failed
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from core.arrays import pack, unpack

LARGE = 64 * 1024
"""Bytes of a field that travels in a frame of its own; each frame wakes the other side once more.
"""

Inherited = Mapping[int, Mapping[str, np.ndarray]]
"""Parameters by seed and name, as the start ``from_experiment`` takes them."""


@dataclass(frozen=True)
class Ready:
    """Torch is loaded; the trainer waits for work."""


@dataclass(frozen=True)
class Train:
    """Train this experiment to its end.

    Attributes:
        spec: The spec as JSON.
        device: ``cpu`` or ``cuda``.
        checkpoint: Packed arrays to go on from; ``None`` to begin.
        inherited: Where the start is ``from_experiment``, what :func:`pack_inherited` makes of its
            parameters.
    """

    spec: bytes
    device: str
    checkpoint: bytes | None
    inherited: bytes | None = None


@dataclass(frozen=True)
class Cancel:
    """End the training where it is, with a result whose outcome is ``cancelled``."""


@dataclass(frozen=True)
class Pause:
    """Send a last checkpoint and drop the training; somebody else will go on from there."""


@dataclass(frozen=True)
class Advanced:
    """Training went on.

    Attributes:
        step: Steps that were run in all.
        of: Steps of the whole training.
        steps_per_second: Since this attempt began; ``None`` where it hasn't run a step.
        points: Packed series rows recorded since the last message.
        checkpoint: Packed arrays of a checkpoint at ``step``, sent now and then.
    """

    step: int
    of: int
    steps_per_second: float | None
    points: bytes
    checkpoint: bytes | None


@dataclass(frozen=True)
class Finished:
    """Training ended, by itself or by :class:`Cancel`.

    Attributes:
        result: The :class:`core.result.ExperimentResult` as JSON; its series is empty.
        points: Packed series rows recorded since the last message.
        provenance: What the numbers were made with.
    """

    result: bytes
    points: bytes
    provenance: dict[str, str]


@dataclass(frozen=True)
class Paused:
    """The answer to :class:`Pause`, after an :class:`Advanced` that has the checkpoint."""


@dataclass(frozen=True)
class Failed:
    """Training raised an exception.

    Attributes:
        kind: ``user``, ``out_of_memory`` or ``infrastructure``.
        sentence: What happened, for a person.
        traceback: Where it happened.
    """

    kind: str
    sentence: str
    traceback: str


Message = Ready | Train | Cancel | Pause | Advanced | Finished | Paused | Failed

_KINDS: Mapping[str, type[Message]] = {
    kind.__name__: kind
    for kind in (Ready, Train, Cancel, Pause, Advanced, Finished, Paused, Failed)
}


def pack_inherited(parameters: Inherited) -> bytes:
    """Parameters by seed and name as the arrays ``seed/name``."""
    return pack(
        {
            f"{seed}/{name}": array
            for seed, named in parameters.items()
            for name, array in named.items()
        }
    )


def unpack_inherited(data: bytes) -> Inherited:
    """The parameters that :func:`pack_inherited` packed."""
    found: dict[int, dict[str, np.ndarray]] = {}
    for place, array in unpack(data).items():
        seed, _, name = place.partition("/")
        found.setdefault(int(seed), {})[name] = array
    return found


def send(connection: Connection, message: Message) -> None:
    """Sends ``message``; raises OSError where the other side is gone."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    binary = {name: value for name, value in values.items() if isinstance(value, bytes)}
    small = {name: value for name, value in binary.items() if len(value) < LARGE}
    header = {
        "kind": type(message).__name__,
        "fields": {name: value for name, value in values.items() if name not in binary},
        "small": {name: len(value) for name, value in small.items()},
        "large": [name for name in binary if name not in small],
    }
    text = json.dumps(header, allow_nan=False).encode()
    connection.send_bytes(b"".join([len(text).to_bytes(4), text, *small.values()]))
    for name in header["large"]:
        connection.send_bytes(binary[name])


def receive(connection: Connection) -> Message:
    """The next message, waited for; raises EOFError or OSError where the other side is gone."""
    frame = connection.recv_bytes()
    place = 4 + int.from_bytes(frame[:4])
    header = json.loads(frame[4:place])
    values: dict[str, Any] = header["fields"]
    for name, length in header["small"].items():
        values[name] = frame[place : place + length]
        place += length
    values |= {name: connection.recv_bytes() for name in header["large"]}
    return _KINDS[header["kind"]](**values)
