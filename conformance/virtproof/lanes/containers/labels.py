"""Whose a container, a network, a volume or a broken-off build of the engine is, as labels, and whether its owner is gone.

What belongs here: the labels and the decision. What does not: asking the engine and removing (`reaping`), and who an owner is
(`lanes.folders`). An engine may serve several machines and users: only what this machine's own dead processes left is ours to
remove.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final, cast

OWNED: Final = "virtproof.owner"
RUN: Final = "virtproof.run"
BUILD: Final = "virtproof.build"  # as the Dockerfile has it: the labels of the builder, in one
_OWNER: Final = ("host", "boot", "namespace", "pid", "started")


def labels_of(run: str, host: str, owner: Mapping[str, object]) -> dict[str, str]:
    """The labels of what a process makes; `owner` as `folders.owner_of` has it."""
    told = {f"{OWNED}.{key}": str(value) for key, value in {"host": host, **owner}.items()}
    return {OWNED: "1", RUN: run, **told}


def builder_of(host: str, owner: Mapping[str, object]) -> str:
    """The label `BUILD` of the images between a build's steps."""
    return json.dumps(labels_of("", host, owner))


def labels_of_build(labels: Mapping[str, str]) -> Mapping[str, str]:
    """The labels of the builder of an image, none for an image that no run of ours built."""
    try:
        found: object = json.loads(labels.get(BUILD, ""))
    except ValueError:
        return {}
    return cast("Mapping[str, str]", found) if isinstance(found, dict) else {}


def is_left_behind(labels: Mapping[str, str], host: str, is_gone: Callable[[Mapping[str, object]], bool]) -> bool:
    """Whether labels name an owner of this host that is gone; false for another host's, and for labels that are not whole."""
    owner: dict[str, object] = {key: labels[f"{OWNED}.{key}"] for key in _OWNER if f"{OWNED}.{key}" in labels}
    return len(owner) == len(_OWNER) and owner["host"] == host and is_gone(owner)
