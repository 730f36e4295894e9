"""Finding a backend by what the user typed: a name that ships, the path of a TOML file, or a name that a package adds.

What belongs here: looking in these three places. What does not: the grammar of the file (`reading`), and reaching the
hypervisor (`lanes`). A package adds backends by entry points of the group `virtproof.backends`; each names the path of a TOML
file, or a function without arguments that returns one.
"""

from collections.abc import Iterable
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from virtproof.backends.model import Backend
from virtproof.backends.reading import nearest, read
from virtproof.errors import UsageError

GROUP: Final = "virtproof.backends"
_PACKAGE: Final = "virtproof.backends"
PROVISIONERS: Final = (
    "test",
    "test-rpc",
    "test-rpc-container",
    "container",
)  # the entries of `lanes.provisioning.PROVISIONERS`; a test compares


def load(name_or_path: str) -> Backend:
    """The backend of a name, or of a path that ends in `.toml`.

    Raises UsageError naming what was typed, or file and key, with the remedy.
    """
    if name_or_path.endswith(".toml"):
        return _from_file(Path(name_or_path))
    if name_or_path in shipped():
        text = resources.files(_PACKAGE).joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8")
        return read(text, f"{name_or_path}.toml (ships with virtproof)", PROVISIONERS)
    added = _added()
    if name_or_path in added:
        return _from_entry_point(added[name_or_path])
    remedy = nearest(name_or_path, names())
    raise UsageError(f"no backend {name_or_path!r}; {remedy} A path to a TOML file must end in .toml")


def load_all(names_or_paths: Iterable[str]) -> tuple[Backend, ...]:
    """Several backends, in order. Raises UsageError as `load` does, and when two have one name, because reports go by name."""
    backends = tuple(load(each) for each in names_or_paths)
    for number, backend in enumerate(backends):
        twin = next((other for other in backends[:number] if other.name == backend.name), None)
        if twin is not None:
            raise UsageError(f"{backend.origin}: name: {backend.name!r} is also the name in {twin.origin}; choose another")
    return backends


def names() -> tuple[str, ...]:
    """Every name that `load` knows, those that ship first."""
    return tuple(dict.fromkeys((*shipped(), *sorted(_added()))))


def shipped() -> tuple[str, ...]:
    """The names of the backends that ship, sorted."""
    entries = resources.files(_PACKAGE).iterdir()
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml")))


def _from_file(path: Path, origin: str | None = None) -> Backend:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{origin or path}: {error.strerror}; give the path of a readable TOML file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{origin or path}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    return read(text, origin or str(path), PROVISIONERS)


def _from_entry_point(point: EntryPoint) -> Backend:
    origin = f"entry point {point.name} = {point.value} of {GROUP}"
    try:
        found: object = point.load()
        target = found() if callable(found) else found
    except Exception as error:
        raise UsageError(f"{origin}: it cannot be loaded: {error!r}; correct or uninstall the package") from error
    if not isinstance(target, str | Path):
        raise UsageError(f"{origin}: {type(target).__name__} is no path; let it name a TOML file, or a function that returns one")
    return _from_file(Path(target), f"{target} ({origin})")


def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
