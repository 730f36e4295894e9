; Answers as the QEMU guest agent does, on the channel org.qemu.guest_agent.0 of a virtio-serial device; machine `pc`. It freezes and
; thaws two file systems, / and /data, that it only makes up, and sets the password of one user, root. What it does it writes on
; its serial port, a line each, so that the host sees that it was really asked. Obeys the power button.
;
; The protocol (QEMU's docs/interop/qemu-ga): a JSON object a line each way. As QEMU's agent does, it refuses most commands while
; file systems are frozen. For the suite's sake it has three users more, and sets the password of none of them: asked for that of
; `hang` it never answers again, asked for that of `leave` it closes the channel as an agent that ends does, and after that of
; `stay` it is deaf to guest-shutdown, and closes the channel in place of thawing.
%include "machine.inc"
%define PORT "org.qemu.guest_agent.0"
%include "virtio_serial.inc"
LINE            equ 0A000h              ; what has come of a line, without spaces between tokens
LINE_END        equ 0B800h
ANSWER          equ 0C000h
        begin
        hear_button power_off
        listen  LISTEN_ACPI
        come_up
        jmp     agent
        power_off_routine
        routines "agent"
        finish

; --- behind the boot sector ------------------------------------------------------------------------------------------------------

agent:
        cld
        call    find_device
        jc      rest
        call    start_device
        call    hear_device
        stop_timer
work:
        cli                             ; what interrupts from here on ends the halt
        call    obey_device
        call    hear_bytes
        sti
        hlt
        jmp     work
rest:
        idle

; Hear a byte, AL, of a line. FFh begins a new one, in whichever state the old one is.
hear:
        push    ds
        pop     es
        mov     di, [heard]
        cmp     al, 0FFh
        je      new_line
        cmp     al, 10
        je      .whole
        cmp     byte [escaped], 1
        je      .plain
        cmp     al, '"'
        je      .quote
        cmp     byte [quoted], 1
        je      .text
        cmp     al, " "
        jbe     .end
        jmp     .keep
.text:
        cmp     al, "\"
        jne     .keep
        mov     byte [escaped], 1
        jmp     .keep
.quote:
        xor     byte [quoted], 1
.plain:
        mov     byte [escaped], 0
.keep:
        cmp     di, LINE_END            ; of a line that is too long its beginning is kept, and it is answered by an error
        jae     .end
        stosb
        mov     [heard], di
.end:   ret
.whole:
        mov     byte [di], 0
        call    obey
new_line:
        mov     word [heard], LINE
        mov     byte [quoted], 0
        mov     byte [escaped], 0
        ret

; Obey the line, and answer it. The answer grows at DI.
obey:
        mov     di, ANSWER
        mov     si, no_command
        cmp     word [heard], LINE_END
        jae     .error
        mov     si, key_execute
        call    find
        mov     bx, commands
        jnc     .which
        mov     si, no_command
.error: call    write
.answer:
        mov     al, 10
        stosb
        mov     cx, di
        mov     di, ANSWER
        sub     cx, di
        mov     bx, data_out
        jmp     send
.which:
        mov     bp, si                  ; the command's name, to its quotation mark
.command:
        lea     di, [bx + command.name]
        mov     si, bp
.letter:
        lodsb
        scasb
        jne     .other
        cmp     al, '"'
        jne     .letter
        mov     di, ANSWER
        cmp     byte [frozen], 0
        je      .allowed
        cmp     byte [bx + command.always], 1
        mov     si, disabled
        jne     .error
.allowed:
        call    [bx + command.does]
        jmp     .answer
.other:
        add     bx, command_size
        cmp     bx, commands.end
        jb      .command
        mov     di, ANSWER
        mov     si, not_found
        jmp     .error

; --- commands: each writes its answer at DI -----------------------------------------------------------------------------------------

sync_delimited:
        mov     al, 0FFh
        stosb
sync:
        mov     si, return
        call    write
        mov     si, key_id
        call    find
.digit:
        lodsb
        cmp     al, "0"
        jb      .end
        cmp     al, "9"
        ja      .end
        stosb
        jmp     .digit
.end:   mov     al, "}"
        stosb
        ret

ping:
        mov     si, nothing
        jmp     write

info:
        mov     si, info_head
        call    write
        mov     bx, commands
.command:
        mov     si, info_name
        call    write
        lea     si, [bx + command.name]
        call    copy
        mov     si, info_rest
        call    write
        add     bx, command_size
        cmp     bx, commands.end
        jb      .command
        mov     byte [di - 1], "]"      ; in the place of the last comma
        mov     ax, "}}"
        stosw
        ret

freeze:
        mov     al, ALL
        jmp     freeze_these
freeze_list:                            ; those of the two that are named
        mov     si, first_name
        call    find
        setnc   al
        push    ax
        mov     si, second_name
        call    find
        setnc   ah
        pop     bx
        mov     al, ah
        add     al, al
        or      al, bl
freeze_these:
        mov     [frozen], al
        mov     si, said_frozen
        jmp     count

thaw:
        cmp     byte [stays], 1
        je      leave_port
        mov     al, [frozen]
        mov     byte [frozen], 0
        mov     si, said_thawed
; Say the text at SI with the number of file systems that AL has, and answer that number.
count:
        mov     ah, al
        shr     ah, 1
        and     al, 1
        add     al, ah
        add     al, "0"
        push    ax
        call    say
        pop     ax
        push    ax
        call    put
        mov     si, line_end
        call    say
        mov     si, return
        call    write
        pop     ax
        mov     ah, "}"
        stosw
        ret

status:
        mov     si, is_thawed
        cmp     byte [frozen], 0
        je      write
        mov     si, is_frozen
        jmp     write

; Set a password: say whose, and what came, which is in base64.
password:
        mov     si, user_hang
        call    find
        jnc     hang
        mov     si, user_leave
        call    find
        jnc     leave_port
        mov     si, user_stay
        call    find
        jnc     stay
        mov     si, user_root
        call    find
        mov     si, no_user
        jc      write
        mov     si, key_password
        call    find
        mov     si, no_password
        jc      write
        push    bp
        mov     si, said_password
        call    say
        pop     si
.letter:
        lodsb
        cmp     al, '"'
        je      .end
        call    put
        jmp     .letter
.end:   mov     si, line_end
        call    say
        jmp     ping

stay:
        mov     byte [stays], 1
        jmp     ping

leave_port:
        mov     dx, 0
        call    tell_open
hang:                                   ; the power button is obeyed still
        mov     si, said_silent
        call    say
        jmp     rest

shutdown:
        cmp     byte [stays], 1
        je      no_answer
        mov     si, mode_reboot
        call    find
        mov     si, said_off
        jc      .off
        mov     si, said_reset
        call    say
        reset_machine
.off:   call    say
        jmp     power_off

; Go back from a command without an answer: past the routine that would write one.
no_answer:
        pop     ax
        ret

; --- text ------------------------------------------------------------------------------------------------------------------------

; Write the text at SI, which ends in a zero byte, at DI.
write:
        lodsb
        test    al, al
        jz      .end
        stosb
        jmp     write
.end:   ret

; Write the text at SI up to its quotation mark, and that, at DI.
copy:
        lodsb
        stosb
        cmp     al, '"'
        jne     copy
        ret

; Find the text at SI in the line. SI and BP are then behind it; carry when it is not there.
find:
        mov     bx, LINE
.here:
        push    si
        mov     bp, bx
.letter:
        lodsb
        test    al, al                  ; clears carry
        jz      .found
        cmp     al, [bp]
        jne     .next
        inc     bp
        jmp     .letter
.next:
        pop     si
        inc     bx
        cmp     byte [bx - 1], 0
        jne     .here
        stc
        ret
.found:
        pop     si
        mov     si, bp
        ret

        virtio_serial_routines hear

struc command
.does:          resw 1
.always:        resw 1                  ; also while file systems are frozen
.name:          resb 28
endstruc

%macro command_row 3
%%row:  dw      %2, %3
        db      %1, '"'
        times   command_size - ($ - %%row) db 0
%endmacro

commands:
        command_row "guest-sync", sync, 1
        command_row "guest-sync-delimited", sync_delimited, 1
        command_row "guest-ping", ping, 1
        command_row "guest-info", info, 1
        command_row "guest-fsfreeze-status", status, 1
        command_row "guest-fsfreeze-freeze", freeze, 0
        command_row "guest-fsfreeze-freeze-list", freeze_list, 0
        command_row "guest-fsfreeze-thaw", thaw, 1
        command_row "guest-set-user-password", password, 0
        command_row "guest-shutdown", shutdown, 0
.end:

ALL             equ 3                   ; a bit for each file system
frozen:         db 0                    ; those of them that are
stays:          db 0                    ; whether it neither shuts down nor thaws
quoted:         db 0                    ; whether what comes next is in a string
escaped:        db 0                    ; and follows a backslash there
heard:          dw LINE                 ; where the next byte of the line goes

key_execute:    db '"execute":"', 0
key_id:         db '"id":', 0
key_password:   db '"password":"', 0
user_root:      db '"username":"root"', 0
user_hang:      db '"username":"hang"', 0
user_leave:     db '"username":"leave"', 0
user_stay:      db '"username":"stay"', 0
mode_reboot:    db '"mode":"reboot"', 0
first_name:     db '"/"', 0
second_name:    db '"/data"', 0

return:         db '{"return":', 0
nothing:        db '{"return":{}}', 0
is_frozen:      db '{"return":"frozen"}', 0
is_thawed:      db '{"return":"thawed"}', 0
info_head:      db '{"return":{"version":"1.0","supported_commands":[', 0
info_name:      db '{"name":"', 0
info_rest:      db ',"enabled":true,"success-response":true},', 0
no_command:     db '{"error":{"class":"GenericError","desc":"no command on a line"}}', 0
not_found:      db '{"error":{"class":"CommandNotFound","desc":"the command has not been found"}}', 0
disabled:       db '{"error":{"class":"CommandNotFound","desc":"the command is not allowed while frozen"}}', 0
no_user:        db '{"error":{"class":"GenericError","desc":"there is no such user"}}', 0
no_password:    db '{"error":{"class":"GenericError","desc":"there is no password"}}', 0

said_frozen:    db "frozen ", 0
said_thawed:    db "thawed ", 0
said_password:  db "password root ", 0
said_off:       db "shutdown", 13, 10, 0
said_reset:     db "reset", 13, 10, 0
said_silent:    db "silent", 13, 10, 0
line_end:       db 13, 10, 0
        finish_long
