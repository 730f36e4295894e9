"""Judge of descriptors: files handed over in a call, which only a unix socket can carry.

What belongs here: the calls that hand over a descriptor, and which connections carry none. What does not: what becomes of the
connection; over TLS, ssh or tcp it is cut, and every later call on it fails (error 1 of domain 7, measured on libvirt 9.0.0).
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from virtproof.judges.calls import OPENING
from virtproof.judges.facts import Facts
from virtproof.judges.reading import Call, CaseEvidence, items, text
from virtproof.judges.rules import violation
from virtproof.verdicts import Violation

HANDING_OVER: Final = frozenset({"openGraphics", "openGraphicsFD", "lxcOpenNamespace", "createWithFiles", "createXMLWithFiles"})
_LOCAL: Final = "unix"


def judge(case: CaseEvidence, _facts: Facts) -> tuple[Violation, ...]:
    """Violations of `connection.descriptor`."""
    return tuple(_found(case))


def is_remote(uri: str) -> bool:
    """Whether a URI leads over a transport that carries no descriptors (https://libvirt.org/uri.html#transport-configuration)."""
    parts = urlsplit(uri)
    word = parts.scheme.partition("+")[2]
    return word != _LOCAL if word else bool(parts.netloc)


def _found(case: CaseEvidence) -> Iterator[Violation]:
    """The connection that a call went over is the one that was opened last before it."""
    uri = ""
    for call in case.calls:
        if call.method in OPENING and call.succeeded:
            uri = _uri(call)
        elif call.method in HANDING_OVER and is_remote(uri):
            message = f"{call.method}() was called on {uri}, which carries no descriptors: the call cuts the connection"
            yield violation("connection.descriptor", message, call.begin, call.end)


def _uri(call: Call) -> str:
    return next((str(argument) for argument in items(call.begin.data.get("arguments"))), text(call.begin, "key"))
