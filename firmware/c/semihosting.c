#include "semihosting.h"

#include <stdint.h>

#define SYS_OPEN 0x01
#define SYS_WRITE 0x05
#define SYS_EXIT_EXTENDED 0x20
/* The reason of an end that the program wanted. */
#define APPLICATION_EXIT 0x20026
/* How ":tt" is opened as the standard output. */
#define MODE_WRITE 4

static uint32_t call(uint32_t operation, const uint32_t *arguments) {
  register uint32_t r0 __asm("r0") = operation;
  register const uint32_t *r1 __asm("r1") = arguments;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void print(const char *text) {
  static uint32_t output;
  if (output == 0) {
    const uint32_t name[3] = {(uint32_t) ":tt", MODE_WRITE, 3};
    output = call(SYS_OPEN, name);
  }
  uint32_t length = 0;
  while (text[length] != 0) {
    length++;
  }
  const uint32_t what[3] = {output, (uint32_t)text, length};
  call(SYS_WRITE, what);
}

void finish(int code) {
  const uint32_t reason[2] = {APPLICATION_EXIT, (uint32_t)code};
  call(SYS_EXIT_EXTENDED, reason);
  for (;;) {
  }
}
