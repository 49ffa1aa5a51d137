/* Exit handlers, one per file where they are longer than a few lines. */
#ifndef SLUICE_VM_EXIT_H
#define SLUICE_VM_EXIT_H

#include "vm/vcpu.h"

typedef enum exit_action (*exit_handler)(struct vcpu *v);

enum exit_action exit_io(struct vcpu *v);	     /* exit_io.c */
enum exit_action exit_ept_violation(struct vcpu *v); /* exit_mmio.c */
enum exit_action exit_cr_access(struct vcpu *v);     /* exit_cr.c */
enum exit_action exit_rdmsr(struct vcpu *v);	     /* guest_msr.c */
enum exit_action exit_wrmsr(struct vcpu *v);

/* Stops the guest with a dump of the vCPU; for what no handler can go on after. */
enum exit_action exit_crash(struct vcpu *v, const char *why);

/* Paging state of the loaded vCPU, for reading its code and operands. exit_mmio.c */
struct guest_cpu;
void exit_guest_cpu(struct guest_cpu *cpu);

#endif
