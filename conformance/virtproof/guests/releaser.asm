; Lets go of each PCI device that the host wants to remove, on machine `pc`, as an operating system's ACPI does. Obeys the power
; button. QEMU (docs/specs/acpi_pci_hotplug) sets general-purpose event 1 and a bit a slot in a register; writing it to another
; ejects.
%include "machine.inc"
GPE_STATUS      equ 0AFE0h
GPE_ENABLE      equ 0AFE2h
SLOTS_LEAVING   equ 0AE04h
SLOTS_EJECT     equ 0AE08h
        begin
        hear_button acpi
        mov     dx, GPE_ENABLE
        mov     al, 2
        out     dx, al
        listen  LISTEN_ACPI
        come_up
        idle

; IRQ 9: the button, or a device that is to leave.
acpi:
        mov     dx, PM1_STATUS
        in      ax, dx
        test    ax, POWER_BUTTON
        jnz     power_off
        mov     dx, GPE_STATUS
        mov     al, 2                   ; ones clear
        out     dx, al
        mov     dx, SLOTS_LEAVING
        in      eax, dx
        mov     dx, SLOTS_EJECT
        out     dx, eax
        mov     al, 20h                 ; end of interrupt, to both controllers
        out     0A0h, al
        out     20h, al
        iret
        power_off_routine
        routines "releaser"
        finish
