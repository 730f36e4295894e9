"""What ends a command, one class an exit code, each worded for the user who reads one line of it.

What belongs here: the classes and their exit codes. What does not: errors of the driver under test (`virtproof_driver.errors`)
and failures of cases (`verdicts`). A message names the offender (file, key, option, URI) and what to do.
"""

from typing import ClassVar


class VirtproofError(Exception):
    """Root of what the command line turns into one line and an exit code."""

    exit_code: ClassVar[int] = 4


class UsageError(VirtproofError):
    """The user asked for something that cannot be: an option, a TOML file, a driver's name. Exit code 2."""

    exit_code: ClassVar[int] = 2


class LaneUnavailable(VirtproofError):
    """A lane that was asked for could not be provisioned; one line with the remedy. Exit code 3."""

    exit_code: ClassVar[int] = 3


class SuiteError(VirtproofError):
    """The suite itself went wrong. Exit code 4."""

    exit_code: ClassVar[int] = 4
