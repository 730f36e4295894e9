"""The real libvirt, as a `Binding`: the only place in the driver that imports it.

What belongs here: the import and the cast. libvirt-python's own annotations are wrong in places, so nothing else sees its
types. The import waits until a connection is made without a binding of the caller's: the package, its values and its fakes work
without libvirt.
"""

from typing import cast

from virtproof_driver.binding import Binding


def libvirt_binding() -> Binding:
    """The `libvirt` module. Raises ModuleNotFoundError, with what to install, where there is none."""
    try:
        import libvirt  # noqa: PLC0415  # see the module's docstring
    except ModuleNotFoundError as error:
        error.add_note("install libvirt-python (pip install 'virtproof[libvirt]'), or pass a binding of your own")
        raise
    return cast("Binding", _untyped(libvirt))


def _untyped(thing: object) -> object:
    return thing
