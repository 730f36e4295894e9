"""A backend that ships, on a host of the user's own: what `--uri` makes of it, as the TOML file that the user could have written.

What belongs here: the changed backend, and its TOML. What does not: whether the host may be used (`lanes.host`). The suite has no
power over the daemon and the processes of such a host, and puts no guests there, so that what rests on these is declared.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from virtproof.backends.fields import as_uri
from virtproof.backends.model import Backend, KnownBug, Unsupported
from virtproof.errors import UsageError
from virtproof_driver.capabilities import MIGRATION, Capability

_NO_POWER: Final = "virtproof has no power over the daemon of a host that it did not set up"
_NO_WAYS: Final = "virtproof has no credentials for a host that it did not set up, and reaches it as its URI says"
_NO_GUESTS: Final = "virtproof puts no guests on a host that it did not set up"
_NO_SECOND: Final = "virtproof has no second host beside one that it did not set up"
_BEYOND: Final = {
    Capability.CONNECTION_KEEPALIVE: _NO_POWER,
    Capability.CONNECTION_RECONNECT: _NO_POWER,
    Capability.EVENTS_HOST: _NO_POWER,
    Capability.CONNECTION_AUTH: _NO_WAYS,
    Capability.CONNECTION_TLS: _NO_WAYS,
    Capability.CONNECTION_SSH: _NO_WAYS,
    Capability.GUESTS: _NO_GUESTS,
    Capability.AGENT_PASSWORD: f"{_NO_GUESTS}, and so none with an agent",
    Capability.AGENT_QUIESCE: f"{_NO_GUESTS}, and so none with an agent",
    **dict.fromkeys(MIGRATION, _NO_SECOND),
}


def on_host(backend: Backend, uri: str) -> Backend:
    """The backend at a URI of the user's. Raises UsageError for what is no URI, or leads to another hypervisor."""
    try:
        as_uri(uri)
    except ValueError as error:
        raise UsageError(f"--uri: {error}") from error
    wanted, given = _driver(backend.uri), _driver(uri)
    if wanted and wanted != given:
        raise UsageError(f"--uri {uri}: it leads to {given}, and the backend {backend.name} is {wanted}; name the backend for it")
    declared = {entry.capability for entry in backend.unsupported if not entry.when}
    if urlsplit(uri).scheme == "test":  # the test driver in process asks for what a node file says
        declared.add(Capability.CONNECTION_AUTH)
    more = tuple(Unsupported(capability=each, reason=why) for each, why in _BEYOND.items() if each not in declared)
    return replace(backend, uri=uri, provisioner="", transports=("direct",), unsupported=(*backend.unsupported, *more))


def to_toml(backend: Backend) -> str:
    """The TOML of a backend that is a host of the user's, as `reading.read` takes it."""
    return "\n".join(_lines(backend)) + "\n"


def _driver(uri: str) -> str:
    return urlsplit(uri).scheme.partition("+")[0]


def _lines(backend: Backend) -> Iterator[str]:
    yield from (
        f"{key} = {_text(value)}" for key, value in (("name", backend.name), ("basis", backend.basis), ("uri", backend.uri))
    )
    yield from ("", "[unsupported]")
    yield from (f"{_text(each.capability)} = {_reason(each)}" for each in backend.unsupported)
    for bug in backend.known_bugs:
        yield from ("", "[[known-bug]]", *_bug(bug))


def _reason(entry: Unsupported) -> str:
    return f"{{reason = {_text(entry.reason)}, when = {_text(entry.when)}}}" if entry.when else _text(entry.reason)


def _bug(bug: KnownBug) -> Iterator[str]:
    fields = {"case": bug.case, "reason": bug.reason, "link": bug.link, "when": bug.when}
    return (f"{key} = {_text(value)}" for key, value in fields.items() if value)


def _text(value: str) -> str:
    """A basic string of TOML, whose escapes are JSON's."""
    return json.dumps(str(value), ensure_ascii=False)
