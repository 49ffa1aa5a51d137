/* Asks the rig something from inside the machine:
 *
 *     rigctl COMMAND WORDS...
 *
 * prints the answer; exit status 1 if it is an error. For Linux; needs CAP_SYS_RAWIO. */
#include <stdio.h>
#include <string.h>
#include <sys/io.h>

#define RIG_PORT 0x5f0

static void say(const char *text)
{
	for (; *text; text++)
		outb((unsigned char)*text, RIG_PORT);
}

int main(int argc, char **argv)
{
	char begin[6] = "";
	unsigned len = 0;
	int c;

	if (argc < 2) {
		fputs("usage: rigctl COMMAND WORDS...\n", stderr);
		return 2;
	}
	if (ioperm(RIG_PORT, 1, 1)) {
		perror("rigctl: ioperm");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		if (i > 1)
			say(" ");
		say(argv[i]);
	}
	say("\n");
	/* all ones: nobody is there */
	while ((c = inb(RIG_PORT)) != 0 && c != 0xff) {
		if (len < sizeof(begin) - 1)
			begin[len++] = (char)c;
		putchar(c);
	}
	if (c == 0xff)
		fputs("rigctl: this machine has no rig\n", stderr);
	return c == 0xff || strcmp(begin, "error") == 0;
}
