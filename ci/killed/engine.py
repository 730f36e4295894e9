"""What of a run there is with the container engine, and what else on the machine goes with its containers.

What belongs here: asking the engine, and reading off a container which mounts, interfaces, ports and file systems are its. What
does not: finding those on the machine (`traces`). A container is a run's when a folder of the run is mounted in it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from ci.killed.traces import Trace, device_word, index_word, port_word
from virtproof.lanes.containers.engine import Engine
from virtproof.lanes.containers.labels import OWNED, RUN

CONTAINER: Final = "container"
_FILTER: Final = {"label": f"{OWNED}=1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A container: its id, where it is used from, its run, and the words by which its other traces are found."""

    id: str
    sources: tuple[str, ...]
    run: str
    ports: frozenset[str]
    words: frozenset[str]


def boxes(engine: Engine) -> tuple[Box, ...]:
    """The suite's containers, whosever."""
    found = engine.containers.list(all=True, filters=_FILTER, ignore_removed=True)
    return tuple(_box(cast("Mapping[str, Any]", cast("Any", each).attrs)) for each in found)


def of(folder: Path, found: Iterable[Box]) -> tuple[Box, ...]:
    """Those of the run whose folder it is."""
    return tuple(each for each in found if any(source.startswith(f"{folder}/") for source in each.sources))


def with_engine(engine: Engine, found: Iterable[Box]) -> Iterator[Trace]:
    """The containers, and the suite's networks and volumes with every volume that a container has."""
    yield from (Trace(kind=CONTAINER, text=f"{each.id} {run_word(each.run)}") for each in found)
    for kind, things in (("network", engine.networks), ("volume", engine.volumes)):
        for thing in things.list(filters=_FILTER):
            labels: Mapping[str, str] = thing.attrs.get("Labels") or {}
            yield Trace(kind=kind, text=f"{thing.attrs['Name']} {run_word(labels.get(RUN, ''))}")


def run_word(run: str) -> str:
    """How a run is mentioned among the engine's things."""
    return f"run={run} "


def _box(attrs: Mapping[str, Any]) -> Box:
    ports = frozenset(_ports(attrs))
    run = str(attrs["Config"]["Labels"].get(RUN, ""))
    words = {attrs["Id"], run_word(run), *ports, *_layers(attrs), *_network(attrs)}
    return Box(
        id=attrs["Id"],
        sources=tuple(str(mount["Source"]) for mount in attrs["Mounts"]),
        run=run,
        ports=ports,
        words=frozenset(words),
    )


def _ports(attrs: Mapping[str, Any]) -> Iterator[str]:
    published: Mapping[str, list[Mapping[str, str]] | None] = attrs["NetworkSettings"]["Ports"] or {}
    yield from (port_word(int(each["HostPort"])) for places in published.values() for each in places or ())


def _layers(attrs: Mapping[str, Any]) -> Iterator[str]:
    """The folder of its layer, which its mount names, and the file system that is mounted there."""
    layers: Mapping[str, str] = attrs["GraphDriver"]["Data"] or {}
    merged = layers.get("MergedDir", "")
    if merged:
        yield Path(merged).parent.name
        with suppress(OSError):  # not mounted yet, or no more
            if os.path.ismount(merged):
                yield device_word(Path(merged).stat().st_dev)


def _network(attrs: Mapping[str, Any]) -> Iterator[str]:
    """The mount of its network's namespace, and the host's end of its interface."""
    key: str = attrs["NetworkSettings"]["SandboxKey"]
    if key:
        yield Path(key).name
    pid: int = attrs["State"]["Pid"]
    with suppress(OSError):  # it does not run, or has no network yet
        if pid:
            yield index_word(Path(f"/proc/{pid}/root/sys/class/net/eth0/iflink").read_text(encoding="ascii").strip())
