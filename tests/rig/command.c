/* Commands to the rig: one grammar for the configuration, the control socket and the port in the
 * machine. */
#include "rig.h"

#include <errno.h>
#include <string.h>

#include "profile.h"
#include "wires.h"

static const char help[] = "help\n"
			   "time                        picoseconds since power-on\n"
			   "list                        the devices\n"
			   "DEVICE counts               what the model counted\n"
			   "DEVICE pci                  what its PCI function counted\n"
			   "DEVICE fault COMMAND...     injects a fault\n"
			   "wire N unplug|plug|counts\n"
			   "record count                DMA writes so far\n"
			   "record find ADDRESS         the newest one to that address\n"
			   "record export FILE          in the run directory\n"
			   "counts                      those of all devices and wires\n"
			   "profile                     host time spent in the models\n";

static void print(FILE *out, const char *name, uint64_t v)
{
	fprintf(out, "%s %llu\n", name, (unsigned long long)v);
}

static void print_pci(const struct pci_dev *d, FILE *out)
{
	static const char *const mode[] = {
		[PCI_IRQ_INTX] = "intx", [PCI_IRQ_MSI] = "msi", [PCI_IRQ_MSIX] = "msix"
	};

	fprintf(out, "interrupts_by %s\n", mode[pci_dev_irq_mode(d)]);
	print(out, "messages", d->nr_messages);
	print(out, "lost_interrupts", d->nr_lost_interrupts);
	print(out, "dma_reads", d->nr_dma_reads);
	print(out, "dma_writes", d->nr_dma_writes);
	print(out, "aborts", d->nr_aborts);
}

static void run_device(struct rig_function *f, const struct words *w, FILE *out)
{
	const char *what = w->nr > 1 ? w->word[1] : "", *why = "";
	char command[WORDS_LINE_MAX];

	if (strcmp(what, "counts") == 0 && w->nr == 2) {
		f->print_counts(f->model, f->index, out);
	} else if (strcmp(what, "pci") == 0 && w->nr == 2) {
		print_pci(f->pci, out);
	} else if (strcmp(what, "fault") == 0 && w->nr > 2) {
		words_join(w, 2, command, sizeof(command));
		if (f->fault(f->model, f->index, command, &why))
			fprintf(out, "error: %s: %s\n", command, why ? why : "not possible");
		else
			fputs("ok\n", out);
	} else {
		fprintf(out, "error: %s counts|pci|fault COMMAND...\n", f->name);
	}
}

static void run_wire(struct rig *r, const struct words *w, FILE *out)
{
	struct rig_wire *wire;
	uint64_t n;

	if (w->nr != 3) {
		fputs("error: wire N unplug|plug|counts\n", out);
		return;
	}
	if (!words_number(w->word[1], &n) || n >= r->nr_wires) {
		fprintf(out, "error: no wire %s\n", w->word[1]);
		return;
	}
	wire = &r->wire[n];
	if (strcmp(w->word[2], "counts") == 0) {
		wire_print(wire, out);
	} else if (strcmp(w->word[2], "plug") == 0 || strcmp(w->word[2], "unplug") == 0) {
		wire_set_plugged(&wire->wire, w->word[2][0] == 'p');
		fputs("ok\n", out);
	} else {
		fprintf(out, "error: no command %s for a wire\n", w->word[2]);
	}
}

static void find_record(struct rig *r, const char *address, FILE *out)
{
	const struct record_entry *e;
	struct record one;
	uint64_t addr;

	if (!words_number(address, &addr)) {
		fprintf(out, "error: %s: not an address\n", address);
		return;
	}
	e = record_find(&r->record, addr, 0);
	if (!e) {
		fputs("none\n", out);
	} else if (record_init(&one, 1)) {
		fputs("error: no memory\n", out);
	} else {
		record_add(&one, e);
		record_export(&one, out);
		record_destroy(&one);
	}
}

/* Software in the machine can ask for this: it gets no path out of the run directory. */
static void export_record(struct rig *r, const char *name, FILE *out)
{
	FILE *f;

	if (strchr(name, '/') || name[0] == '.') {
		fprintf(out, "error: %s: a plain file name is wanted\n", name);
		return;
	}
	f = fopen(name, "w");
	if (f)
		record_export(&r->record, f);
	if (!f || fclose(f))
		fprintf(out, "error: %s: %s\n", name, strerror(errno));
	else
		fputs("ok\n", out);
}

static void run_record(struct rig *r, const struct words *w, FILE *out)
{
	const char *what = w->nr > 1 ? w->word[1] : "";

	if (strcmp(what, "count") == 0 && w->nr == 2)
		print(out, "entries", r->record.nr_written);
	else if (strcmp(what, "find") == 0 && w->nr == 3)
		find_record(r, w->word[2], out);
	else if (strcmp(what, "export") == 0 && w->nr == 3)
		export_record(r, w->word[2], out);
	else
		fputs("error: record count|find ADDRESS|export FILE\n", out);
}

static void list(struct rig *r, FILE *out)
{
	for (unsigned i = 0; i < r->nr_functions; i++) {
		const struct rig_function *f = &r->function[i];

		fprintf(out, "%s %02x:%02x.%x %04x:%04x\n", f->name, f->pci->bdf >> 8,
			f->pci->bdf >> 3 & 31, f->pci->bdf & 7, f->pci->model->vendor,
			f->pci->model->device);
	}
}

static bool run_simple(struct rig *r, const char *word, FILE *out)
{
	if (strcmp(word, "help") == 0)
		fputs(help, out);
	else if (strcmp(word, "time") == 0)
		print(out, "ps", clock_now(&r->clock));
	else if (strcmp(word, "list") == 0)
		list(r, out);
	else if (strcmp(word, "counts") == 0)
		rig_print_counts(r, out);
	else if (strcmp(word, "profile") == 0 && r->profile)
		profile_print(out);
	else if (strcmp(word, "profile") == 0)
		fputs("error: the configuration has no line \"profile\"\n", out);
	else
		return false;
	return true;
}

void command_run(struct rig *r, const char *line, FILE *out)
{
	struct rig_function *f;
	struct words w;

	if (words_split(&w, line)) {
		fputs("error: the line is too long\n", out);
		return;
	}
	if (w.nr == 0) {
		fputs("error: no command; help lists them\n", out);
		return;
	}
	f = rig_find_function(r, w.word[0]);
	if (f)
		run_device(f, &w, out);
	else if (strcmp(w.word[0], "wire") == 0)
		run_wire(r, &w, out);
	else if (strcmp(w.word[0], "record") == 0)
		run_record(r, &w, out);
	else if (w.nr > 1 || !run_simple(r, w.word[0], out))
		fprintf(out, "error: no command %s; help lists them\n", w.word[0]);
}
