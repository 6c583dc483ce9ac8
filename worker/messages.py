"""What a slot and its trainer say to each other, and how it travels.

A message is one frame of JSON, followed by one frame for each of its fields that is bytes (specs, results, arrays as
:mod:`core.arrays` packs them). Nothing is pickled: neither side runs what the other one sends.

    slot -> trainer    Train, then perhaps Cancel or Pause
    trainer -> slot    Ready, once; then for each Train some Advanced and one of Finished, Paused, Failed
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from core.arrays import pack, unpack

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
        inherited: Where the start is ``from_experiment``, what :func:`pack_inherited` makes of its parameters.
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
    kind.__name__: kind for kind in (Ready, Train, Cancel, Pause, Advanced, Finished, Paused, Failed)
}


def pack_inherited(parameters: Inherited) -> bytes:
    """Parameters by seed and name as the arrays ``seed/name``."""
    return pack({f"{seed}/{name}": array for seed, named in parameters.items() for name, array in named.items()})


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
    frames = {name: value for name, value in values.items() if isinstance(value, bytes)}
    plain = {name: value for name, value in values.items() if name not in frames}
    header = {"kind": type(message).__name__, "fields": plain, "frames": list(frames)}
    connection.send_bytes(json.dumps(header, allow_nan=False).encode())
    for frame in frames.values():
        connection.send_bytes(frame)


def receive(connection: Connection) -> Message:
    """The next message, waited for; raises EOFError or OSError where the other side is gone."""
    header = json.loads(connection.recv_bytes())
    values: dict[str, Any] = {**header["fields"], **{name: connection.recv_bytes() for name in header["frames"]}}
    return _KINDS[header["kind"]](**values)
