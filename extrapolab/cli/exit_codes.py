"""Exit codes of the command line: what a script can learn without reading."""

from enum import IntEnum

from extrapolab.errors import LabError, LabUnreachable, Refused, ServerProblem


class Exit(IntEnum):
    """One code per thing that a script may want to do next."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4

    @property
    def meaning(self) -> str:
        """The code in words, for the help."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "an experiment failed or was cancelled, a claim fails, or what ran again came out otherwise",
    Exit.USAGE: "the command line is wrong, or a file can't be read or written",
    Exit.UNREACHABLE: "no lab answers, or it answers with a problem of its own",
    Exit.REFUSED: "the lab refuses: the spec is not valid, there is no such thing, or its state forbids it",
}


def exit_of(error: LabError) -> Exit:
    """The exit code that ``error`` ends a command with."""
    match error:
        case LabUnreachable() | ServerProblem():
            return Exit.UNREACHABLE
        case Refused():
            return Exit.REFUSED
        case _:
            return Exit.FAILED
