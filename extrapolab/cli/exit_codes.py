"""Exit codes of the command line, so that a script need not read messages."""

from enum import IntEnum

from extrapolab.errors import BadEnvironment, LabError, LabUnreachable, Refused, ServerProblem


class ExitCode(IntEnum):
    """One code per reaction that a script may need."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4

    @property
    def meaning(self) -> str:
        """The code's meaning, for the help."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "success",
    ExitCode.FAILED: (
        "an experiment failed or was cancelled, a claim fails, a reproduction differs, or you "
        "answered no"
    ),
    ExitCode.USAGE: (
        "the command line or a variable of the environment is wrong, or a file or the output can't "
        "be read or written"
    ),
    ExitCode.UNREACHABLE: "no lab answers, or the lab itself failed",
    ExitCode.REFUSED: (
        "the lab refuses: the spec is not valid, nothing has that id, or the state forbids it"
    ),
}


def exit_code_of(error: LabError) -> ExitCode:
    """Returns the exit code of a command that ``error`` ends."""
    match error:
        case LabUnreachable() | ServerProblem():
            return ExitCode.UNREACHABLE
        case BadEnvironment():
            return ExitCode.USAGE
        case Refused():
            return ExitCode.REFUSED
        case _:
            return ExitCode.FAILED
