"""A backend that ships, with the libvirt and the hypervisors of another suite of Debian: what `--suite` makes of it.

What belongs here: the changed backend. What does not: images of suites (`lanes.containers`). Only what runs in a container has a
suite; `test-rpc` is a daemon of this machine, and with a suite the same daemon in a container.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import UsageError

_SUITE: Final = re.compile(r"[a-z]+")
_PROVISIONERS: Final[Mapping[str, str]] = MappingProxyType({"container": "container", "test-rpc": "test-rpc-container"})


def of_suite(backend: Backend, suite: str) -> Backend:
    """The backend in containers of a suite. Raises UsageError for no suite's name, and for a backend without containers."""
    if _SUITE.fullmatch(suite) is None:
        raise UsageError(f"--suite {suite!r}: no suite of Debian; write one such as bookworm, trixie or sid")
    provisioner = _PROVISIONERS.get(backend.provisioner)
    if provisioner is None:
        raise UsageError(f"--suite {suite}: the backend {backend.name} runs in no container of ours; leave the option out for it")
    return replace(backend, suite=suite, provisioner=provisioner)
