"""Training as a state that is advanced: no clock, no callback, and nothing that the caller can't put down and take up.

    state = begin(spec)
    while not state.done:
        state = advance(state, steps=1000)
    result = finish(state)

How the steps are sliced changes no bit of the result. A checkpoint is :func:`snapshot` of a state
whose points were flushed; :func:`resume` takes it up again.
"""

from core.training.state import State, advance, begin, cancel, finish, flush, resume, snapshot

__all__ = ["State", "advance", "begin", "cancel", "finish", "flush", "resume", "snapshot"]
