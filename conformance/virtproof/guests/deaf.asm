; Halts, and hears nothing: neither the power button nor a device that is to be removed.
%include "machine.inc"
        begin
        come_up
        listen  LISTEN_NOTHING
        idle
        routines "deaf"
        finish
