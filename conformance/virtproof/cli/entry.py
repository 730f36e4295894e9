"""`main`: from the command line to a command and its exit code, with no traceback for the user.

What belongs here: dispatch, and turning every error into one line. What does not: commands. An error of ours goes to a file
with all its details, and the user reads where.
"""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from virtproof.cli import arguments, backends, diff, events, judge, mutants, run
from virtproof.errors import SuiteError, VirtproofError

CRASH_FILE: Final = "virtproof-error.log"
INTERRUPTED: Final = 1

Command = Callable[[argparse.Namespace, tuple[str, ...], Console], int]
COMMANDS: Final[Mapping[str, Command]] = {
    "backends": lambda given, _rest, console: backends.execute(console, as_json=given.json),
    "run": lambda given, rest, console: run.execute(arguments.run_arguments(given, rest), console),
    "judge": lambda given, _rest, console: judge.execute(given.directory, given.profile, given.out, console),
    "events": lambda given, _rest, console: events.execute(given.directories, given.out, given.against, console),
    "diff": lambda given, _rest, console: diff.execute(given.before, given.after, console),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 conformant, 1 not conformant, 2 usage, 3 no lane, 4 the suite's own error."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except SystemExit as ended:  # argparse has said what is wrong, or printed help
        return ended.code if isinstance(ended.code, int) else 0
    except VirtproofError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; nothing was concluded", INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - the last place where an error of ours can be worded
        return _say(f"internal error; the details are in {_keep(words)}", SuiteError.exit_code)


def _dispatch(words: list[str]) -> int:
    command = mutants.command()
    if words[:1] == ["mutants"] and command is not None:
        return command(words[1:])
    ours, rest = arguments.split(words)
    made = arguments.parser(mutants=command is not None)
    given = made.parse_args(ours)
    if rest and given.command != "run":
        made.error(f"nothing may follow -- in {given.command}")
    return COMMANDS[given.command](given, rest, Console())


def _say(message: str, code: int) -> int:
    lines = (" ".join(line.split()) for line in message.splitlines())
    sys.stderr.write(f"virtproof: {'; '.join(filter(None, lines))}\n")
    return code


def _keep(words: Sequence[str]) -> Path:
    """Write the traceback where the user finds it: in the run's directory, else among temporary files."""
    text = f"virtproof {' '.join(words)}\n\n{traceback.format_exc()}"
    for folder in (_out(words), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / CRASH_FILE
            path.write_text(text, encoding="utf-8", errors="replace")
        except OSError:
            continue
        return path
    return Path(os.devnull)


def _out(words: Sequence[str]) -> Path:
    """The directory that the command writes to, read from its words because the error may be anywhere."""
    for index, word in enumerate(words):
        if word == "--out" and index + 1 < len(words):
            return Path(words[index + 1])
        if word.startswith("--out="):
            return Path(word.removeprefix("--out="))
    return arguments.DEFAULT_OUT if words[:1] == ["run"] else Path(tempfile.gettempdir())
