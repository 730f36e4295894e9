"""An image that boots and that nothing else uses, for as long as it is lent.

What belongs here: making it past every driver, from what a smallest instance boots, and removing it. What does not: what is done
with it.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from virtproof_driver.binding import Connection
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.spec import FileSource, InstanceSpec, RescueImage, VolumeSource, VolumeSpec


@contextmanager
def lent_image(host: Callable[[], Connection], spec: InstanceSpec, name: str) -> Generator[RescueImage]:
    """An image to rescue with: a copy, under this name, of the volume that `spec` boots.

    Of a spec that boots none, a path of this name with no file behind it: libvirt's test driver opens none, and who refuses to
    rescue at all does so without looking.
    """
    source = spec.disks[0].source if spec.disks else None
    if isinstance(source, VolumeSource):
        pool = host().storagePoolLookupByName(source.pool)
        original = pool.storageVolLookupByName(source.volume)
        copy = pool.createXMLFrom(volume_xml(VolumeSpec(name=name, capacity_bytes=int(original.info()[1]))), original)
        try:
            yield RescueImage(source=VolumeSource(pool=source.pool, volume=name))
        finally:
            with suppress(Exception):  # a driver that deleted it is told of by what it left undone
                copy.delete()
    else:
        yield RescueImage(source=FileSource(path=f"/virtproof/{name}.img"))
