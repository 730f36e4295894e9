"""From a backend's TOML text to its value, with every problem found and each worded for the author of the file.

What belongs here: the grammar: which keys there are, which are needed, what each may hold. What does not: finding files
(`loading`), and whether a case or a host exists. Pure: text in, a value or problems out.

A problem is one line, `key: what is wrong; what to do`; a file with problems gives no backend.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, TypeVar, cast

from virtproof.backends.fields import as_case, as_name, as_predicate, as_sentence, as_transports, as_uri, as_words, one_of
from virtproof.backends.model import Backend, Basis, KnownBug, Unsupported
from virtproof.errors import UsageError
from virtproof_driver import Capability

T = TypeVar("T")
Table = Mapping[str, object]

_KEYS: Final = ("name", "basis", "uri", "provisioner", "transports", "unsupported", "known-bug")
_UNSUPPORTED_KEYS: Final = ("reason", "when")
_BUG_KEYS: Final = ("case", "reason", "link", "when")
_CAPABILITIES: Final = tuple(capability.value for capability in Capability)


@dataclass(slots=True)
class _Reader:
    """A table being read under a key, and the problems found so far, which its children share."""

    table: Table
    key: str = ""
    problems: list[str] = field(default_factory=list[str])

    def problem(self, key: str, text: str) -> None:
        self.problems.append(f"{self.path(key)}: {text}")

    def path(self, key: str) -> str:
        return ".".join(part for part in (self.key, key) if part)

    def child(self, key: str, table: Table) -> "_Reader":
        return _Reader(table, self.path(key), self.problems)

    def check_keys(self, known: Iterable[str]) -> None:
        names = tuple(known)
        for key in self.table.keys() - set(names):
            self.problem(key, f"unknown key; {nearest(key, names)}")

    def take(self, key: str, convert: Callable[[object], T], default: T, *, needed: bool = False) -> T:
        if key not in self.table:
            if needed:
                self.problem(key, "missing; add it")
            return default
        try:
            return convert(self.table[key])
        except ValueError as error:
            self.problem(key, str(error))
            return default


def read(text: str, origin: str, provisioners: Iterable[str]) -> Backend:
    """The backend that a TOML text describes; `origin` is the file, for messages.

    Raises UsageError with a line for each problem, naming file and key and saying what to do.
    """
    try:
        table = cast("Table", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{origin}: not TOML: {error}; correct the file") from error
    reader = _Reader(table)
    backend = _backend(reader, origin, tuple(provisioners))
    if reader.problems:
        raise UsageError("\n".join(f"{origin}: {problem}" for problem in sorted(reader.problems)))
    return backend


def nearest(word: str, known: Iterable[str]) -> str:
    """What a misspelt word may have meant, as half a sentence."""
    names = tuple(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"


def _backend(reader: _Reader, origin: str, provisioners: tuple[str, ...]) -> Backend:
    reader.check_keys(_KEYS)
    provisioner = reader.take("provisioner", one_of(provisioners), "")
    if "transports" in reader.table and "provisioner" not in reader.table:
        reader.problem("transports", "a host is reached as its uri says; remove the key, or name a provisioner")
    return Backend(
        name=reader.take("name", as_name, "", needed=True),
        basis=Basis(reader.take("basis", one_of([basis.value for basis in Basis]), Basis.REAL.value, needed=True)),
        uri=reader.take("uri", as_uri, "", needed="provisioner" not in reader.table),
        origin=origin,
        provisioner=provisioner,
        transports=reader.take("transports", as_transports, ("direct",)),
        unsupported=_unsupported(reader),
        known_bugs=_known_bugs(reader),
    )


def _unsupported(reader: _Reader) -> tuple[Unsupported, ...]:
    table = reader.table.get("unsupported", {})
    if not isinstance(table, dict):
        reader.problem("unsupported", 'not a table; write [unsupported] and lines such as "lifecycle.suspend" = "why"')
        return ()
    entries = _Reader(cast("Table", table), "unsupported", reader.problems)
    return tuple(entry for key in entries.table for entry in _refusal(entries, key))


def _refusal(entries: _Reader, key: str) -> Iterable[Unsupported]:
    value = entries.table[key]
    if key not in _CAPABILITIES:
        dotted = any(name.startswith(f"{key}.") for name in _CAPABILITIES) and isinstance(value, dict)
        remedy = 'put its whole name in quotes, as in "lifecycle.suspend"' if dotted else nearest(key, _CAPABILITIES)
        entries.problem(key, f"no capability; {remedy}")
        return ()
    if isinstance(value, str):
        value = {"reason": value}
    if not isinstance(value, dict):
        entries.problem(key, 'neither a reason nor a table; write "why" or {reason = "why", when = "libvirt < 10.0"}')
        return ()
    entry = entries.child(key, cast("Table", value))
    entry.check_keys(_UNSUPPORTED_KEYS)
    reason = entry.take("reason", as_sentence, "", needed=True)
    return (Unsupported(capability=Capability(key), reason=reason, when=entry.take("when", as_predicate, "")),)


def _known_bugs(reader: _Reader) -> tuple[KnownBug, ...]:
    listed = reader.table.get("known-bug", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in cast("list[object]", listed)):
        reader.problem("known-bug", "not an array of tables; write [[known-bug]] above each")
        return ()
    tables = cast("list[Table]", listed)
    return tuple(_known_bug(reader.child(f"known-bug[{number}]", table)) for number, table in enumerate(tables, 1))


def _known_bug(entry: _Reader) -> KnownBug:
    entry.check_keys(_BUG_KEYS)
    return KnownBug(
        case=entry.take("case", as_case, "", needed=True),
        reason=entry.take("reason", as_sentence, "", needed=True),
        link=entry.take("link", as_words, "", needed=True),
        when=entry.take("when", as_predicate, ""),
    )
