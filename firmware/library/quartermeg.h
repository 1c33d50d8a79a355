/*
 * Quartermeg for firmware in C: trains and runs an exported program in memory that the firmware
 * provides. Made by cbindgen from firmware/library/src; not to be edited.
 *
 * Nothing here allocates and nothing calls back. A function that returns anything but QM_ERROR_NONE
 * did nothing, except that qm_init then leaves a trainer that is not ready. What comes out is the
 * same, bit for bit, on every machine. The floating-point unit must be on before the first call, and
 * its modes of rounding as after a reset.
 *
 * A panic would be a bug of the library: it ends in an endless loop, out of which a watchdog leads.
 */

#ifndef QUARTERMEG_H
#define QUARTERMEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * 64-bit words of a `qm_trainer`.
 */
#define QM_TRAINER_WORDS 48

/**
 * Bytes of a digest.
 */
#define QM_DIGEST_BYTES 32

/**
 * Why a call did nothing. The numbers stay the same from version to version; new ones may follow.
 */
enum qm_error
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * There was no error.
   */
  QM_ERROR_NONE = 0,
  /**
   * A pointer that must not be NULL is NULL.
   */
  QM_ERROR_NULL = 1,
  /**
   * The trainer was not initialised, was copied to another place, or is not aligned to 8 bytes.
   */
  QM_ERROR_NOT_READY = 2,
  /**
   * A step is under way; finish it with `qm_step_continue`, or give it up with `qm_reset` or
   * `qm_restore`.
   */
  QM_ERROR_STEP_RUNNING = 3,
  /**
   * No step is under way; begin one with `qm_step_begin`.
   */
  QM_ERROR_NO_STEP = 4,
  /**
   * The bytes are not a Quartermeg program.
   */
  QM_ERROR_PROGRAM_FOREIGN = 5,
  /**
   * The program is of a format version that this library does not read.
   */
  QM_ERROR_PROGRAM_VERSION = 6,
  /**
   * The program has another length than its header says: it was cut off.
   */
  QM_ERROR_PROGRAM_LENGTH = 7,
  /**
   * The program was changed: its checksum or its identity differs.
   */
  QM_ERROR_PROGRAM_DAMAGED = 8,
  /**
   * The program does not start at a multiple of 4.
   */
  QM_ERROR_PROGRAM_MISALIGNED = 9,
  /**
   * The program is whole, but breaks a rule.
   */
  QM_ERROR_PROGRAM_INVALID = 10,
  /**
   * The arena is smaller than the program's `arena_bytes`.
   */
  QM_ERROR_ARENA_TOO_SMALL = 11,
  /**
   * The arena does not start at a multiple of 4.
   */
  QM_ERROR_ARENA_MISALIGNED = 12,
  /**
   * The input has another number of codes than the program's `input_codes`.
   */
  QM_ERROR_INPUT_LENGTH = 13,
  /**
   * There is no such class.
   */
  QM_ERROR_LABEL = 14,
  /**
   * The logits have another number of elements than the program has classes.
   */
  QM_ERROR_LOGITS_LENGTH = 15,
  /**
   * The state has another number of bytes than the program's `persistent_bytes`.
   */
  QM_ERROR_STATE_LENGTH = 16,
  /**
   * No further step can be counted in 32 bits.
   */
  QM_ERROR_STEPS = 17,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum qm_error qm_error;
#else
typedef uint32_t qm_error;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Sizes of a program.
 */
typedef struct qm_sizes {
  /**
   * Bytes of the arena that `qm_init` needs.
   */
  uint32_t arena_bytes;
  /**
   * Bytes of the trained parameters, which `qm_save` writes: the first of the arena.
   */
  uint32_t persistent_bytes;
  /**
   * Codes of an input, one byte each: height times width times channels.
   */
  uint32_t input_codes;
  /**
   * Rows of an input.
   */
  uint32_t input_height;
  /**
   * Pixels of a row.
   */
  uint32_t input_width;
  /**
   * Channels of a pixel.
   */
  uint32_t input_channels;
  /**
   * What a code counts: it stands for (code - zero point) * scale.
   */
  float input_scale;
  /**
   * The code that stands for zero.
   */
  int32_t input_zero_point;
  /**
   * Number of classes, and of logits.
   */
  uint32_t n_classes;
  /**
   * Operations of a training step, which `qm_step_continue` counts.
   */
  uint32_t n_ops;
} qm_sizes;

/**
 * Where training stands: a program, its arena, and the steps so far. The firmware provides the
 * storage (`static qm_trainer trainer;`) and never looks inside; there is nothing to release.
 *
 * Storage that is zero, as a static is at first, is a trainer that is not ready. It stays where it
 * is: a copy of it is not ready. Calls on one trainer must not overlap, so none from an interrupt
 * while another runs; calls on different trainers may, if their arenas are apart.
 */
typedef struct qm_trainer {
  /**
   * Nothing that the firmware may read or write.
   */
  uint64_t storage[QM_TRAINER_WORDS];
} qm_trainer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Says which sizes a program has, after checking all of it.
 *
 * `program` are the bytes of an exported program (`quartermeg_program` of the exported C files), at
 * a multiple of 4; they are read during this call alone. `sizes` receives the sizes.
 *
 * Errors: `QM_ERROR_NULL`, and `QM_ERROR_PROGRAM_...` for a program that cannot be used; `sizes` is
 * left as it is then.
 *
 * # Safety
 * `program` points to `program_bytes` bytes, `sizes` to a `qm_sizes`.
 */
qm_error qm_sizes_of(const uint8_t *program, size_t program_bytes, struct qm_sizes *sizes);

/**
 * Makes a trainer of a program and an arena, at step 0 with the parameters that the program starts
 * with: those of the network, or the trained ones that were exported with it.
 *
 * `trainer` is storage of the firmware; one that was ready before begins anew. `program` is checked
 * as a whole and used in place: it must stay and not change as long as the trainer is used, as in
 * flash. `arena` are at least `arena_bytes` of the program at a multiple of 4; they are lent to the
 * trainer as long as it is used, and those that the program needs are cleared. The firmware may
 * read them between calls, but not write them.
 *
 * Errors: `QM_ERROR_NULL`; `QM_ERROR_NOT_READY` for storage that is not aligned to 8 bytes;
 * `QM_ERROR_PROGRAM_...`; `QM_ERROR_ARENA_TOO_SMALL`; `QM_ERROR_ARENA_MISALIGNED`. The trainer is
 * not ready then, and the arena is as it was.
 *
 * # Safety
 * `trainer` points to a `qm_trainer`, `program` to `program_bytes` bytes and `arena` to
 * `arena_bytes` bytes; they do not overlap.
 */
qm_error qm_init(struct qm_trainer *trainer,
                 const uint8_t *program,
                 size_t program_bytes,
                 uint8_t *arena,
                 size_t arena_bytes);

/**
 * Runs the network on an input.
 *
 * `codes` are the int8 codes of the input, row by row, the channels of a pixel side by side, as
 * many as the program's `input_codes`; they are read during this call alone. `logits` receives one
 * f32 a class, for which `n_logits` must be the number of classes; it may be NULL. `best` receives
 * the class of the largest logit, the first of equals; it may be NULL. Trained parameters stay as
 * they are.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_INPUT_LENGTH`,
 * `QM_ERROR_LOGITS_LENGTH`. Nothing is written then.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
 * bytes, `logits` to `n_logits` floats; none of them overlaps another or the arena.
 */
qm_error qm_infer(struct qm_trainer *trainer,
                  const int8_t *codes,
                  size_t n_codes,
                  float *logits,
                  size_t n_logits,
                  uint32_t *best);

/**
 * Trains one whole step on a sample.
 *
 * `codes` are as for `qm_infer`; `label` is the class, counted from 0. `loss` receives the
 * cross-entropy of the sample before the update, in nats; it may be NULL. Learning rate, seed and
 * all other settings are those of the program; the number of the step (`qm_steps`) decides rate and
 * rounding.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_INPUT_LENGTH`,
 * `QM_ERROR_LABEL`, `QM_ERROR_STEPS`. Nothing is trained then.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
 * bytes, `loss` to a float; none of them overlaps another or the arena.
 */
qm_error qm_step(struct qm_trainer *trainer,
                 const int8_t *codes,
                 size_t n_codes,
                 uint32_t label,
                 float *loss);

/**
 * Begins a training step that `qm_step_continue` runs in slices, so that a watchdog can be fed in
 * between. What comes out is that of `qm_step`, bit for bit.
 *
 * `codes` and `label` are as for `qm_step`; the codes are copied into the arena during this call.
 * Until the step is finished only `qm_step_continue`, `qm_steps`, `qm_reset`, `qm_restore` and
 * `qm_init` do their work; the last three give the step up.
 *
 * Errors: as for `qm_step`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
 * bytes; they do not overlap each other or the arena.
 */
qm_error qm_step_begin(struct qm_trainer *trainer,
                       const int8_t *codes,
                       size_t n_codes,
                       uint32_t label);

/**
 * Runs at most `max_ops` operations of the step under way; 0 runs none.
 *
 * `more` receives whether operations are left. When none is, the step is finished and counted, and
 * `loss` receives its loss as for `qm_step`; otherwise it is left as it is. `loss` may be NULL.
 * Operations differ in how long they take; measure the longest on the board.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_NO_STEP`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `more` to a bool,
 * `loss` to a float; none of them overlaps another or the arena.
 */
qm_error qm_step_continue(struct qm_trainer *trainer, uint32_t max_ops, bool *more, float *loss);

/**
 * Says how many steps were finished: the number of the next step, counted from 0. `steps` receives
 * it.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `steps` to a
 * `uint32_t` outside of the arena.
 */
qm_error qm_steps(struct qm_trainer *trainer, uint32_t *steps);

/**
 * Says how many steps the parameters have behind them, for a program that was exported with trained
 * ones: `qm_init` and `qm_reset` count from 0.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`.
 */
qm_error qm_set_steps(struct qm_trainer *trainer, uint32_t steps);

/**
 * Reads the trained parameters out, to be kept where they outlast a loss of power.
 *
 * `state` receives the program's `persistent_bytes`, which `state_bytes` must be. The number of
 * steps (`qm_steps`) belongs to it. The bytes carry no checksum: whoever stores them adds one.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_STATE_LENGTH`.
 * Nothing is written then.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `state` to
 * `state_bytes` bytes; they do not overlap each other or the arena.
 */
qm_error qm_save(struct qm_trainer *trainer, uint8_t *state, size_t state_bytes);

/**
 * Restores what `qm_save` read out of a trainer of the same program, with so many `steps` behind
 * it. A step that is under way is given up.
 *
 * `state` are the program's `persistent_bytes`, which `state_bytes` must be; they are read during
 * this call alone.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STATE_LENGTH`. Nothing is changed then.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `state` to
 * `state_bytes` bytes; they do not overlap each other or the arena.
 */
qm_error qm_restore(struct qm_trainer *trainer,
                    const uint8_t *state,
                    size_t state_bytes,
                    uint32_t steps);

/**
 * Goes back to the parameters that the program starts with, and to step 0. A step that is under way
 * is given up.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`.
 */
qm_error qm_reset(struct qm_trainer *trainer);

/**
 * Computes the SHA-256 of all weights, frozen and trained: the digest that the page and the command
 * line print. `digest` receives `QM_DIGEST_BYTES` bytes.
 *
 * Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`.
 *
 * # Safety
 * `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `digest` to
 * `QM_DIGEST_BYTES` bytes outside of the arena.
 */
qm_error qm_weights_digest(struct qm_trainer *trainer, uint8_t *digest);

/**
 * The sentence of an error, in English and ASCII, with a zero at its end. It is a constant: it stays
 * and must not be freed. Every number has one, also those that are no error.
 */
const char *qm_error_text(uint32_t error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* QUARTERMEG_H */
