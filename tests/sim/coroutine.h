/* Coroutines: swapcontext() to get onto a stack of one's own, and where nothing forbids it
 * _longjmp() from then on, which needs no system calls. AddressSanitizer forbids it: it takes
 * longjmp() for the end of the frames in between. */
#ifndef SLUICE_SIM_COROUTINE_H
#define SLUICE_SIM_COROUTINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct coroutine {
	ucontext_t context;
	jmp_buf jump;
	bool started;
};

static inline void coroutine_init(
	struct coroutine *c, void (*body)(void), void *stack, size_t stack_bytes)
{
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = stack;
	c->context.uc_stack.ss_size = stack_bytes;
	makecontext(&c->context, body, 0);
	c->started = false;
}

#ifdef __SANITIZE_ADDRESS__
static inline void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
	swapcontext(&from->context, &to->context);
}
#else
/* from goes on when somebody switches to it. */
static inline void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
	from->started = true;
	if (_setjmp(from->jump))
		return;
	if (to->started)
		_longjmp(to->jump, 1);
	swapcontext(&from->context, &to->context);
}
#endif

#endif
