/* How much of the stack was used, by painting it. */

#ifndef STACK_H
#define STACK_H

#include <stdint.h>

/* Paints what lies below the caller's frame. */
void stack_paint(void);

/* Bytes from the start of the stack down to the deepest that was written since. */
uint32_t stack_used(void);

#endif
