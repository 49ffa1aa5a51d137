#include "vm/nic.h"
#include "vm/vm.h"
int vm_switches_create(const struct conf *c){(void)c;return 0;}
void vm_nics_housekeeping(uint64_t now_us){(void)now_us;}
int vm_nic_create(struct vm *vm, unsigned n, struct vm_nic **nic){(void)vm;(void)n;*nic=NULL;return 0;}
bool vm_nic_reset(struct vm_nic *nic){(void)nic;return true;}
