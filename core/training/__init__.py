"""Training as a state that the caller advances: no clock, no callback, resumable at any step.

    state = begin(spec)
    while not state.done:
        state = advance(state, steps=1000)
    result = finish(state)

The result is bitwise independent of how the steps are sliced. A checkpoint is the :func:`snapshot`
of a flushed state; :func:`resume` restores it.
"""

from core.training.state import State, advance, begin, cancel, finish, flush, resume, snapshot

__all__ = ["State", "advance", "begin", "cancel", "finish", "flush", "resume", "snapshot"]
