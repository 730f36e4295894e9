"""Tests of `explaining`: long bytes are told apart by place, everything else is left to pytest."""

import pytest

from virtproof.explaining import LONG, explained, parting

ONES = b"\1" * LONG


@pytest.mark.parametrize("place", [0, 1, 511, LONG - 1])
def test_bytes_part_where_the_first_one_differs(place: int) -> None:
    other = ONES[:place] + b"\2" + ONES[place + 1 :]
    assert parting(ONES, other) == parting(other, ONES) == place
    told = explained("==", ONES, other)
    assert told is not None
    assert told[0] == "1024 bytes == 1024 bytes"
    assert told[1].startswith(f"they part at byte {place}: 01")
    assert told[2].lstrip().startswith("and: 02")


def test_the_shorter_one_ends_where_they_part() -> None:
    assert parting(ONES, ONES[:-1]) == LONG - 1
    assert parting(ONES, ONES) == LONG
    assert parting(b"", ONES) == 0


@pytest.mark.parametrize(
    ("op", "left", "right"), [("==", b"a", b"b"), ("!=", ONES, ONES), ("==", "a" * LONG, ONES), ("==", 1, 2)]
)
def test_the_rest_is_pytests(op: str, left: object, right: object) -> None:
    assert explained(op, left, right) is None
