"""Objects of libvirt, wrapped so that each call of theirs is recorded.

What belongs here: the wrapper, and turning values into wrapped ones and back on their way through the seam. What does not:
connections, whose callbacks and closing need more (`connections`). A wrapper passes for its object: `isinstance` sees libvirt's
class, attributes and errors are libvirt's own, and it keeps its parent alive as libvirt-python's objects do.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from virtproof.evidence import Kind, on_host
from virtproof.recording import summaries
from virtproof.recording.callbacks import Callback, EventCallback
from virtproof.recording.recorder import Recorder

if TYPE_CHECKING:
    from virtproof_driver.binding import LibvirtError

# Read from the handle, asking nobody: wrapped where they return objects, never recorded.
LOCAL: Final = frozenset(
    {"name", "UUIDString", "UUID", "ID", "connect", "domain", "getName", "getConnect", "getDomain", "key", "c_pointer"}
)

_KINDS: Final[Mapping[str, str]] = {"virConnect": "Connection", "virStorageVol": "Volume"}
_KEYS: Final = ("UUIDString", "getName", "name")
Arguments = tuple[object, ...]
Keywords = dict[str, object]
_PLAIN: Final = (str, bytes, int, float, type(None), Enum, type, BaseException)


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call about to be made."""

    object: str
    key: str
    method: str
    call: int
    libvirt_error: type[Exception]


@dataclass(frozen=True, slots=True)
class Identity:
    """What the evidence says of an object: its kind, its UUID or else its name, and the generation of the case it belongs to.

    `host` is what it calls the object's host, empty for the case's own.
    """

    kind: str
    key: str
    generation: int
    host: str = ""


class Adopter(Protocol):
    """Knows how an object is wrapped; the recording binding gives it, since connections are wrapped in their own way."""

    def __call__(self, bare: object, parent: object) -> object: ...


class Site:
    """Where the objects of one recording binding are wrapped, unwrapped and called."""

    def __init__(
        self, recorder: Recorder, libvirt_error: "type[LibvirtError]", adopt: Adopter, tidy: Callable[[], object]
    ) -> None:
        self.recorder = recorder
        self.libvirt_error = libvirt_error
        self._adopt = adopt
        self._tidy = tidy

    def wrap(self, value: object, parent: object) -> object:
        """The value with every object of libvirt in it wrapped; plain values are returned as they are."""
        if _is_plain(value):
            return value
        if isinstance(value, list):
            return [self.wrap(item, parent) for item in cast("list[object]", value)]
        if isinstance(value, tuple):
            return tuple(self.wrap(item, parent) for item in cast("tuple[object, ...]", value))
        return self._adopt(value, parent)

    def unwrap(self, value: object) -> object:
        """The value as libvirt must get it."""
        if isinstance(value, Wrapped):
            return bare_of(value)
        if isinstance(value, list):
            items = cast("list[object]", value)
            return [self.unwrap(item) for item in items] if any(isinstance(item, Wrapped) for item in items) else items
        return value

    def call(self, owner: "Wrapped", method: str, function: Callable[..., object], args: Arguments, kwargs: Keywords) -> object:
        """Make a call and record it with what came of it. The original error passes through."""
        self._tidy()
        who = identity_of(owner)
        made = Call(who.kind, who.key, method, self.recorder.number(), self.libvirt_error)
        self._begin(made, who, summaries.arguments(method, args, kwargs, label))
        given = [self._argument(value, args, owner) for value in args]
        named = {name: self._argument(value, args, owner) for name, value in kwargs.items()}
        try:
            value = self._proceed(made, partial(function, *given, **named), who.generation)
        except BaseException as error:
            self.recorder.write(Kind.RAISE, who.generation, call=made.call, **raised(error))
            raise
        wrapped = self.wrap(value, owner)
        self.recorder.write(Kind.RETURN, who.generation, call=made.call, value=summaries.result(method, wrapped, label))
        return wrapped

    def _begin(self, made: Call, who: Identity, shown: list[object]) -> None:
        self.recorder.write(
            Kind.CALL,
            who.generation,
            call=made.call,
            object=made.object,
            key=made.key,
            method=made.method,
            arguments=shown,
            operation=self.recorder.operations.current(),
            thread=threading.current_thread().name,
            **on_host(who.host),
        )

    def _proceed(self, made: Call, proceed: Callable[[], object], generation: int) -> object:
        interceptor = self.recorder.interceptor
        return interceptor.around(made, proceed) if interceptor and generation == self.recorder.generation else proceed()

    def _argument(self, value: object, args: Arguments, owner: object) -> object:
        if isinstance(value, Callback | EventCallback | Wrapped | type) or not callable(value):
            return self.unwrap(value)
        return Callback(value, self.wrap, args, owner)


class Wrapped:
    """An object of libvirt whose calls are recorded. Its own attributes begin with `_virtproof_`; all others are the object's."""

    __slots__ = ("__weakref__", "_virtproof_bare", "_virtproof_identity", "_virtproof_parent", "_virtproof_site")

    def __init__(self, site: Site, bare: object, parent: object, identity: Identity) -> None:
        own = object.__setattr__
        own(self, "_virtproof_site", site)
        own(self, "_virtproof_bare", bare)
        own(self, "_virtproof_parent", parent)
        own(self, "_virtproof_identity", identity)

    @property  # type: ignore[misc]  # a wrapper passes for its object; nobody assigns it
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return bare_of(self).__class__

    def __getattr__(self, name: str) -> Any:
        value = getattr(bare_of(self), name)
        if name.startswith("_") or not callable(value) or isinstance(value, type):
            return value
        return bound(self, name, partial(_local if name in LOCAL else _recorded, self, name, value))

    def __setattr__(self, name: str, value: object) -> None:
        setattr(bare_of(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(bare_of(self), name)

    def __dir__(self) -> list[str]:
        return dir(bare_of(self))

    def __repr__(self) -> str:
        return f"<recorded {bare_of(self)!r}>"


def bound(owner: Wrapped, name: str, function: "partial[object]") -> "partial[object]":
    """Bound as libvirt's own method is: a driver may ask it whose it is and what it is called."""
    vars(function).update(__self__=owner, __name__=name)
    return function


def bare_of(wrapped: Wrapped) -> Any:
    """The object of libvirt behind a wrapper."""
    return object.__getattribute__(wrapped, "_virtproof_bare")


def site_of(wrapped: Wrapped) -> Site:
    """Where it was wrapped."""
    found: Site = object.__getattribute__(wrapped, "_virtproof_site")
    return found


def identity_of(wrapped: Wrapped) -> Identity:
    """What the evidence says of it."""
    found: Identity = object.__getattribute__(wrapped, "_virtproof_identity")
    return found


def identity(bare: object, generation: int, key: str | None = None, host: str = "") -> Identity:
    """What the evidence will say of an object; the key is read from its handle unless it is given."""
    kind: str = bare.__class__.__name__  # not type(): what is wrapped may itself pass for something
    return Identity(_KINDS.get(kind, kind.removeprefix("vir")), _key(bare) if key is None else key, generation, host)


def label(value: object) -> str | None:
    """`Domain:KEY` of a wrapped object, None of anything else."""
    if not isinstance(value, Wrapped):
        return None
    who = identity_of(value)
    return f"{who.kind}:{who.key}"


def raised(error: BaseException) -> dict[str, object]:
    """RAISE's data: libvirt's numbers, or nulls and the class of an error that is not libvirt's."""
    code: Callable[[], object] | None = getattr(error, "get_error_code", None)
    if code is None:
        return {"code": None, "domain": None, "message": f"{type(error).__name__}: {error}"}
    domain: Callable[[], object] = getattr(error, "get_error_domain", code)
    return {"code": code(), "domain": domain(), "message": str(error)}


def _is_plain(value: object) -> bool:
    """Whether it holds no object of libvirt: a number, a text, a mapping of such, or a wrapper already."""
    if isinstance(value, (*_PLAIN, Wrapped, Mapping)):
        return True
    return type(value).__module__ == "builtins" and not isinstance(value, list | tuple)


def _key(bare: object) -> str:
    reader: Callable[[], object] | None = next((getattr(bare, name) for name in _KEYS if hasattr(bare, name)), None)
    try:
        return str(reader()) if reader else ""
    except Exception:  # noqa: BLE001 - the handle is dead; the call itself will say so
        return ""


def _local(wrapped: Wrapped, _name: str, function: Callable[..., object], *args: object) -> object:
    return site_of(wrapped).wrap(function(*args), wrapped)


def _recorded(wrapped: Wrapped, name: str, function: Callable[..., object], *args: object, **kwargs: object) -> object:
    return site_of(wrapped).call(wrapped, name, function, args, kwargs)
