; Resets its own machine by the keyboard controller about a second after it came up, once; then obeys the power button.
; A byte of the CMOS memory that nobody uses, which outlives a reset but not the machine, says that it has done so.
%include "machine.inc"
CMOS_INDEX      equ 70h
CMOS_DATA       equ 71h
UNUSED_BYTE     equ 6Fh
DONE            equ 5Ah
        begin
        hear_button power_off
        listen  LISTEN_ACPI
        come_up
        mov     al, UNUSED_BYTE
        out     CMOS_INDEX, al
        in      al, CMOS_DATA
        cmp     al, DONE
        je      rest
        wait_ticks 18
        cli
        mov     al, UNUSED_BYTE
        out     CMOS_INDEX, al
        mov     al, DONE
        out     CMOS_DATA, al
        reset_machine
rest:
        listen  LISTEN_ACPI
        idle
        power_off_routine
        routines "reset"
        finish
