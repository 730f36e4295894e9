; Says its name on the serial port, then sends back each byte that it receives there. Obeys the power button.
%include "machine.inc"
        begin
        hear_button power_off
        mov     word [VECTOR_SERIAL], echo
        mov     word [VECTOR_SERIAL + 2], 0
        mov     dx, COM1 + 1
        mov     al, 1                   ; interrupt when a byte came in
        out     dx, al
        mov     dx, COM1 + 4
        mov     al, 0Bh                 ; ready, and let the interrupt through
        out     dx, al
        come_up
        listen  LISTEN_SERIAL
        call    answer                  ; what came before the interrupt was let through
        idle

; IRQ 4: send back all that came in.
echo:
        call    answer
        mov     al, 20h                 ; end of interrupt
        out     20h, al
        iret

answer:
        mov     dx, COM1 + 5
        in      al, dx
        test    al, 1
        jz      .end
        mov     dx, COM1
        in      al, dx
        call    put
        jmp     answer
.end:   ret
        power_off_routine
        routines "talker"
        finish
