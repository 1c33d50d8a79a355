/*
 * Trains an exported program by the library and prints what came out, a line for every result; the
 * test twin/tests/twin/c_program.rs compares every line with this machine.
 *
 * quartermeg_program.h is from `quartermeg export --as c`, samples.h is written by the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quartermeg.h"
#include "quartermeg_program.h"
#include "samples.h"
#include "semihosting.h"
#include "stack.h"

/* Operations between two looks at the watchdog. */
#define SLICE 3

static qm_trainer trainer;
QUARTERMEG_ALIGN_16 static uint8_t arena[QUARTERMEG_ARENA_BYTES + 4];
static uint8_t state[QUARTERMEG_PERSISTENT_BYTES];
/* A copy of the program, to be damaged. */
QUARTERMEG_ALIGN_16 static uint8_t damaged[QUARTERMEG_PROGRAM_BYTES];
static uint32_t times_fed;

static void print_number(uint32_t number) {
  char text[11];
  char *digit = &text[10];
  *digit = 0;
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print(" ");
  print(digit);
}

static void print_digits(const uint8_t *bytes, size_t n) {
  for (size_t at = 0; at < n; at++) {
    const char *digits = "0123456789abcdef";
    const char text[3] = {digits[bytes[at] >> 4], digits[bytes[at] & 15], 0};
    print(text);
  }
}

/* The bits of a word or of a float, the highest first. */
static void print_bits(const void *value) {
  const uint8_t *low = value;
  const uint8_t bytes[4] = {low[3], low[2], low[1], low[0]};
  print(" ");
  print_digits(bytes, 4);
}

/* The CRC-32 of zip and PNG. */
static uint32_t crc32(const uint8_t *bytes, size_t n) {
  uint32_t crc = 0xffffffff;
  for (size_t at = 0; at < n; at++) {
    crc ^= bytes[at];
    for (int bit = 0; bit < 8; bit++) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc;
}

/* What must not fail: it ends the program with the sentence of the error. */
static void must(qm_error error) {
  if (error != QM_ERROR_NONE) {
    print("failed ");
    print(qm_error_text(error));
    print("\n");
    finish(1);
  }
}

/* What should be refused. */
static void refused(const char *what, qm_error error) {
  print(what);
  print_number(error);
  print(" ");
  print(qm_error_text(error));
  print("\n");
}

static void begin(void) {
  must(qm_init(&trainer, quartermeg_program, sizeof quartermeg_program, arena, sizeof arena));
  must(qm_set_steps(&trainer, FIRST_STEP));
}

static void print_loss(float loss) {
  uint32_t steps;
  must(qm_steps(&trainer, &steps));
  print("loss");
  print_number(steps - 1);
  print_bits(&loss);
  print("\n");
}

/* The weights, and what training has changed. */
static void print_weights(void) {
  uint8_t digest[QM_DIGEST_BYTES];
  must(qm_weights_digest(&trainer, digest));
  print("weights_digest ");
  print_digits(digest, sizeof digest);
  must(qm_save(&trainer, state, sizeof state));
  const uint32_t checksum = crc32(state, sizeof state);
  print("\nstate_checksum");
  print_bits(&checksum);
  print("\n");
}

static void print_sizes(void) {
  qm_sizes sizes;
  must(qm_sizes_of(quartermeg_program, sizeof quartermeg_program, &sizes));
  print("sizes");
  print_number(sizes.arena_bytes);
  print_number(sizes.persistent_bytes);
  print_number(sizes.input_codes);
  print_number(sizes.n_classes);
  print_number(sizes.n_ops);
  print_bits(&sizes.input_scale);
  print("\n");
}

static void errors(void) {
  const size_t length = sizeof quartermeg_program;
  for (size_t at = 0; at < length; at++) {
    damaged[at] = quartermeg_program[at];
  }
  damaged[length / 2] ^= 1;
  refused("not_ready", qm_reset(&trainer));
  refused("too_small",
          qm_init(&trainer, quartermeg_program, length, arena, QUARTERMEG_ARENA_BYTES - 1));
  refused("misaligned",
          qm_init(&trainer, quartermeg_program, length, arena + 1, QUARTERMEG_ARENA_BYTES));
  refused("damaged", qm_init(&trainer, damaged, length, arena, sizeof arena));
  refused("cut_off", qm_init(&trainer, quartermeg_program, length - 4, arena, sizeof arena));
  refused("no_arena", qm_init(&trainer, quartermeg_program, length, NULL, sizeof arena));
  refused("still_not_ready", qm_reset(&trainer));
  begin();
  refused("input", qm_step(&trainer, samples[0], sizeof samples[0] - 1, labels[0], NULL));
  refused("label", qm_step(&trainer, samples[0], sizeof samples[0], QUARTERMEG_CLASSES, NULL));
  refused("state", qm_restore(&trainer, state, sizeof state - 1, 0));
  refused("no_step", qm_step_continue(&trainer, 1, &(bool){false}, NULL));
}

static void infer(void) {
  float logits[QUARTERMEG_CLASSES];
  uint32_t best;
  must(qm_infer(&trainer, samples[0], sizeof samples[0], logits, QUARTERMEG_CLASSES, &best));
  print("class");
  print_number(best);
  print("\nlogits");
  for (size_t class = 0; class < QUARTERMEG_CLASSES; class++) {
    print_bits(&logits[class]);
  }
  print("\n");
}

static void train_whole(size_t from, size_t to) {
  for (size_t at = from; at < to; at++) {
    float loss;
    must(qm_step(&trainer, samples[at], sizeof samples[at], labels[at], &loss));
    print_loss(loss);
  }
}

static void train_sliced(size_t from, size_t to) {
  for (size_t at = from; at < to; at++) {
    float loss = 0;
    bool more = true;
    must(qm_step_begin(&trainer, samples[at], sizeof samples[at], labels[at]));
    while (more) {
      /* Here a board would feed its watchdog. */
      times_fed++;
      must(qm_step_continue(&trainer, SLICE, &more, &loss));
    }
    print_loss(loss);
  }
}

int main(void) {
  stack_paint();
  print_sizes();
  errors();

  print("whole\n");
  begin();
  infer();
  train_whole(0, N_SAMPLES);
  print_weights();
  infer();

  print("sliced\n");
  begin();
  train_sliced(0, N_SAMPLES);
  print_weights();
  print("fed");
  print_number(times_fed);
  print("\n");

  /* Half the steps, another sample that is given up on the way, and the other half. */
  print("restored\n");
  begin();
  train_whole(0, N_SAMPLES / 2);
  must(qm_save(&trainer, state, sizeof state));
  must(qm_step_begin(&trainer, samples[0], sizeof samples[0], labels[0]));
  bool more;
  must(qm_step_continue(&trainer, UINT32_MAX - 1, &more, NULL));
  must(qm_step_begin(&trainer, samples[0], sizeof samples[0], labels[0]));
  must(qm_step_continue(&trainer, 1, &more, NULL));
  refused("running", qm_save(&trainer, state, sizeof state));
  must(qm_restore(&trainer, state, sizeof state, FIRST_STEP + N_SAMPLES / 2));
  train_whole(N_SAMPLES / 2, N_SAMPLES);
  print_weights();
  print("stack");
  print_number(stack_used());
  print("\n");
  return 0;
}
