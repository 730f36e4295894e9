"""Chains: which overlay goes into which file, when nothing may be merged, and what later snapshots are described as."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.markup.chains import Commit, Merge, merge_of, volumes_in

PATHS = {("p", "v"): "/d/v"}


def source(path: str) -> str:
    return "<source pool='p' volume='v'/>" if path == "/d/v" else f"<source file='{path}'/>"


def disk(chain: Sequence[str], target: str = "vda", form: str = "qcow2") -> str:
    """A disk that is in the first of these files, which reads from the next; `/d/v` is told as the volume that it is."""
    below = ""
    for path in reversed(chain[1:]):
        below = f"<backingStore type='file'><format type='qcow2'/>{source(path)}{below or '<backingStore/>'}</backingStore>"
    kind = "volume" if chain[0] == "/d/v" else "file"
    inside = f"<driver name='qemu' type='{form}'/>{source(chain[0])}{below}<target dev='{target}'/>"
    return f"<disk type='{kind}'>{inside}</disk>"


def domain(*disks: str, section: str = "domain") -> str:
    return f"<{section}><devices>{''.join(disks)}</devices></{section}>"


def snapshot(
    name: str, overlay: str, before: Sequence[str], more: str = "", *, inactive: bool = False, form: str = "qcow2"
) -> str:
    taken = f"<disks><disk name='vda' snapshot='external'><source file='{overlay}'/></disk></disks>"
    definition = domain(disk(before, form=form), section="inactiveDomain") if inactive else ""
    body = f"<name>{name}</name>{more}{taken}{domain(disk(before, form=form))}{definition}"
    return f"<domainsnapshot>{body}</domainsnapshot>"


A = snapshot("a", "/d/v.a", ["/d/v"], form="raw")
B = snapshot("b", "/d/v.b", ["/d/v.a", "/d/v"], inactive=True)
C = snapshot("c", "/d/v.c", ["/d/v.b", "/d/v.a", "/d/v"])
ALL = ("/d/v.c", "/d/v.b", "/d/v.a", "/d/v")
INTERNAL = f"<domainsnapshot><name>i</name>{domain(disk(['/d/v.a', '/d/v']))}</domainsnapshot>"


def commit(overlay: str, base: str, *, active: bool = False) -> Commit:
    return Commit(target="vda", overlay=overlay, base=base, active=active)


def merged(name: str, chain: Sequence[str], *snapshots: str) -> Merge | None:
    return merge_of(name, domain(disk(chain)), snapshots, PATHS)


def chains(xml: str) -> list[list[str]]:
    """The chains of a snapshot's disks, in both of its definitions."""
    sources = [each.iter("source") for each in ET.fromstring(xml).iterfind("*/devices/disk")]
    return [[each.get("file") or PATHS[each.get("pool", ""), each.get("volume", "")] for each in found] for found in sources]


def test_volumes_are_found_at_any_depth() -> None:
    assert volumes_in(domain(disk(ALL))) == {("p", "v")}
    assert volumes_in(domain(disk(["/d/w"]))) == frozenset()


def test_the_newest_snapshots_overlay_is_what_the_guest_writes_to() -> None:
    assert merged("c", ALL, A, B, C) == Merge(
        snapshot="c", commits=(commit("/d/v.c", "/d/v.b", active=True),), merged=(), files=("/d/v.c",), later={}
    )


def test_later_snapshots_are_described_without_the_overlay() -> None:
    found = merged("a", ALL, A, B, C)
    assert found is not None
    assert (found.commits, found.files) == ((commit("/d/v.a", "/d/v"),), ("/d/v.a",))
    assert chains(found.later["b"]) == [["/d/v"], ["/d/v"]]
    assert chains(found.later["c"]) == [["/d/v.b", "/d/v"]]
    in_it = ET.fromstring(found.later["b"]).find("domain/devices/disk")
    assert in_it is not None
    assert [in_it.get("type"), *(child.tag for child in in_it)] == ["volume", "driver", "source", "target"]
    assert [driver.get("type") for driver in in_it.iterfind("driver")] == ["raw"]  # the format of the file, not the overlay's


def test_a_merge_that_broke_off_goes_on_where_it_was() -> None:
    newest = merged("c", ALL[1:], A, B, C)
    assert newest is not None
    assert (newest.commits, newest.merged, newest.files, newest.later) == ((), ("vda",), ("/d/v.c",), {})
    oldest = merged("a", ("/d/v.c", "/d/v.b", "/d/v"), A, B, C)
    assert oldest is not None
    assert (oldest.commits, oldest.merged, set(oldest.later)) == ((), ("vda",), {"b", "c"})
    described = merged("a", ("/d/v.c", "/d/v.b", "/d/v"), A, oldest.later["b"], oldest.later["c"])
    assert described is not None
    assert (described.commits, described.merged, described.later) == ((), ("vda",), {})


@pytest.mark.parametrize(
    ("chain", "snapshots"),
    [
        pytest.param(("/d/v.17", "/d/v"), (A, B), id="reverted past b"),
        pytest.param(("/d/v.17", "/d/v"), (A,), id="on a file that a revert made"),
        pytest.param(("/d/w",), (A,), id="another disk"),
        pytest.param((), (A,), id="without the disk"),
        pytest.param(("/d/v.a", "/d/v"), (A, INTERNAL), id="an internal one lies in the overlay"),
        pytest.param(("/d/v.a", "/d/v"), (A.replace("<disks>", "<memory snapshot='external'/><disks>"),), id="memory"),
        pytest.param(("/d/v.a", "/d/v"), (A.replace("<disks>", "<revertDisks/><disks>"),), id="reverted to"),
        pytest.param(ALL[1:], (A, B.replace("<disks>", "<revertDisks/><disks>")), id="a later one reverted to"),
    ],
)
def test_what_lies_in_no_line_is_not_merged(chain: Sequence[str], snapshots: Sequence[str]) -> None:
    running = domain(disk(chain)) if chain else domain()
    assert merge_of("a", running, snapshots, PATHS) is None


def test_a_snapshot_that_is_gone_is_not_merged() -> None:
    assert merged("a", ("/d/v.a", "/d/v"), B) is None


def test_an_internal_snapshot_below_the_overlay_is_in_nobodys_way() -> None:
    below = INTERNAL.replace("/d/v.a", "/d/w")
    found = merged("a", ("/d/v.a", "/d/v"), A, below)
    assert found is not None
    assert (found.commits, found.later) == ((commit("/d/v.a", "/d/v", active=True),), {})
