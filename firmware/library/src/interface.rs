//! What C sees. Every function checks its pointers and the state of the trainer, does its work on
//! slices, and returns a [`QmError`].

#![expect(unsafe_code, reason = "the border between two languages")]

use core::ffi::c_char;
use core::{ptr, slice};

use crate::error::QmError;
use crate::trainer::{self, Trainer};

/// 64-bit words of a `qm_trainer`.
pub const QM_TRAINER_WORDS: usize = 48;
/// Bytes of a digest.
pub const QM_DIGEST_BYTES: usize = 32;

/// Marks a trainer that is ready, together with its address.
const READY: u64 = u64::from_le_bytes(*b"QMEGREDY");

/// Where training stands: a program, its arena, and the steps so far. The firmware provides the
/// storage (`static qm_trainer trainer;`) and never looks inside; there is nothing to release.
///
/// Storage that is zero, as a static is at first, is a trainer that is not ready. It stays where it
/// is: a copy of it is not ready. Calls on one trainer must not overlap, so none from an interrupt
/// while another runs; calls on different trainers may, if their arenas are apart.
#[derive(Debug)]
#[repr(C)]
pub struct QmTrainer {
    /// Nothing that the firmware may read or write.
    pub storage: [u64; QM_TRAINER_WORDS],
}

/// Sizes of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct QmSizes {
    /// Bytes of the arena that `qm_init` needs.
    pub arena_bytes: u32,
    /// Bytes of the trained parameters, which `qm_save` writes: the first of the arena.
    pub persistent_bytes: u32,
    /// Codes of an input, one byte each: height times width times channels.
    pub input_codes: u32,
    /// Rows of an input.
    pub input_height: u32,
    /// Pixels of a row.
    pub input_width: u32,
    /// Channels of a pixel.
    pub input_channels: u32,
    /// What a code counts: it stands for (code - zero point) * scale.
    pub input_scale: f32,
    /// The code that stands for zero.
    pub input_zero_point: i32,
    /// Number of classes, and of logits.
    pub n_classes: u32,
    /// Operations of a training step, which `qm_step_continue` counts.
    pub n_ops: u32,
}

/// What lies in the storage of a trainer. The mark comes first: storage that is zero has none.
#[repr(C)]
struct Slot {
    mark: u64,
    trainer: Trainer<Block>,
}

const _: () = assert!(
    size_of::<Slot>() <= size_of::<QmTrainer>() && align_of::<Slot>() <= align_of::<QmTrainer>()
);

/// The arena, which the firmware lends. It is an address, so that the firmware may look at the
/// memory between calls.
struct Block {
    start: *mut u8,
    len: usize,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `qm_init` made it of an arena of at least `len` bytes that it had cleared, and its
        // caller leaves that memory to the trainer while a call runs.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the borrow of the block makes this the only slice.
        unsafe { slice::from_raw_parts_mut(self.start, self.len) }
    }
}

/// Says which sizes a program has, after checking all of it.
///
/// `program` are the bytes of an exported program (`quartermeg_program` of the exported C files), at
/// a multiple of 4; they are read during this call alone. `sizes` receives the sizes.
///
/// Errors: `QM_ERROR_NULL`, and `QM_ERROR_PROGRAM_...` for a program that cannot be used; `sizes` is
/// left as it is then.
///
/// # Safety
/// `program` points to `program_bytes` bytes, `sizes` to a `qm_sizes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_sizes_of(
    program: *const u8,
    program_bytes: usize,
    sizes: *mut QmSizes,
) -> QmError {
    code(|| {
        not_null(sizes)?;
        // SAFETY: as the caller promises.
        let program = trainer::load(unsafe { slice_of(program, program_bytes) }?)?;
        let meta = program.meta();
        let [input_height, input_width, input_channels] = meta.input_shape;
        let found = QmSizes {
            arena_bytes: meta.arena_bytes,
            persistent_bytes: meta.persistent_bytes,
            input_codes: input_height * input_width * input_channels,
            input_height,
            input_width,
            input_channels,
            input_scale: meta.input_quant.scale,
            input_zero_point: meta.input_quant.zero_point,
            n_classes: meta.head.n_classes,
            n_ops: program.n_ops(),
        };
        // SAFETY: it is not NULL, so there is room for them, as the caller promises.
        unsafe { sizes.write_unaligned(found) };
        Ok(())
    })
}

/// Makes a trainer of a program and an arena, at step 0 with the parameters that the program starts
/// with: those of the network, or the trained ones that were exported with it.
///
/// `trainer` is storage of the firmware; one that was ready before begins anew. `program` is checked
/// as a whole and used in place: it must stay and not change as long as the trainer is used, as in
/// flash. `arena` are at least `arena_bytes` of the program at a multiple of 4; they are lent to the
/// trainer as long as it is used, and those that the program needs are cleared. The firmware may
/// read them between calls, but not write them.
///
/// Errors: `QM_ERROR_NULL`; `QM_ERROR_NOT_READY` for storage that is not aligned to 8 bytes;
/// `QM_ERROR_PROGRAM_...`; `QM_ERROR_ARENA_TOO_SMALL`; `QM_ERROR_ARENA_MISALIGNED`. The trainer is
/// not ready then, and the arena is as it was.
///
/// # Safety
/// `trainer` points to a `qm_trainer`, `program` to `program_bytes` bytes and `arena` to
/// `arena_bytes` bytes; they do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_init(
    trainer: *mut QmTrainer,
    program: *const u8,
    program_bytes: usize,
    arena: *mut u8,
    arena_bytes: usize,
) -> QmError {
    code(|| {
        let slot = slot_of(trainer)?;
        // SAFETY: the storage is aligned and large enough for a slot. It is not ready from here on.
        unsafe { (&raw mut (*slot).mark).write(0) };
        not_null(arena)?;
        // SAFETY: as the caller promises, also that the program stays.
        let program = trainer::load(unsafe { slice_of(program, program_bytes) }?)?;
        let len = program.meta().arena_bytes as usize;
        if arena_bytes < len {
            return Err(QmError::ArenaTooSmall);
        }
        if !arena.addr().is_multiple_of(align_of::<u32>()) {
            return Err(QmError::ArenaMisaligned);
        }
        // SAFETY: the arena has at least so many bytes, as the caller promises.
        unsafe { arena.write_bytes(0, len) };
        let trainer = Trainer::new(program, Block { start: arena, len })?;
        // SAFETY: as for the mark above.
        unsafe {
            (&raw mut (*slot).trainer).write(trainer);
            (&raw mut (*slot).mark).write(mark_of(slot));
        }
        Ok(())
    })
}

/// Runs the network on an input.
///
/// `codes` are the int8 codes of the input, row by row, the channels of a pixel side by side, as
/// many as the program's `input_codes`; they are read during this call alone. `logits` receives one
/// f32 a class, for which `n_logits` must be the number of classes; it may be NULL. `best` receives
/// the class of the largest logit, the first of equals; it may be NULL. Trained parameters stay as
/// they are.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_INPUT_LENGTH`,
/// `QM_ERROR_LOGITS_LENGTH`. Nothing is written then.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
/// bytes, `logits` to `n_logits` floats; none of them overlaps another or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_infer(
    trainer: *mut QmTrainer,
    codes: *const i8,
    n_codes: usize,
    logits: *mut f32,
    n_logits: usize,
    best: *mut u32,
) -> QmError {
    code(|| {
        // SAFETY: as the caller promises.
        let (trainer, codes) = unsafe { (ready(trainer)?, slice_of(codes, n_codes)?) };
        if !logits.is_null() && n_logits != trainer.n_classes() {
            return Err(QmError::LogitsLength);
        }
        let found = trainer.infer(codes)?;
        if !logits.is_null() {
            let n_bytes = size_of_val(found);
            // SAFETY: there is room for one a class, as the caller promises; bytes need no alignment.
            unsafe {
                ptr::copy_nonoverlapping(found.as_ptr().cast::<u8>(), logits.cast(), n_bytes);
            }
        }
        // SAFETY: as the caller promises.
        unsafe { put(best, Some(trainer::largest(found))) };
        Ok(())
    })
}

/// Trains one whole step on a sample.
///
/// `codes` are as for `qm_infer`; `label` is the class, counted from 0. `loss` receives the
/// cross-entropy of the sample before the update, in nats; it may be NULL. Learning rate, seed and
/// all other settings are those of the program; the number of the step (`qm_steps`) decides rate and
/// rounding.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_INPUT_LENGTH`,
/// `QM_ERROR_LABEL`, `QM_ERROR_STEPS`. Nothing is trained then.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
/// bytes, `loss` to a float; none of them overlaps another or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_step(
    trainer: *mut QmTrainer,
    codes: *const i8,
    n_codes: usize,
    label: u32,
    loss: *mut f32,
) -> QmError {
    code(|| {
        // SAFETY: as the caller promises.
        let (trainer, codes) = unsafe { (ready(trainer)?, slice_of(codes, n_codes)?) };
        trainer.begin(codes, label)?;
        // SAFETY: as the caller promises.
        unsafe { put(loss, trainer.advance(u32::MAX)?) };
        Ok(())
    })
}

/// Begins a training step that `qm_step_continue` runs in slices, so that a watchdog can be fed in
/// between. What comes out is that of `qm_step`, bit for bit.
///
/// `codes` and `label` are as for `qm_step`; the codes are copied into the arena during this call.
/// Until the step is finished only `qm_step_continue`, `qm_steps`, `qm_reset`, `qm_restore` and
/// `qm_init` do their work; the last three give the step up.
///
/// Errors: as for `qm_step`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `codes` to `n_codes`
/// bytes; they do not overlap each other or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_step_begin(
    trainer: *mut QmTrainer,
    codes: *const i8,
    n_codes: usize,
    label: u32,
) -> QmError {
    code(|| {
        // SAFETY: as the caller promises.
        let (trainer, codes) = unsafe { (ready(trainer)?, slice_of(codes, n_codes)?) };
        trainer.begin(codes, label)
    })
}

/// Runs at most `max_ops` operations of the step under way; 0 runs none.
///
/// `more` receives whether operations are left. When none is, the step is finished and counted, and
/// `loss` receives its loss as for `qm_step`; otherwise it is left as it is. `loss` may be NULL.
/// Operations differ in how long they take; measure the longest on the board.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_NO_STEP`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `more` to a bool,
/// `loss` to a float; none of them overlaps another or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_step_continue(
    trainer: *mut QmTrainer,
    max_ops: u32,
    more: *mut bool,
    loss: *mut f32,
) -> QmError {
    code(|| {
        not_null(more)?;
        // SAFETY: as the caller promises.
        unsafe {
            let done = ready(trainer)?.advance(max_ops)?;
            put(more, Some(done.is_none()));
            put(loss, done);
        }
        Ok(())
    })
}

/// Says how many steps were finished: the number of the next step, counted from 0. `steps` receives
/// it.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `steps` to a
/// `uint32_t` outside of the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_steps(trainer: *mut QmTrainer, steps: *mut u32) -> QmError {
    code(|| {
        not_null(steps)?;
        // SAFETY: as the caller promises.
        unsafe { put(steps, Some(ready(trainer)?.steps())) };
        Ok(())
    })
}

/// Says how many steps the parameters have behind them, for a program that was exported with trained
/// ones: `qm_init` and `qm_reset` count from 0.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_set_steps(trainer: *mut QmTrainer, steps: u32) -> QmError {
    // SAFETY: as the caller promises.
    code(|| unsafe { ready(trainer) }?.set_steps(steps))
}

/// Reads the trained parameters out, to be kept where they outlast a loss of power.
///
/// `state` receives the program's `persistent_bytes`, which `state_bytes` must be. The number of
/// steps (`qm_steps`) belongs to it. The bytes carry no checksum: whoever stores them adds one.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`, `QM_ERROR_STATE_LENGTH`.
/// Nothing is written then.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `state` to
/// `state_bytes` bytes; they do not overlap each other or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_save(
    trainer: *mut QmTrainer,
    state: *mut u8,
    state_bytes: usize,
) -> QmError {
    code(|| {
        not_null(state)?;
        // SAFETY: as the caller promises.
        let found = unsafe { ready(trainer) }?.state()?;
        if found.len() != state_bytes {
            return Err(QmError::StateLength);
        }
        // SAFETY: there is room for just so many bytes, as the caller promises.
        unsafe { ptr::copy_nonoverlapping(found.as_ptr(), state, state_bytes) };
        Ok(())
    })
}

/// Restores what `qm_save` read out of a trainer of the same program, with so many `steps` behind
/// it. A step that is under way is given up.
///
/// `state` are the program's `persistent_bytes`, which `state_bytes` must be; they are read during
/// this call alone.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STATE_LENGTH`. Nothing is changed then.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `state` to
/// `state_bytes` bytes; they do not overlap each other or the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_restore(
    trainer: *mut QmTrainer,
    state: *const u8,
    state_bytes: usize,
    steps: u32,
) -> QmError {
    code(|| {
        // SAFETY: as the caller promises.
        let (trainer, state) = unsafe { (ready(trainer)?, slice_of(state, state_bytes)?) };
        trainer.restore(state, steps)
    })
}

/// Goes back to the parameters that the program starts with, and to step 0. A step that is under way
/// is given up.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_reset(trainer: *mut QmTrainer) -> QmError {
    code(|| {
        // SAFETY: as the caller promises.
        unsafe { ready(trainer) }?.reset();
        Ok(())
    })
}

/// Computes the SHA-256 of all weights, frozen and trained: the digest that the page and the command
/// line print. `digest` receives `QM_DIGEST_BYTES` bytes.
///
/// Errors: `QM_ERROR_NULL`, `QM_ERROR_NOT_READY`, `QM_ERROR_STEP_RUNNING`.
///
/// # Safety
/// `trainer` points to a `qm_trainer` that is zero or was given to `qm_init`, `digest` to
/// `QM_DIGEST_BYTES` bytes outside of the arena.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qm_weights_digest(trainer: *mut QmTrainer, digest: *mut u8) -> QmError {
    code(|| {
        not_null(digest)?;
        let digest = digest.cast::<[u8; QM_DIGEST_BYTES]>();
        // SAFETY: as the caller promises.
        unsafe { put(digest, Some(ready(trainer)?.weights_digest()?)) };
        Ok(())
    })
}

/// The sentence of an error, in English and ASCII, with a zero at its end. It is a constant: it stays
/// and must not be freed. Every number has one, also those that are no error.
#[unsafe(no_mangle)]
pub extern "C" fn qm_error_text(error: u32) -> *const c_char {
    QmError::text_of(error).as_ptr()
}

/// What C gets of a result.
fn code(work: impl FnOnce() -> Result<(), QmError>) -> QmError {
    work().err().unwrap_or(QmError::None)
}

fn not_null<T>(pointer: *const T) -> Result<(), QmError> {
    if pointer.is_null() {
        return Err(QmError::Null);
    }
    Ok(())
}

/// The bytes or codes that C points to.
///
/// # Safety
/// It is NULL, or points to `len` elements, which nobody writes while the slice is used.
unsafe fn slice_of<'a, T>(start: *const T, len: usize) -> Result<&'a [T], QmError> {
    const { assert!(size_of::<T>() == 1) }
    not_null(start)?;
    // SAFETY: elements of one byte are aligned everywhere; the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(start, len) })
}

/// Writes a value where there is one, and a place for it.
///
/// # Safety
/// The place is NULL, or there is room for a value.
unsafe fn put<T>(place: *mut T, value: Option<T>) {
    if let Some(value) = value.filter(|_| !place.is_null()) {
        // SAFETY: as the caller promises.
        unsafe { place.write_unaligned(value) };
    }
}

/// The inside of a trainer's storage.
fn slot_of(trainer: *mut QmTrainer) -> Result<*mut Slot, QmError> {
    not_null(trainer)?;
    let slot = trainer.cast::<Slot>();
    // What a slot needs differs between machines, what is asked of the firmware does not.
    if !trainer.addr().is_multiple_of(8) {
        return Err(QmError::NotReady);
    }
    Ok(slot)
}

/// What a trainer that is ready at this address begins with.
fn mark_of(slot: *const Slot) -> u64 {
    READY ^ slot.addr() as u64
}

/// A trainer that is ready.
///
/// # Safety
/// The storage is zero or was given to `qm_init`, and no other call uses it while the reference
/// lives.
unsafe fn ready<'a>(trainer: *mut QmTrainer) -> Result<&'a mut Trainer<Block>, QmError> {
    let slot = slot_of(trainer)?;
    // SAFETY: the storage is aligned and large enough, and its first word was written, as the caller
    // promises.
    if unsafe { (&raw const (*slot).mark).read() } != mark_of(slot) {
        return Err(QmError::NotReady);
    }
    // SAFETY: `qm_init` writes the mark of this address after the trainer, and clears it first.
    Ok(unsafe { &mut (*slot).trainer })
}
