"""The catalogue: every mutant, what it does, and the case that must catch it.

What belongs here: one row a mutant. What does not: its code (`drivers`, `backends`). A mutant that no case catches is a gap in
the suite, and makes `virtproof mutants` fail; so does a row whose case is gone.
"""

from typing import Final

from virtproof.mutants.model import Mutant, Wrong

_RPC: Final = "test-rpc"
_QEMU: Final = "qemu"
_LXC: Final = "lxc"


def _driver(name: str, does: str, catcher: str, rule: str = "", backend: str = "test") -> Mutant:
    return Mutant(name=name, wrong=Wrong.DRIVER, does=does, catcher=catcher, rule=rule, backend=backend)


def _backend(name: str, does: str, catcher: str, rule: str = "", backend: str = "test") -> Mutant:
    return Mutant(name=name, wrong=Wrong.BACKEND, does=does, catcher=catcher, rule=rule, backend=backend)


MUTANTS: Final[tuple[Mutant, ...]] = (
    # waiting
    _driver("polls", "reads the state in a loop", "lifecycle.stop.slow-guest", "polling.state-read-while-waiting"),
    _driver("answers-early", "reports a stop once libvirt accepted it", "lifecycle.stop.slow-guest", "operation.early"),
    _driver("ignores-its-deadline", "waits long past the timeout", "lifecycle.stop.deadline"),
    _driver("calls-force-graceful", "says that a forced guest obeyed", "lifecycle.stop.forced"),
    _driver("never-forces", "leaves a deaf guest running", "lifecycle.stop.forced"),
    # errors
    _driver("swallows-errors", "hides what libvirt said", "lifecycle.destroy.error-raised", "operation.swallowed-error"),
    _driver("retries-changes", "makes a change again on a broken connection", "errors.connection-lost.not-retried"),
    _driver("untyped-errors", "tells an unknown instance by a number", "errors.unknown-instance"),
    _driver("destroy-misses", "fails to destroy what is gone", "lifecycle.destroy.idempotent"),
    _driver("pause-once", "refuses a second pause", "lifecycle.pause.idempotent"),
    # what is made and left
    _driver("takes-over", "redefines an instance that exists", "lifecycle.spawn.taken"),
    _driver("leaves-a-failed-spawn", "leaves the definition of a failed spawn", "leftovers.spawn.failed-start"),
    _driver("leaves-volumes", "forgets the volumes that it made", "leftovers.destroy.volumes"),
    _driver("leaves-definitions", "calls a stop a destroy", "lifecycle.destroy.removes"),
    _driver("leaks-a-callback", "never deregisters a callback", "leftovers.close.callbacks", "leak.callback"),
    _driver("leaks-a-connection", "forgets a connection", "leftovers.close.connections", "leak.connection"),
    _driver("leaks-a-thread", "leaves a thread running", "leftovers.close.threads", "leak.thread"),
    # events
    _driver("delivers-twice", "delivers each event twice", "events.lifecycle.order", "delivery.duplicate"),
    _driver("drops-pauses", "delivers no paused event", "events.lifecycle.order", "delivery.missing"),
    _driver("delivers-out-of-order", "swaps neighbouring events", "events.lifecycle.order", "delivery.order"),
    _driver("ignores-the-filter", "delivers other instances' events", "events.subscribe.one-instance"),
    _driver("one-for-all", "lets one listener disturb the others", "events.listener.raises"),
    _driver("misses-outages", "tells nothing of an outage", "connection.resync.exactly-once", backend=_RPC),
    _driver("resyncs-twice", "tells an outage twice", "connection.resync.exactly-once", backend=_RPC),
    _driver("returns-early", "tells a host's return before what was missed", "events.host.order", backend=_RPC),
    _driver("forgets-lost-hosts", "has empty books of a lost host", "inventory.books.unreachable", backend=_RPC),
    _driver("asks-for-its-books", "asks the host for its books", "inventory.books.asks-nothing"),
    # claims
    _driver("claims-too-much", "refuses a save it claims", "manifest.lifecycle.suspend"),
    _driver("claims-too-little", "does not claim a pause it has", "manifest.lifecycle.pause"),
    # values
    _driver("counts-in-kib", "takes MiB for KiB", "lifecycle.resize.definition"),
    _driver("escapes-twice", "escapes a name by hand", "escaping.instance.name"),
    _driver("lists-the-active", "lists only what runs", "inventory.list.states"),
    _driver("list-fails", "fails when a listed domain is gone", "inventory.vanishing.between"),
    _driver("reboots-by-stopping", "reboots by stopping", "lifecycle.reboot.keeps-running"),
    _driver("loses-the-save", "suspends by stopping", "lifecycle.suspend.resume"),
    _driver("keeps-a-rescue", "leaves the rescue's disks", "lifecycle.rescue.round-trip"),
    _driver("forgets-metadata", "keeps no metadata", "metadata.element.set"),
    _driver("reverts-nothing", "reports a revert it did not make", "snapshots.revert"),
    _driver("snapshots-without-text", "loses descriptions of snapshots", "snapshots.create"),
    _driver("reports-allocation", "reports allocation as capacity", "storage.volume.create"),
    _driver("leaves-networks", "calls a stop a delete", "networks.delete"),
    # devices
    _driver("detaches-early", "reports a detach once libvirt's call returned", "devices.removal.unanswered", backend=_QEMU),
    _driver("detaches-by-half", "takes from the definition what the guest kept", "devices.removal.unanswered", backend=_QEMU),
    _driver("attaches-for-now", "attaches to the running instance alone", "devices.attach.survives", backend=_QEMU),
    _driver("attaches-to-a-rescue", "attaches what unrescue forgets", "lifecycle.rescue.volumes", backend=_QEMU),
    _driver("leaves-attached-volumes", "forgets the volume of a failed attach", "devices.attach.undone", backend=_QEMU),
    _driver("cuts-disks-off", "gives a disk any size", "devices.extend.smaller", backend=_QEMU),
    # machines
    _driver("leaves-overlays", "forgets the overlays of snapshots", "snapshots.external.destroy", backend=_QEMU),
    _driver("merges-early", "calls an overlay merged once that has begun", "snapshots.external.delete", backend=_QEMU),
    _driver("leaves-later-snapshots", "leaves them on an overlay that is gone", "snapshots.merge.later", backend=_QEMU),
    _driver("trusts-resume", "calls a guest with a full disk running", "events.disk.unpause", backend=_QEMU),
    _driver("loses-nvram", "reboots hard by undefining", "firmware.kept", backend=_QEMU),
    _driver("calls-a-kill-a-shutdown", "tells each end as the guest's own", "lifecycle.ends.killed", backend=_QEMU),
    _driver("boots-what-was-saved", "throws saved memory away", "lifecycle.suspend.memory", backend=_QEMU),
    # moves to another host
    _driver("polls-migrations", "reads a job in a loop", "migration.timeout.abort", "polling.while-migrating", backend=_QEMU),
    _driver("arrives-early", "reports a migration that has begun", "migration.timeout.abort", backend=_QEMU),
    _driver("arrives-anyway", "takes a failed migration for a completed one", "migration.progress.told-apart", backend=_QEMU),
    _driver("is-never-late", "ignores a migration's timeout", "migration.timeout.abort", backend=_QEMU),
    _driver("wakes-what-arrives", "resumes a paused guest", "migration.live.paused-before", backend=_QEMU),
    _driver("loses-pauses", "loses a pause on the way", "migration.meanwhile.pause", backend=_QEMU),
    _driver("arrives-for-now", "leaves a transient instance", "migration.live.persistent", backend=_QEMU),
    _driver("leaves-its-definition", "leaves the instance on both hosts", "migration.live.managed", backend=_QEMU),
    _driver("leaves-copies-there", "leaves volumes of a failed copy", "migration.storage.copy-aborted", backend=_QEMU),
    _driver("mislays-instances", "says the wrong host", "migration.abort.under-way", backend=_QEMU),
    # guest agents
    _driver("hides-the-agent", "tells a missing agent by a number", "agent.refusal.not-configured", backend=_QEMU),
    _driver("quiesces-nobody", "says that it froze whom it did not ask", "agent.guest.freeze", backend=_QEMU),
    _driver("hides-refusals", "calls a password set that was refused", "agent.guest.user", backend=_QEMU),
    _driver("freezes-nobody", "makes a quiesced snapshot of a guest that writes", "snapshots.quiesce.guest", backend=_QEMU),
    _driver("leaves-it-frozen", "thaws only after a snapshot that was made", "snapshots.quiesce.failed", backend=_QEMU),
    # consoles, containers and their networks
    _driver("keeps-logs", "leaves consoles' logs", "console.output.destroy", backend=_QEMU),
    _driver("shows-the-beginning", "gives a log's first bytes for its last", "console.output.tail", backend=_QEMU),
    _driver("takes-consoles-over", "opens every console by force", "console.exclusive.busy", backend=_QEMU),
    _driver("takes-bytes-for-text", "reads a console as text", "console.stream.echo", backend=_LXC),
    _driver("types-into-the-void", "hides that a console has ended", "console.stream.stopped", backend=_LXC),
    _driver("limits-nothing", "spawns without the limits", "limits.cpu.quota", backend=_LXC),
    _driver("knows-no-leases", "lists no leases", "networks.leases.fixed", backend=_LXC),
    # what storage holds
    _driver("deletes-what-backs", "deletes a volume that others read from", "storage.backing.delete", backend=_QEMU),
    _driver("uploads-too-much", "lets an upload run over the end", "storage.upload.too-large", backend=_QEMU),
    _driver("captures-as-it-lies", "captures an overlay alone", "images.capture.whole", backend=_QEMU),
    _driver("leaves-copies", "leaves a volume at each capture", "images.capture.clean", backend=_QEMU),
    _driver("tells-secrets", "tells a secret's value in an error", "secrets.create.hidden", backend=_QEMU),
    # connections
    _driver("writes-when-read-only", "opens a read-only connection for writing", "read-only.change.refused"),
    _driver("sends-no-keepalive", "sends no keepalive", "connection.keepalive.frozen-daemon", backend=_RPC),
    _driver("answers-for-nobody", "ignores the caller's credentials", "authentication.right"),
    _driver("answers-as-another", "gives another user's name", "authentication.right"),
    _driver("logs-passwords", "logs what the caller answers", "authentication.secret"),
    _driver("reads-no-file", "leaves the file of credentials unread", "authentication.file"),
    _driver("hides-distrust", "calls an untrusted host unreachable", "connection.tls.untrusted", backend=_QEMU),
    _driver("trusts-any-key", "takes any ssh server's key", "connection.ssh.untrusted", backend=_QEMU),
    _driver("hands-over-descriptors", "cuts its connection so", "connection.tls.right", "connection.descriptor", backend=_QEMU),
    # wrong backends
    _backend("loses-an-event", "the first UNDEFINED never comes", "lifecycle.destroy.idempotent", "events.missing"),
    _backend("emits-started-twice", "STARTED comes twice", "events.lifecycle.order", "events.duplicate"),
    _backend("swaps-neighbours", "DEFINED comes after STARTED", "events.lifecycle.order"),
    _backend("emits-strays", "SUSPENDED follows UNDEFINED", "events.lifecycle.order", "events.stray"),
    _backend("emits-late", "SUSPENDED comes six seconds late", "lifecycle.pause.idempotent", "events.late"),
    _backend("tells-no-detail", "a forced stop looks like a guest's own", "events.stop.reason"),
    _backend("wrong-code-for-unknown", "an unknown volume is an internal error", "storage.volume.unknown"),
    _backend("always-running", "a domain that is off runs", "lifecycle.spawn.off"),
    _backend("lists-no-stopped-domain", "domains that are off are not listed", "inventory.list.states"),
    _backend("keeps-no-metadata", "setMetadata does nothing", "metadata.element.set"),
    _backend("keeps-no-autostart", "setAutostart does nothing", "lifecycle.autostart.set"),
    _backend("resizes-nothing", "setMemoryFlags does nothing", "lifecycle.resize.definition"),
    _backend("keeps-deleted-volumes", "a volume's deletion does nothing", "storage.volume.delete"),
    _backend("keeps-deleted-snapshots", "a snapshot's deletion does nothing", "snapshots.delete"),
    _backend("clones-too-small", "clones are one mebibyte", "storage.clone.create"),
    _backend("spoils-uploads", "the last byte of each piece is lost", "storage.upload.round-trip", backend=_QEMU),
    _backend("read-only-writes", "a read-only connection writes", "read-only.change.refused"),
    _backend("lets-anybody-in", "any credentials are taken", "authentication.wrong"),
)
