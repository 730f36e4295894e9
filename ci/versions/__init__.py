"""The version matrix: the suite on the libvirt and the hypervisors of several releases of Debian."""
