"""What is kept of a case that failed, and what never is."""

from pathlib import Path

import pytest

from virtproof.attachments import Attachments, masked, safe


class Domain:
    """A domain; one that is gone has no XML."""

    def __init__(self, name: str, *, gone: bool = False) -> None:
        self._name = name
        self._gone = gone

    def name(self) -> str:
        return self._name

    def XMLDesc(self, flags: int = 0) -> str:
        if self._gone:
            raise RuntimeError("no domain")
        return f"<domain flags='{flags}'/>"


def test_the_xml_and_the_logs_of_a_failed_case_are_kept(tmp_path: Path) -> None:
    kept = Attachments(tmp_path)
    kept.look_at(Domain("vm"), 2)
    assert kept.domains == ("vm",)
    folder = "attachments/qemu/unix/a.b[c]"
    assert kept.write("qemu/unix", "a.b[c]", {"libvirtd.log": b"a line\n"}) == (
        f"{folder}/libvirtd.log",
        f"{folder}/vm.inactive.xml",
        f"{folder}/vm.xml",
    )
    assert (tmp_path / folder / "vm.inactive.xml").read_text(encoding="utf-8") == "<domain flags='2'/>"
    assert (tmp_path / folder / "libvirtd.log").read_bytes() == b"a line\n"


def test_each_case_begins_with_none(tmp_path: Path) -> None:
    kept = Attachments(tmp_path)
    kept.look_at(Domain("vm"), 2)
    kept.begin()
    assert (kept.domains, kept.write("test", "a.b", {})) == ((), ())
    assert list(tmp_path.iterdir()) == []


def test_a_domain_that_goes_meanwhile_is_left_out(tmp_path: Path) -> None:
    kept = Attachments(tmp_path)
    kept.look_at(Domain("vm", gone=True), 2)
    assert kept.write("test", "a.b", {}) == ()


def test_without_a_directory_nothing_is_kept() -> None:
    kept = Attachments(None)
    kept.look_at(Domain("vm"), 2)
    assert (kept.wanted, kept.domains, kept.write("test", "a.b", {"x": b""})) == (False, (), ())


@pytest.mark.parametrize(
    ("name", "kept"),
    [("vm-1.log", "vm-1.log"), ("../../etc/passwd", "_.._etc_passwd"), ("a b\nc", "a_b_c"), ("...", "_"), ("x" * 300, "x" * 120)],
)
def test_a_name_leads_nowhere_else(name: str, kept: str) -> None:
    assert safe(name) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b'{"qom-type":"secret","id":"s0","data":"bG9uZw==","iv":"x"}', b'{"qom-type":"secret","id":"s0","data":***,"iv":"x"}'),
        (b"-object secret,id=s0,data=bG9uZw==,format=base64", b"-object secret,id=s0,data=***,format=base64"),
        (b"<graphics passwd='opensesame'/>", b"<graphics passwd=***/>"),
        (b"Password: hush\n", b"Password: ***\n"),
        (b"database=3 keyboard", b"database=3 keyboard"),
    ],
)
def test_secrets_are_masked(text: bytes, kept: bytes) -> None:
    assert masked(text) == kept
