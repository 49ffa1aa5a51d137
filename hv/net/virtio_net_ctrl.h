/* virtio-net's control queue. Virtio 1.2, 5.1.6.5. */
#ifndef SLUICE_NET_VIRTIO_NET_CTRL_H
#define SLUICE_NET_VIRTIO_NET_CTRL_H

#include "net/virtio_net.h"

#define VIRTIO_NET_OK  0
#define VIRTIO_NET_ERR 1

#define VIRTIO_NET_CTRL_RX	    0
#define VIRTIO_NET_CTRL_RX_PROMISC  0
#define VIRTIO_NET_CTRL_RX_ALLMULTI 1

#define VIRTIO_NET_CTRL_MAC	      1
#define VIRTIO_NET_CTRL_MAC_TABLE_SET 0
#define VIRTIO_NET_CTRL_MAC_ADDR_SET  1

#define VIRTIO_NET_CTRL_VLAN	 2
#define VIRTIO_NET_CTRL_VLAN_ADD 0
#define VIRTIO_NET_CTRL_VLAN_DEL 1

#define VIRTIO_NET_CTRL_MQ		4
#define VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET 0

void virtio_net_ctrl_init(struct ctrl_queue *c, struct virtio_net *d, unsigned index);

#endif
