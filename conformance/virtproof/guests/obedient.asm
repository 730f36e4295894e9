; Obeys the ACPI power button by switching the machine off, and does nothing else.
%include "machine.inc"
        begin
        hear_button power_off
        listen  LISTEN_ACPI
        come_up
        idle
        power_off_routine
        routines "obedient"
        finish
