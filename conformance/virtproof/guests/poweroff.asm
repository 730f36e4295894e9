; Switches its own machine off about a second after it came up. Obeys the power button meanwhile.
%include "machine.inc"
        begin
        hear_button power_off
        come_up
        wait_ticks 18
        power_off_routine
        routines "poweroff"
        finish
