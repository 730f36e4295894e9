"""`virtproof mutants`: there when the mutants are.

What belongs here: finding the command. What does not: the command; it is `virtproof.mutants.runner.main`.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

MODULE: Final = "virtproof.mutants.runner"


def command(module: str = MODULE) -> Callable[[Sequence[str]], int] | None:
    """The command's main function, which takes the words after `mutants`; None when this installation has no mutants."""
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        return None
    if found is None:
        return None
    return cast("Callable[[Sequence[str]], int]", import_module(module).main)
