"""How two long runs of bytes differ, in three lines.

What belongs here: that explanation. What does not: shorter values, which pytest explains. pytest would compare the bytes as text,
character by character, which takes minutes for a volume of a mebibyte wherever the variable CI is set.
"""

from typing import Final

LONG: Final = 1024
_AROUND: Final = 16


def explained(op: str, left: object, right: object) -> list[str] | None:
    """Where two runs of bytes part; None for all else, which pytest is to explain."""
    if op != "==" or not isinstance(left, bytes) or not isinstance(right, bytes) or max(len(left), len(right)) < LONG:
        return None
    place = parting(left, right)
    seen = slice(place, place + _AROUND)
    return [
        f"{len(left)} bytes == {len(right)} bytes",
        f"they part at byte {place}: {left[seen].hex(' ')}",
        f"{'and':>{len(f'they part at byte {place}')}}: {right[seen].hex(' ')}",
    ]


def parting(left: bytes, right: bytes) -> int:
    """The first place at which they differ; the shorter one's end when it begins the other."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
