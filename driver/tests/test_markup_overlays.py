"""Overlays: where disks go on, volumes by their paths, and which files external snapshots made."""

import pytest

from virtproof_driver.markup.overlays import Place, overlay_path, overlays, places, with_paths

DOMAIN = """<domain><devices>
  <disk type='volume' device='disk'><source pool='p' volume='v'/><target dev='vda'/></disk>
  <disk type='file'><source file='/d/w.img'/><target dev='vdb'/></disk>
  <disk type='file'><source file='/d/shared.img'/><target dev='vdc'/><readonly/></disk>
  <disk type='file' device='cdrom'><source file='/d/cd.iso'/><target dev='sda'/></disk>
  <disk type='file' device='cdrom'><target dev='sdb'/></disk>
</devices></domain>"""


def domain(path: str) -> str:
    return f"<domain><devices><disk type='file'><source file='{path}'/><target dev='vda'/></disk></devices></domain>"


def snapshot(name: str, overlay: str, before: str, parent: str | None = None) -> str:
    of = "" if parent is None else f"<parent><name>{parent}</name></parent>"
    disk = f"<disk name='vda' snapshot='external' type='file'><source file='{overlay}'/></disk><disk name='vdc' snapshot='no'/>"
    return f"<domainsnapshot><name>{name}</name>{of}<disks>{disk}</disks>{domain(before)}</domainsnapshot>"


def test_a_disk_is_in_a_volume_or_a_file_and_written_or_not() -> None:
    assert places(DOMAIN) == (
        Place(target="vda", path=None, volume=("p", "v"), writable=True),
        Place(target="vdb", path="/d/w.img", volume=None, writable=True),
        Place(target="vdc", path="/d/shared.img", volume=None, writable=False),
        Place(target="sda", path="/d/cd.iso", volume=None, writable=False),
        Place(target="sdb", path=None, volume=None, writable=False),
    )


def test_an_overlay_lies_beside_its_disk_under_the_snapshots_name() -> None:
    assert overlay_path("/d/v.qcow2", "<a>") == "/d/v.qcow2.<a>"


def test_volumes_are_written_as_files_and_all_else_stays() -> None:
    xml = f"<domainsnapshot><name>s</name>{DOMAIN}</domainsnapshot>"
    written = with_paths(xml, {("p", "v"): "/d/v"})
    assert places(written[written.index("<domain>") :].replace("</domainsnapshot>", ""))[0].path == "/d/v"
    assert with_paths(xml, {("p", "other"): "/d/v"}) == with_paths(xml, {})
    assert written.count('type="volume"') == 0
    assert written.count("/d/shared.img") == 1


@pytest.mark.parametrize(
    ("now", "snapshots", "expected"),
    [
        pytest.param("/d/v", [], (), id="none"),
        pytest.param("/d/v.a", [snapshot("a", "/d/v.a", "/d/v")], ("/d/v.a",), id="one"),
        pytest.param(
            "/d/v.b",
            [snapshot("a", "/d/v.a", "/d/v"), snapshot("b", "/d/v.b", "/d/v.a", "a")],
            ("/d/v.a", "/d/v.b"),
            id="a chain",
        ),
        pytest.param("/d/v.17", [snapshot("a", "/d/v.a", "/d/v")], ("/d/v.a", "/d/v.17"), id="one that a revert made"),
        pytest.param(
            "/d/v.17.b",
            [snapshot("a", "/d/v.a", "/d/v"), snapshot("b", "/d/v.17.b", "/d/v.17", "a")],
            ("/d/v.a", "/d/v.17.b", "/d/v.17"),
            id="one made after a revert",
        ),
        pytest.param(
            "/d/v",
            ["<domainsnapshot><name>i</name><disks><disk name='vda' snapshot='internal'/></disks></domainsnapshot>"],
            (),
            id="internal",
        ),
    ],
)
def test_all_that_snapshots_made_is_known_and_where_they_began_is_not_of_it(
    now: str, snapshots: list[str], expected: tuple[str, ...]
) -> None:
    assert overlays(domain(now), snapshots) == expected
