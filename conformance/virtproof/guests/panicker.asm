; Tells the host by the pvpanic device that it has crashed, about a second after it came up, and halts. Obeys the power button
; until then. Without that device it only halts.
%include "machine.inc"
PVPANIC         equ 505h
        begin
        hear_button power_off
        come_up
        wait_ticks 18
        cli
        mov     dx, PVPANIC
        mov     al, 1                   ; panicked
        out     dx, al
        listen  LISTEN_NOTHING
        idle
        power_off_routine
        routines "panicker"
        finish
