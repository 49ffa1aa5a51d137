# What is often linked together, by name: `@switch` in a test's line of sources (tests.mk).
in = $(patsubst %,$(1)/%.c,$(2))

PART_switch     := $(call in,hv/net,switch switch_ports mac_table port frame rate_limit)
PART_offload    := $(call in,hv/net,segment checksum)
PART_virtio_net := $(PART_switch) $(PART_offload) $(wildcard hv/net/virtio_net*.c) \
	$(call in,hv/net,virtqueue frame_join steer steer_track waiters work) \
	$(call in,hv/dev,bus pci msix virtio_pci) hv/mem/guest_mem.c
PART_uplink     := $(PART_switch) $(PART_offload) \
	$(call in,hv/net,uplink uplink_rx uplink_frame uplink_lent uplink_tx uplink_packet) \
	$(call in,hv/net,steer waiters work) hv/lib/fmt.c tests/support/fake_nic.c tests/support/fake_nic_send.c
PART_net_guest  := $(call in,tests/support,vring virtio_driver net_guest)
PART_sched      := $(filter-out %_host.c,$(wildcard hv/sched/*.c)) hv/net/work.c

PART_model       := $(call in,tests/models,clock record pci_dev pci_config pci_irq)
PART_82599_control := $(PART_model) $(call in,tests/models,wire pcap) \
	$(call in,tests/models/82599,chip eeprom eeprom_image faults filter i2c irq irq_regs link mac misc \
	registers reset sfp spi stats)
PART_82599_model := $(PART_82599_control) $(wildcard tests/models/82599/*.c)
PART_ioat_model  := $(PART_model) $(wildcard tests/models/ioat/*.c)
PART_ioat        := $(PART_ioat_model) $(filter-out %_mmio.c,$(wildcard drivers/ioat/*.c)) \
	tests/unit/ioat/ioat_bench.c tests/support/model_bench.c
