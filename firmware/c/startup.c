/* From the reset to main, and what happens at a fault. */

#include <stdint.h>

#include "semihosting.h"

/* Of the linker script. */
extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_source[];

int main(void);
void reset(void);

/* Which coprocessors may be used; 10 and 11 are the floating-point unit. */
#define CPACR (*(volatile uint32_t *)0xe000ed88)

static void fault(void) {
  print("fault\n");
  finish(3);
}

void reset(void) {
  CPACR |= 0xfu << 20;
  __asm volatile("dsb\n isb" ::: "memory");
  const uint32_t *from = data_source;
  for (uint32_t *to = data_start; to < data_end; to++) {
    *to = *from++;
  }
  for (uint32_t *to = bss_start; to < bss_end; to++) {
    *to = 0;
  }
  finish(main());
}

/* Where the stack starts, the reset, and the exceptions that end a program. */
__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack_top,           (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault,
};
