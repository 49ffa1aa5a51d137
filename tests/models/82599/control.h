/* The control plane's state, and what its files call of each other. */
#ifndef SLUICE_MODELS_M82599_CONTROL_H
#define SLUICE_MODELS_M82599_CONTROL_H

#include "port.h"

#define EEPROM_WORDS	  8192
#define EEPROM_SIZE_FIELD 7 /* EEC: 64 << 7 words */
#define SFP_PAGE	  256
#define MSIX_VECTORS	  64
#define RECEIVE_ADDRESSES 128
#define STATS_QUEUES	  16
#define EITR_REGISTERS	  129
#define VIRTUAL_POOLS	  64
#define CAUSES_OF_OTHER	  (~EICR_RTX_QUEUE & ~EICR_TCP_TIMER)
#define EEPROM_NO_OWNER	  UINT32_MAX

/* The SPI bus to the EEPROM, driven bit by bit through EEC. */
struct spi {
	uint32_t pins; /* EEC_SK, EEC_CS, EEC_DI as last driven */
	unsigned bits; /* since chip select */
	uint8_t in;    /* bits of the byte under way */
	uint8_t out;
	uint8_t opcode;
	uint32_t address; /* in bytes */
	bool data_out, write_enabled;
	uint64_t busy_until_ps;
};

/* What both functions share. */
struct shared {
	uint16_t eeprom[EEPROM_WORDS];
	bool bad_checksum;
	uint8_t mac[6];
	uint32_t swsm, sw_fw_sync;
	uint32_t eeprom_owner; /* which port has EEC_GNT */
	struct pci_model model[M82599_PORTS];
	struct spi spi;
};

/* EERD and EEWR. */
struct eeprom_port {
	uint32_t read_reg, write_reg;
	uint64_t read_done_ps, write_done_ps;
	bool requested; /* EEC_REQ */
	uint32_t flash_write_enable;
};

enum i2c_phase { I2C_IDLE, I2C_ADDRESS, I2C_OFFSET, I2C_WRITE, I2C_READ };

/* The SFP+ module on its two-wire bus. SFF-8472. */
struct i2c {
	bool scl, sda; /* as the chip drives them */
	bool pull_low; /* the module drives data low */
	enum i2c_phase phase;
	unsigned bit; /* of the byte under way; 8: acknowledge */
	uint8_t byte;
	bool nack, starting; /* the clock has not fallen since the start condition */
	unsigned page;	     /* 0: A0h, 1: A2h */
	uint8_t offset;
	uint8_t memory[2][SFP_PAGE];
};

struct link {
	bool wire_signal, signal; /* light at the port; seen, unless a fault hides it */
	bool dark;		  /* fault injection */
	bool in_reset;		  /* from a link reset to the end of the auto-read */
	bool up;
	bool latched; /* up since LINKS was read */
	bool an_restarted;
	struct clock_event training, flap;
	uint64_t mdio_done_ps;
};

struct irq_vector {
	struct port *port;
	struct clock_event timer;
	uint64_t ready_ps;  /* EITR's counter runs until then */
	uint64_t credit_ps; /* since when a low-latency credit accrues */
	bool requested;
};

struct irq {
	uint64_t causes, mask, auto_mask;	     /* EICR, EIMS, EIAM: one bit for each vector */
	uint32_t other, other_mask, other_auto_mask; /* their bits 16 to 31 */
	bool line, spurious;			     /* INTx is asserted; without a cause */
	unsigned mode;
	struct irq_vector vector[MSIX_VECTORS];
	struct clock_event tcp_timer;
};

/* 36 bits each: DS 8.2.3.23 */
enum stats_bytes {
	STATS_GORC,
	STATS_GOTC,
	STATS_TOR,
	STATS_RXNFGBC,
	STATS_RXDGBC,
	STATS_RXDDBC,
	STATS_RXLPBKBC,
	STATS_RXDLPBKBC,
	STATS_TXDGBC,
	STATS_QBRC,
	STATS_QBTC = STATS_QBRC + STATS_QUEUES,
	STATS_BYTES = STATS_QBTC + STATS_QUEUES,
};

struct stats {
	uint64_t bytes[STATS_BYTES];
	uint8_t upper[STATS_BYTES]; /* latched by the read of the lower half */
};

struct control {
	uint32_t reset_bits; /* CTRL_RST, CTRL_LRST under way */
	bool reset_hangs;
	struct clock_event reset_done, auto_read_done;
	bool auto_read; /* EEC_AUTO_RD */
	struct eeprom_port eeprom;
	struct i2c i2c;
	struct link link;
	struct irq irq;
	struct stats stats;
	unsigned nr_receive_addresses; /* the highest valid one + 1 */
	uint32_t io_address;	       /* IOADDR */
	uint8_t analog[256];	       /* behind CORECTL */
};

/* registers.c */
uint32_t registers_read(struct port *p, uint32_t off);
void registers_write(struct port *p, uint32_t off, uint32_t v);
void registers_reset(struct port *p);
/* NULL: none at this offset. */
const struct reg_range *registers_find(uint32_t off, unsigned *index);
extern const struct pci_model registers_model;

extern const struct reg_range reset_ranges[], eeprom_ranges[], i2c_ranges[], link_ranges[],
	mac_ranges[], filter_ranges[], irq_ranges[], stats_ranges[], misc_ranges[];

/* reset.c */
void reset_init(struct port *p);
void reset_destroy(struct port *p);
void reset_power_on(struct port *p); /* power, PCI reset, function-level reset */
void reset_set_hanging(struct port *p, bool hangs);

/* eeprom_image.c */
void eeprom_build(struct shared *s);
void eeprom_seal(struct shared *s); /* the checksum word, right or wrong as bad_checksum says */
/* What the auto-read loads into a port's registers. DS 6 */
void eeprom_load(struct port *p);

/* spi.c */
void spi_drive(struct shared *s, struct clock *clock, uint32_t pins);
bool spi_data_out(const struct shared *s);

/* eeprom.c */
void eeprom_reset(struct port *p);

/* sfp.c */
void sfp_build(uint8_t memory[2][SFP_PAGE], unsigned port);

/* i2c.c */
void i2c_init(struct port *p);

/* link.c */
void link_init(struct port *p);
void link_destroy(struct port *p);
void link_reset(struct port *p, bool whole); /* whole: the MAC and the light too */
void link_update(struct port *p);	     /* something that the link depends on changed */
void link_connect(struct port *p, struct wire *wire, unsigned end);
void link_fault(struct port *p, bool dark, uint64_t until_ps);
void link_loaded(struct port *p);

/* filter.c */
void filter_changed(struct port *p);

/* irq.c */
void irq_init(struct port *p);
void irq_destroy(struct port *p);
void irq_reset(struct port *p);
void irq_set(struct port *p, uint64_t causes, uint32_t other, bool immediately);
void irq_unmask(struct port *p, uint64_t causes, uint32_t other);
void irq_clear(struct port *p, uint64_t causes, uint32_t other);
void irq_update_level(struct port *p);
void irq_mode_changed(struct port *p);
void irq_reschedule(struct port *p, unsigned vector);
void irq_spurious(struct port *p, unsigned vector);
void irq_timer_init(struct port *p);
bool irq_is_multiple(const struct port *p);
unsigned irq_credits(const struct port *p, unsigned vector);

/* stats.c */
void stats_reset(struct port *p);

#endif
