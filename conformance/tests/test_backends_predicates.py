"""Version predicates: what holds, and what each mistake is told."""

import re

import pytest

from virtproof.backends.predicates import holds, parse

VERSIONS = {"libvirt": "9.0.0", "qemu": "7.2.22"}


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("", True),
        ("  ", True),
        ("libvirt < 10.0", True),
        ("libvirt<10", True),
        ("libvirt < 9.0.0", False),
        ("libvirt <= 9.0", True),
        ("libvirt == 9.0", True),
        ("libvirt == 9.0.*", True),
        ("libvirt != 9.0", False),
        ("libvirt > 9.0", False),
        ("libvirt >= 9.0.0", True),
        ("libvirt < 10.0, qemu >= 7", True),
        ("libvirt < 10.0, qemu >= 8", False),
        ("xen >= 4", False),
    ],
)
def test_a_predicate_holds_when_every_clause_does(predicate: str, expected: bool) -> None:
    assert holds(predicate, VERSIONS) is expected


@pytest.mark.parametrize(
    ("predicate", "problem"),
    [
        ("libvirt", "'libvirt' is no comparison; write one such as 'libvirt < 10.0'"),
        ("libvirt < 10.0,", "'' is no comparison; write one such as 'libvirt < 10.0'"),
        ("< 10.0", "'< 10.0' is no comparison; write one such as 'libvirt < 10.0'"),
        ("libvirt ~ 10", "'libvirt ~ 10' is no comparison; write one such as 'libvirt < 10.0'"),
        ("libvrit < 10", "'libvrit < 10' names no product whose version is known; did you mean 'libvirt'?"),
        ("libvirt < new", "'new' in 'libvirt < new' is no version; write one such as 10.0"),
    ],
)
def test_a_wrong_predicate_says_which_clause_and_how_to_write_it(predicate: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse(predicate)


def test_a_product_that_nothing_resembles_is_answered_with_the_list() -> None:
    with pytest.raises(ValueError, match="write one of libvirt, libvirt-client"):
        parse("zzzz < 1")
