"""The place of the fake libvirt and the simulated hypervisors, which come in a later release; nothing is here yet."""
