"""Profiles: frozen sets of case ids, one text file each.

What belongs here: reading a profile by its name or path, the ids it holds, and writing `full` again from what was discovered.
What does not: choosing items of a pytest session (`selection`). A profile names cases without their parameters; a line that
begins with `#` is a comment.

`python -m virtproof.profiles` rewrites `full.txt` of this checkout; `core.txt` is chosen by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from virtproof.errors import UsageError

DEFAULT: Final = "full"
_HEADER: Final = "# Every case of the suite. Written by `python -m virtproof.profiles`; do not edit.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named set of case ids."""

    name: str
    cases: frozenset[str]


def names() -> tuple[str, ...]:
    """The profiles that ship, sorted."""
    shipped = resources.files("virtproof").joinpath("profiles").iterdir()
    return tuple(sorted(entry.name.removesuffix(".txt") for entry in shipped if entry.name.endswith(".txt")))


def load(name_or_path: str) -> Profile:
    """A profile by the name of one that ships, or by the path of a text file that ends in `.txt`.

    Raises UsageError, naming the profiles that ship, when there is none, and for a file that names no case.
    """
    is_path = name_or_path.endswith(".txt")
    if not is_path and name_or_path not in names():
        shipped = ", ".join(names())
        raise UsageError(f"no profile {name_or_path!r}; there are {shipped}, or give the path of a .txt file of case ids")
    try:
        text = Path(name_or_path).read_text(encoding="utf-8") if is_path else _shipped(name_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"profile {name_or_path}: {error}") from error
    cases = parse(text)
    if not cases:
        raise UsageError(f"profile {name_or_path}: it names no case")
    return Profile(name=Path(name_or_path).stem, cases=cases)


def check(profile: Profile) -> None:
    """Raises UsageError, naming them, for ids that are no case's; those of a profile that ships are held by a test."""
    if profile.name in names():
        return
    from virtproof.discovery import found_cases  # noqa: PLC0415 - it imports the whole suite, which reading a profile need not

    unknown = sorted(profile.cases - {found.case.id for found in found_cases()})
    if unknown:
        raise UsageError(
            f"profile {profile.name}: no such case: {', '.join(unknown)}; a profile names cases without their parameters"
        )


def parse(text: str) -> frozenset[str]:
    """The case ids of a profile's text."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def render(ids: Iterable[str]) -> str:
    """The text of the profile `full`."""
    return _HEADER + "".join(f"{id_}\n" for id_ in sorted(set(ids)))


def _shipped(name: str) -> str:
    return resources.files("virtproof").joinpath("profiles", f"{name}.txt").read_text(encoding="utf-8")


def main() -> None:
    """Write `full.txt` beside this module from the cases that the suite has."""
    from virtproof.discovery import found_cases  # noqa: PLC0415 - it imports the whole suite, which reading a profile need not

    path = Path(__file__).with_suffix("") / "full.txt"
    path.write_text(render(found.case.id for found in found_cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
