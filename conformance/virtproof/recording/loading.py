"""The driver under test by its name, `module:factory`.

What belongs here: turning the name into a factory, and a UsageError naming the offender for each way that fails. What does not:
calling the factory (the plug-in) and recording a driver that imports libvirt itself (`module_swap`).
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Final, cast

from virtproof.errors import UsageError
from virtproof_driver.contract import ComputeDriver

Factory = Callable[..., ComputeDriver]
_REMEDY: Final = "give --driver as module:factory, such as virtproof_driver:connect"


def load_driver(spec: str) -> Factory:
    """The factory `factory(uri, *, binding=None, auth=None) -> ComputeDriver` that the name stands for.

    Raises UsageError for a malformed name, a module that is missing or fails to import, and an attribute that is missing or
    cannot be called.
    """
    module_name, separator, attribute = spec.partition(":")
    if not separator or not _dotted(module_name) or not _dotted(attribute):
        raise UsageError(f"driver {spec!r} is not a name: {_REMEDY}")
    found: object = _module(module_name, spec)
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise UsageError(f"driver {spec!r}: {module_name} has no {attribute!r}; {_REMEDY}")
        found = getattr(found, name)
    if not callable(found):
        raise UsageError(f"driver {spec!r}: {attribute!r} is a {type(found).__name__}, which cannot be called; name the factory")
    return cast("Factory", found)


def _dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _module(name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"driver {spec!r}: there is no module {error.name!r}; install it or mend PYTHONPATH") from error
        raise UsageError(f"driver {spec!r}: {name} needs {error.name!r}, which is not installed") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the module's own code, which may raise anything, and SystemExit where it is a script
        raise UsageError(f"driver {spec!r}: importing {name} failed: {type(error).__name__}: {error}") from error
