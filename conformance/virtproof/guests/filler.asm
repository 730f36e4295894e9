; Writes its own disk full from 1 MiB on, 32 KiB at a time, and rests at the disk's end. Obeys the power button between writes.
; Its own, since SeaBIOS finds no disk that the host does not let it boot from (measured: a second virtio disk is not there).
%include "machine.inc"
        begin
        hear_button power_off
        listen  LISTEN_ACPI
        come_up
more:
        sti
        nop                             ; an interrupt is taken only after the instruction that follows STI
        cli
        mov     ax, 4300h               ; extended write, no verifying
        mov     dl, 80h
        mov     si, packet
        int     13h
        jc      rest
        add     dword [sector], 64
        jmp     more
rest:
        idle
        power_off_routine
packet:                                 ; 64 sectors from the BIOS's own code at F000:0, which is not zeros
        db      16, 0
        dw      64, 0, 0F000h
sector: dq      2048
        routines "filler"
        finish
