; Counts up from 1, and writes each number as a line of five digits on the serial port, about 4.5 a second. The count is in memory
; only, so one that goes on proves that memory was kept. Obeys the power button.
%include "machine.inc"
        begin
        hear_button power_off
        come_up
next:
        wait_ticks 4
        inc     word [count]
        mov     ax, [count]
        mov     di, digits + 4
        mov     cx, 10
digit:
        xor     dx, dx
        div     cx
        add     dl, "0"
        mov     [di], dl
        dec     di
        cmp     di, digits
        jae     digit
        cli                             ; an interrupt between the bytes of a line would do no harm; the BIOS's must not see it half
        mov     si, digits
        call    say
        jmp     next
count:  dw      0
digits: db      "00000", 13, 10, 0
        power_off_routine
        routines "counter"
        finish
