/* How much of the stack was used, by painting it. */

#include "stack.h"

/* More than any program here may use. */
#define PAINTED_BYTES (32 * 1024)
#define PAINT 0xc5c5c5c5u

/* Of the linker script; the stack grows down from here. */
extern uint32_t stack_top[];

static uint32_t *lowest(void) { return stack_top - PAINTED_BYTES / sizeof(uint32_t); }

void stack_paint(void) {
  /* Below the frame of this function, where nothing is kept. */
  volatile uint32_t *end = __builtin_frame_address(0);
  for (volatile uint32_t *at = lowest(); at < end - 16; at++) {
    *at = PAINT;
  }
}

uint32_t stack_used(void) {
  const volatile uint32_t *at = lowest();
  while (at < stack_top && *at == PAINT) {
    at++;
  }
  return (uint32_t)((uintptr_t)stack_top - (uintptr_t)at);
}
