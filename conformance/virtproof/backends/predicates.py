"""Version predicates: `libvirt < 10.0, qemu >= 7`, as manifests and known bugs write them in `when`.

What belongs here: parsing one and saying whether it holds at given versions. What does not: where versions come from; that is
`lanes.facts`. A comma means "and"; a product that the lane does not have makes its clause false; the empty predicate always
holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from packaging.specifiers import InvalidSpecifier, Specifier

# Products whose versions a lane can tell: libvirt (where the driver code runs), its client, and hypervisors by virConnectGetType.
PRODUCTS: Final = (
    *("libvirt", "libvirt-client", "libvirt-python", "python"),
    *("test", "qemu", "lxc", "xen", "uml", "openvz", "vmware", "esx", "vbox"),
)
_CLAUSE: Final = re.compile(r"(?P<product>[a-z][a-z0-9-]*)\s*(?P<operator><=|>=|==|!=|<|>)\s*(?P<version>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One comparison of a predicate: a product and what its version must be."""

    product: str
    specifier: Specifier

    def holds(self, versions: Mapping[str, str]) -> bool:
        """Whether the product is there at such a version."""
        return self.product in versions and self.specifier.contains(versions[self.product], prereleases=True)


def parse(predicate: str) -> tuple[Clause, ...]:
    """The clauses of a predicate. Raises ValueError, saying which clause is wrong and how to write it."""
    return tuple(_clause(part.strip()) for part in predicate.split(",")) if predicate.strip() else ()


def holds(predicate: str, versions: Mapping[str, str]) -> bool:
    """Whether every clause holds at these versions. Raises ValueError as `parse` does."""
    return all(clause.holds(versions) for clause in parse(predicate))


def _clause(text: str) -> Clause:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no comparison; write one such as 'libvirt < 10.0'")
    if match["product"] not in PRODUCTS:
        raise ValueError(f"{text!r} names no product whose version is known; {_suggestion(match['product'])}")
    try:
        return Clause(product=match["product"], specifier=Specifier(match["operator"] + match["version"]))
    except InvalidSpecifier:
        raise ValueError(f"{match['version']!r} in {text!r} is no version; write one such as 10.0") from None


def _suggestion(product: str) -> str:
    near = get_close_matches(product, PRODUCTS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(PRODUCTS)}"
