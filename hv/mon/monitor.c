#include "mon/monitor.h"
#include "mon/log.h"
#include "vm/vm.h"
static char line[16][128]; static unsigned len[16];
void monitor_init(const struct boot_info *bi){(void)bi;log_set_buffered();}
bool monitor_poll(void){return log_drain();}
void monitor_mark(struct vm *vm, uint8_t n){log_info("mark %u %u exits %lu tsc %lu", vm->index, n, vm_exits(vms[0])+vm_exits(vms[nr_vms-1]), rdtsc());}
void monitor_end(void){}
void monitor_guest_putc(struct vm *vm, uint8_t c){
	unsigned i=vm->index; 
	if(c=='\r')return;
	if(c=='\n'||len[i]==120){ line[i][len[i]]=0; log_printf_raw("[%s] %s\n",vm->conf->name,line[i]); len[i]=0; if(c=='\n')return;}
	line[i][len[i]++]=(char)c;
}
