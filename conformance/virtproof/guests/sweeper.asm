; Writes the number of its sweep into 3,072 pages, from 2 to 14 MiB, once a timer tick, 18.2 times a second: more memory than a slow
; migration carries between two looks, so that one never converges. Before it writes a page it compares what it wrote there a sweep ago,
; and counts the pages in which something else stands. So memory that was lost, or is older than it should be, is found by the first
; sweep after it. Two numbers of 32 bits tell of that, at 9000h: sweeps that were finished, and pages that were found wrong. Says each
; hundredth sweep, and the first wrong page, on the serial port. Obeys the power button.
%include "machine.inc"

STATUS          equ 9000h               ; behind all that is loaded; `catalogue` knows it
SWEEPS          equ STATUS
WRONG           equ STATUS + 4
FIRST           equ 200000h             ; bytes
BEHIND          equ 0E00000h
PAGE            equ 1000h

        begin
        mov     dword [SWEEPS], 0
        mov     dword [WRONG], 0
        hear_button power_off
        come_up
        call    reach_all
        xor     eax, eax                ; the pages before the first sweep
        mov     edi, FIRST
clear:  mov     [fs:edi], eax
        add     edi, PAGE
        cmp     edi, BEHIND
        jb      clear
next:
        wait_ticks 1
        cli
        call    reach_all               ; the BIOS, which hears the timer, may have gone to protected mode and back
        mov     eax, [SWEEPS]
        mov     ecx, eax
        inc     ecx
        mov     edi, FIRST
page:   cmp     [fs:edi], eax
        je      right
        inc     dword [WRONG]
        mov     si, wrong
        cmp     dword [WRONG], 1
        jne     right
        push    eax
        call    say
        pop     eax
right:  mov     [fs:edi], ecx
        add     edi, PAGE
        cmp     edi, BEHIND
        jb      page
        mov     [SWEEPS], ecx
        dec     word [left]
        jnz     next
        mov     word [left], 100
        mov     si, hundred
        call    say
        jmp     next

; Let FS reach all memory from 16-bit code: a selector that was loaded in protected mode keeps its limit ("unreal mode").
reach_all:
        lgdt    [table]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     bx, 8
        mov     fs, bx
        and     al, 0FEh
        mov     cr0, eax
        ret

left:   dw      100
table:  dw      15
        dd      entries
entries:
        dq      0
        dw      0FFFFh, 0               ; limit 4 GiB, base 0, data, writable
        db      0, 92h, 0CFh, 0
wrong:  db      "virtproof wrong", 13, 10, 0
hundred: db     "virtproof hundred", 13, 10, 0
        power_off_routine
        routines "sweeper"
        finish
