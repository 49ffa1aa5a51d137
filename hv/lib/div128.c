/* 128-bit division, which GCC calls by this name; a freestanding image has no libgcc. Slow and
 * plain: for set-up arithmetic. */
#include <stdint.h>

typedef unsigned __int128 uint128;

uint128 __udivti3(uint128 dividend, uint128 divisor);

uint128 __udivti3(uint128 dividend, uint128 divisor)
{
	uint128 quotient = 0, rest = 0;

	for (int bit = 127; bit >= 0; bit--) {
		uint128 carry = rest >> 127;

		rest = rest << 1 | (dividend >> bit & 1);
		if (carry || rest >= divisor) {
			rest -= divisor;
			quotient |= (uint128)1 << bit;
		}
	}
	return quotient;
}
