/* EPT; see ept.h. */
#include "vmx/ept.h"

#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"
#include "vmx/vmx.h"

#define EPTP_WALK_4 (UINT64_C(3) << 3) /* 25.6.11: page-walk length minus 1 */

enum invept_type { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum invvpid_type { INVVPID_SINGLE = 1, INVVPID_ALL = 2 };

static void *alloc_table(void)
{
	return page_alloc(1);
}

static void free_table(void *table)
{
	page_free(table, 1);
}

static void *table_hva(uint64_t hpa)
{
	return HVA(hpa);
}

static struct pagetable_config config = {
	.present_mask = EPT_READ | EPT_WRITE | EPT_EXECUTE,
	.table_flags = EPT_READ | EPT_WRITE | EPT_EXECUTE,
	.alloc_table = alloc_table,
	.free_table = free_table,
	.table_hpa = HPA,
	.table_hva = table_hva,
};

int ept_init(struct ept *e)
{
	int err;

	config.max_leaf_level = vmx_caps.ept_vpid & EPT_CAP_1G	 ? 3
				: vmx_caps.ept_vpid & EPT_CAP_2M ? 2
								 : 1;
	err = pagetable_init(&e->table, &config);
	if (err)
		return err;
	e->pointer = HPA(e->table.root) | EPTP_WALK_4 | EPT_WB >> 3;
	/* A page that another guest's tables used before may be cached under this pointer. */
	(void)atomic_fetch_add(&e->generation, 1);
	return 0;
}

void ept_destroy(struct ept *e)
{
	pagetable_destroy(&e->table);
	e->pointer = 0;
}

int ept_map(struct ept *e, uint64_t gpa, uint64_t hpa, uint64_t len_bytes, uint64_t flags)
{
	int err = pagetable_map(&e->table, gpa, hpa, len_bytes, flags);

	(void)atomic_fetch_add(&e->generation, 1);
	return err;
}

void ept_sync(struct ept *e)
{
	uint32_t now = load_acquire(&e->generation);
	uint32_t *seen = &e->seen[this_cpu()->index];
	struct invalidate_desc d = { .tag = e->pointer };
	bool single = vmx_caps.ept_vpid & EPT_CAP_INVEPT_SINGLE;

	if (__builtin_expect(*seen == now, 1))
		return;
	*seen = now;
	if (!vmx_invept(single ? INVEPT_SINGLE : INVEPT_ALL, &d))
		panic("INVEPT failed, EPTP 0x%llx", (unsigned long long)e->pointer);
}

void vpid_flush(uint16_t vpid)
{
	struct invalidate_desc d = { .tag = vpid };

	if (vmx_caps.vpid && !vmx_invvpid(INVVPID_SINGLE, &d))
		panic("INVVPID failed, VPID %u", vpid);
}
