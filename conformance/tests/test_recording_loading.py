"""Loading the driver under test by its name, and a driver that imports libvirt by itself."""

import sys
from pathlib import Path
from typing import Any

import pytest

from virtproof.errors import UsageError
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.loading import load_driver
from virtproof.recording.module_swap import swapped


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_a_factory_is_loaded() -> None:
    from virtproof_driver.connecting import connect

    assert load_driver("virtproof_driver.connecting:connect") is connect


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("virtproof_driver", "is not a name: give --driver as module:factory"),
        (":connect", "is not a name"),
        ("a b:connect", "is not a name"),
        ("virtproof_driver.connecting:", "is not a name"),
        ("no_such_module:connect", "there is no module 'no_such_module'"),
        ("virtproof_driver.none:connect", "there is no module 'virtproof_driver.none'"),
        ("virtproof_driver.connecting:nothing", "has no 'nothing'"),
        ("virtproof_driver.keepalive:__doc__", "is a str, which cannot be called"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_is_wrong(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match="driver ") as caught:
        load_driver(spec)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_dependency", "needs 'no_such_dependency', which is not installed"),
        ("1 / 0", "failed: ZeroDivisionError"),
        ("def (", "failed: SyntaxError"),
    ],
    ids=["dependency", "raises", "syntax"],
)
def test_a_module_that_cannot_be_imported_says_why(folder: Path, source: str, said: str) -> None:
    name = f"broken_{abs(hash(source))}"
    (folder / f"{name}.py").write_text(source)
    with pytest.raises(UsageError) as caught:
        load_driver(f"{name}:connect")
    assert said in str(caught.value)


def test_a_script_that_ends_the_process_is_no_driver(folder: Path) -> None:
    folder.joinpath("made_script.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(UsageError, match="importing made_script failed: SystemExit: 0"):
        load_driver("made_script:connect")


def test_a_driver_that_imports_libvirt_itself_gets_the_recording_binding(
    folder: Path, binding: RecordingBinding, uri: str
) -> None:
    (folder / "foreign_driver.py").write_text(
        "import libvirt\nfrom libvirt import virDomain, libvirtError, VIR_DOMAIN_RUNNING\n"
        "def connect(uri):\n    import libvirt as again\n    assert again is libvirt\n    return libvirt.open(uri)\n"
    )
    import libvirt

    with swapped(binding):
        factory: Any = load_driver("foreign_driver:connect")
        connection = factory(uri)
        domain = connection.lookupByName("vm")
        foreign = sys.modules["foreign_driver"]
        assert isinstance(domain, vars(foreign)["virDomain"])
    assert vars(foreign)["libvirt"] is binding
    assert sys.modules["libvirt"] is libvirt
    assert len(binding.tracked()) == 1
    connection.close()


def test_the_swap_ends_with_an_error_and_nests(binding: RecordingBinding) -> None:
    modules: dict[str, object] = dict[str, object](sys.modules)
    seen: list[object] = []

    def look() -> None:
        seen.append(sys.modules["libvirt"])

    def fail() -> None:
        with swapped(binding):
            look()
            with swapped(None):
                look()
            look()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    look()
    assert seen == [binding, None, binding, modules["libvirt"]]
