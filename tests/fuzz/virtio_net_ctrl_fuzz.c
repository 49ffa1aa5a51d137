// sources: @virtio_net tests/support/cpu_copy.c tests/support/tiny_net.c
/* All three queues of a virtio-net device: the input is the rings' places, the negotiated features
 * and the guest's whole memory. */
#include <string.h>

#include "tiny_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void enable(unsigned q, const uint8_t *where)
{
	struct virtio_device *v = &tiny.net->virtio;
	const struct virtio_queue_conf conf = { TINY_GPA + 256u * where[0],
		TINY_GPA + 256u * where[1], TINY_GPA + 256u * where[2],
		(uint16_t)(1u << (where[3] % 9)) };

	(void)!v->ops->queue_enable(v, q, &conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_device *v;
	uint32_t features;

	if (size < 16)
		return 0;
	tiny_net_init();
	v = &tiny.net->virtio;
	memcpy(&features, data, 4);
	memcpy(tiny.memory, data + 16, MIN(size - 16, (size_t)TINY_BYTES));
	if (v->ops->set_features(v, (features | VIRTIO_F_VERSION_1) & v->features_offered) == 0) {
		for (unsigned q = 0; q < 3; q++)
			enable(q, data + 4 + 4 * q);
		v->ops->set_status(v, VIRTIO_STATUS_DRIVER_OK);
		for (unsigned i = 0; i < 3; i++) {
			for (unsigned q = 0; q < 4; q++)
				v->ops->kick(v, q);
			tiny_net_run();
		}
	}
	tiny_net_free();
	return 0;
}
