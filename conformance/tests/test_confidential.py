"""What must show nowhere is looked for in every file that a run left."""

from pathlib import Path

import pytest

from virtproof.confidential import check, showing
from virtproof.errors import SuiteError

SECRET = b"cEw-1_password"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "attachments" / "case").mkdir(parents=True)
    (tmp_path / "evidence.jsonl").write_bytes(b'{"t": 1}\n')
    (tmp_path / "attachments" / "case" / "libvirtd.log").write_bytes(b"\x00\xff binary")
    return tmp_path


def test_a_run_that_shows_nothing_passes(out: Path) -> None:
    assert showing(out, {SECRET, b"another"}) == ()
    check(out, {SECRET})


@pytest.mark.parametrize("name", ["evidence.jsonl", "attachments/case/libvirtd.log", "report.html"])
def test_a_secret_is_found_in_any_file(out: Path, name: str) -> None:
    with (out / name).open("ab") as file:
        file.write(b"\xfe before " + SECRET + b" after")
    assert showing(out, {b"another", SECRET}) == (out / name,)
    with pytest.raises(SuiteError, match=name) as error:
        check(out, {SECRET})
    assert SECRET.decode() not in str(error.value)


def test_a_piece_of_a_secret_is_none(out: Path) -> None:
    (out / "junit.xml").write_bytes(SECRET[:-1])
    assert showing(out, {SECRET}) == ()
