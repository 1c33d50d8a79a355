//! The static library for firmware in C, called as C would call it, on this machine.

#![expect(unsafe_code, reason = "these are the functions that C calls")]

use std::ffi::CStr;
use std::ptr::{null, null_mut};

use quartermeg_c::error::QmError;
use quartermeg_c::interface::{
    QM_TRAINER_WORDS, QmSizes, QmTrainer, qm_error_text, qm_infer, qm_init, qm_reset, qm_restore,
    qm_save, qm_set_steps, qm_sizes_of, qm_step, qm_step_begin, qm_step_continue, qm_steps,
    qm_weights_digest,
};
use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::program::Program;
use quartermeg_core::runtime::{NoTrace, Runtime, StepParams};
use quartermeg_core::session::largest;
use quartermeg_formats::scenario;
use quartermeg_twin::samples;

use crate::{exports, forge};

/// Steps that are compared.
const STEPS: u32 = 3;

/// A trainer with its program and its arena, which stay where they are. Every call checks its
/// lengths by itself, so that slices are handed on as they are.
struct Trainer {
    storage: Box<QmTrainer>,
    program: AlignedBytes,
    arena: AlignedBytes,
}

impl Trainer {
    fn unready(program: &[u8], arena_bytes: usize) -> Self {
        Self {
            storage: Box::new(QmTrainer {
                storage: [0; QM_TRAINER_WORDS],
            }),
            program: AlignedBytes::copy_of(program),
            arena: AlignedBytes::zeroed(arena_bytes),
        }
    }

    fn ready(program: &[u8]) -> Self {
        let (error, sizes) = sizes_of(AlignedBytes::copy_of(program).as_ref());
        assert_eq!(error, QmError::None);
        let mut trainer = Self::unready(program, sizes.arena_bytes as usize);
        assert_eq!(trainer.init(0), QmError::None);
        trainer
    }

    /// With the arena from byte `skip` on.
    fn init(&mut self, skip: usize) -> QmError {
        let program = self.program.as_ref();
        let arena = &mut self.arena.as_mut()[skip..];
        // SAFETY: the three stay where they are as long as this trainer.
        unsafe {
            qm_init(
                &raw mut *self.storage,
                program.as_ptr(),
                program.len(),
                arena.as_mut_ptr(),
                arena.len(),
            )
        }
    }

    fn infer(&mut self, codes: &[i8], logits: &mut [f32]) -> (QmError, u32) {
        let mut best = u32::MAX;
        // SAFETY: pointers and lengths are those of slices, and none of them overlaps another.
        let error = unsafe {
            qm_infer(
                &raw mut *self.storage,
                codes.as_ptr(),
                codes.len(),
                logits.as_mut_ptr(),
                logits.len(),
                &raw mut best,
            )
        };
        (error, best)
    }

    fn step(&mut self, codes: &[i8], label: u32) -> (QmError, f32) {
        let mut loss = f32::NAN;
        let trainer = &raw mut *self.storage;
        // SAFETY: as for `infer`.
        let error = unsafe { qm_step(trainer, codes.as_ptr(), codes.len(), label, &raw mut loss) };
        (error, loss)
    }

    fn begin(&mut self, codes: &[i8], label: u32) -> QmError {
        // SAFETY: as for `infer`.
        unsafe { qm_step_begin(&raw mut *self.storage, codes.as_ptr(), codes.len(), label) }
    }

    fn advance(&mut self, max_ops: u32) -> (QmError, bool, f32) {
        let (mut more, mut loss) = (false, f32::NAN);
        let trainer = &raw mut *self.storage;
        // SAFETY: as for `infer`.
        let error = unsafe { qm_step_continue(trainer, max_ops, &raw mut more, &raw mut loss) };
        (error, more, loss)
    }

    fn steps(&mut self) -> (QmError, u32) {
        let mut steps = u32::MAX;
        // SAFETY: as for `infer`.
        let error = unsafe { qm_steps(&raw mut *self.storage, &raw mut steps) };
        (error, steps)
    }

    fn set_steps(&mut self, steps: u32) -> QmError {
        // SAFETY: as for `infer`.
        unsafe { qm_set_steps(&raw mut *self.storage, steps) }
    }

    fn save(&mut self, state: &mut [u8]) -> QmError {
        // SAFETY: as for `infer`.
        unsafe { qm_save(&raw mut *self.storage, state.as_mut_ptr(), state.len()) }
    }

    fn restore(&mut self, state: &[u8], steps: u32) -> QmError {
        // SAFETY: as for `infer`.
        unsafe { qm_restore(&raw mut *self.storage, state.as_ptr(), state.len(), steps) }
    }

    fn reset(&mut self) -> QmError {
        // SAFETY: as for `infer`.
        unsafe { qm_reset(&raw mut *self.storage) }
    }

    fn digest(&mut self) -> (QmError, [u8; 32]) {
        let mut digest = [0; 32];
        // SAFETY: as for `infer`.
        let error = unsafe { qm_weights_digest(&raw mut *self.storage, digest.as_mut_ptr()) };
        (error, digest)
    }

    fn persistent_bytes(&self) -> usize {
        sizes_of(self.program.as_ref()).1.persistent_bytes as usize
    }

    /// A step, an operation or more at a time.
    fn sliced(&mut self, codes: &[i8], label: u32, max_ops: u32) -> f32 {
        assert_eq!(self.begin(codes, label), QmError::None);
        loop {
            let (error, more, loss) = self.advance(max_ops);
            assert_eq!(error, QmError::None);
            if !more {
                return loss;
            }
            assert!(loss.is_nan(), "a loss before the end");
        }
    }
}

fn sizes_of(program: &[u8]) -> (QmError, QmSizes) {
    let mut sizes = QmSizes::default();
    // SAFETY: pointer and length are those of a slice.
    let error = unsafe { qm_sizes_of(program.as_ptr(), program.len(), &raw mut sizes) };
    (error, sizes)
}

/// Keyboard, and one of its samples.
fn keyboard() -> (Vec<u8>, Vec<i8>, u32) {
    let file = exports::keyboard("device").file;
    let program = Program::parse(AlignedBytes::copy_of(&file)).expect("a program");
    let chosen = samples::choose(scenario::by_id("keyboard"), &program, 0, 1).expect("it ships");
    let (codes, label) = chosen.samples.get(0);
    (file, codes.to_vec(), label)
}

#[test]
fn every_program_trains_whole_and_sliced_as_by_the_runtime() {
    for export in exports::shipped() {
        let name = export.name();
        let program = Program::parse(AlignedBytes::copy_of(&export.file)).expect("a program");
        let meta = *program.meta();
        let n_samples = STEPS;
        let chosen = samples::choose(scenario::by_id(&export.scenario), &program, 0, n_samples)
            .expect("they ship");
        let arena = AlignedBytes::zeroed(meta.arena_bytes as usize);
        let settings = program.settings();
        let mut runtime: Runtime<_, _> = Runtime::new(program, arena).expect("an arena");
        let (mut whole, mut sliced) = (Trainer::ready(&export.file), Trainer::ready(&export.file));
        let mut logits = vec![0.0; meta.head.n_classes as usize];
        for step in 0..STEPS {
            let (codes, label) = chosen.samples.get(step as usize);
            runtime.load_sample(codes, label).expect("a sample");
            runtime.forward();
            let (error, best) = whole.infer(codes, &mut logits);
            assert_eq!(error, QmError::None);
            assert_eq!(best as usize, largest(&logits), "{name}");
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&logits), bits(runtime.logits()), "{name}");
            runtime.load_sample(codes, label).expect("a sample");
            let params: StepParams = settings.step_params(step);
            let loss = runtime.step(&params, &mut NoTrace).to_bits();
            let (error, of_whole) = whole.step(codes, label);
            assert_eq!((error, of_whole.to_bits()), (QmError::None, loss), "{name}");
            let of_sliced = sliced.sliced(codes, label, 1 + 3 * step);
            assert_eq!(of_sliced.to_bits(), loss, "{name}");
        }
        let digest = (QmError::None, runtime.weights_digest());
        let mut state = vec![0; meta.persistent_bytes as usize];
        for trainer in [&mut whole, &mut sliced] {
            assert_eq!(trainer.digest(), digest, "{name}");
            assert_eq!(trainer.steps(), (QmError::None, STEPS));
            assert_eq!(trainer.save(&mut state), QmError::None);
            assert!(state == runtime.state(), "{name}");
        }
    }
}

#[test]
fn sizes_are_those_of_the_program() {
    let (file, codes, _) = keyboard();
    let program = Program::parse(AlignedBytes::copy_of(&file)).expect("a program");
    let meta = program.meta();
    let (error, sizes) = sizes_of(AlignedBytes::copy_of(&file).as_ref());
    assert_eq!(error, QmError::None);
    let [input_height, input_width, input_channels] = meta.input_shape;
    let expected = QmSizes {
        arena_bytes: meta.arena_bytes,
        persistent_bytes: meta.persistent_bytes,
        input_codes: u32::try_from(codes.len()).expect("a sample"),
        input_height,
        input_width,
        input_channels,
        input_scale: meta.input_quant.scale,
        input_zero_point: meta.input_quant.zero_point,
        n_classes: meta.head.n_classes,
        n_ops: program.n_ops(),
    };
    assert_eq!(sizes, expected);
}

#[test]
fn programs_that_cannot_be_used_have_their_errors() {
    let (file, ..) = keyboard();
    let changed = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        file
    };
    let cases = [
        (changed(0), QmError::ProgramForeign),
        (forge::with_other_version(&file), QmError::ProgramVersion),
        (file[..file.len() - 4].to_vec(), QmError::ProgramLength),
        (Vec::new(), QmError::ProgramForeign),
        (changed(file.len() / 2), QmError::ProgramDamaged),
        (forge::with_other_identity(&file), QmError::ProgramDamaged),
        (forge::with_arena(&file, 4), QmError::ProgramInvalid),
    ];
    for (program, expected) in cases {
        let program = AlignedBytes::copy_of(&program);
        assert_eq!(sizes_of(program.as_ref()), (expected, QmSizes::default()));
        let mut trainer = Trainer::unready(program.as_ref(), 1 << 20);
        assert_eq!(trainer.init(0), expected);
        assert_eq!(trainer.reset(), QmError::NotReady);
    }
    let mut shifted = AlignedBytes::zeroed(file.len() + 1);
    shifted.as_mut()[1..].copy_from_slice(&file);
    let (error, _) = sizes_of(&shifted.as_ref()[1..]);
    assert_eq!(error, QmError::ProgramMisaligned);
}

#[test]
fn an_arena_that_is_too_small_or_misaligned_is_refused_and_stays_as_it_is() {
    let (file, ..) = keyboard();
    let (_, sizes) = sizes_of(AlignedBytes::copy_of(&file).as_ref());
    let needed = sizes.arena_bytes as usize;
    for (len, skip, expected) in [
        (needed - 1, 0, QmError::ArenaTooSmall),
        (needed + 3, 4, QmError::ArenaTooSmall),
        (needed + 4, 1, QmError::ArenaMisaligned),
        (needed + 4, 2, QmError::ArenaMisaligned),
        (needed + 4, 4, QmError::None),
    ] {
        let mut trainer = Trainer::unready(&file, len);
        trainer.arena.as_mut().fill(0x5a);
        assert_eq!(trainer.init(skip), expected);
        if expected != QmError::None {
            assert!(trainer.arena.as_ref().iter().all(|&byte| byte == 0x5a));
            assert_eq!(trainer.reset(), QmError::NotReady);
        }
    }
}

#[test]
fn calls_out_of_turn_are_refused_and_change_nothing() {
    let (file, codes, label) = keyboard();
    let mut trainer = Trainer::unready(&file, 0);
    assert_eq!(trainer.step(&codes, label).0, QmError::NotReady);

    let mut trainer = Trainer::ready(&file);
    let n_bytes = trainer.persistent_bytes();
    let (_, start) = trainer.digest();
    let mut state = vec![0; n_bytes];
    assert_eq!(trainer.advance(1).0, QmError::NoStep);
    assert_eq!(trainer.step(&codes[1..], label).0, QmError::InputLength);
    assert_eq!(trainer.step(&codes, u32::MAX).0, QmError::Label);
    assert_eq!(trainer.infer(&codes, &mut [0.0]).0, QmError::LogitsLength);
    assert_eq!(trainer.save(&mut state[1..]), QmError::StateLength);
    assert_eq!(trainer.restore(&state[1..], 7), QmError::StateLength);
    assert_eq!(trainer.set_steps(u32::MAX), QmError::None);
    assert_eq!(trainer.step(&codes, label).0, QmError::Steps);
    assert_eq!(trainer.reset(), QmError::None);
    assert_eq!(trainer.steps(), (QmError::None, 0));
    assert_eq!(trainer.digest(), (QmError::None, start));

    let (_, loss) = trainer.step(&codes, label);
    assert_eq!(trainer.save(&mut state), QmError::None);
    let (_, trained) = trainer.digest();
    assert_ne!(trained, start);
    // What a step under way forbids, and what gives it up.
    let end_it: [fn(&mut Trainer, &[u8]); 3] = [
        |trainer, state| assert_eq!(trainer.restore(state, 1), QmError::None),
        |trainer, _| assert_eq!(trainer.reset(), QmError::None),
        |trainer, _| assert_eq!(trainer.init(0), QmError::None),
    ];
    for (which, end_it) in end_it.into_iter().enumerate() {
        assert_eq!(trainer.begin(&codes, label), QmError::None);
        let (error, more, _) = trainer.advance(0);
        assert_eq!((error, more), (QmError::None, true));
        // All but the last operation: the weights have changed.
        let n_ops = sizes_of(trainer.program.as_ref()).1.n_ops;
        assert!(trainer.advance(n_ops - 1).1);
        assert_eq!(trainer.begin(&codes, label), QmError::StepRunning);
        assert_eq!(trainer.step(&codes, label).0, QmError::StepRunning);
        let mut logits = vec![0.0; sizes_of(trainer.program.as_ref()).1.n_classes as usize];
        assert_eq!(trainer.infer(&codes, &mut logits).0, QmError::StepRunning);
        let mut unsaved = vec![0; n_bytes];
        assert_eq!(trainer.save(&mut unsaved), QmError::StepRunning);
        assert_eq!(trainer.digest().0, QmError::StepRunning);
        assert_eq!(trainer.set_steps(0), QmError::StepRunning);
        end_it(&mut trainer, &state);
        let expected = if which == 0 { (trained, 1) } else { (start, 0) };
        assert_eq!(trainer.digest(), (QmError::None, expected.0));
        assert_eq!(trainer.steps(), (QmError::None, expected.1));
    }
    let (error, again) = trainer.step(&codes, label);
    assert_eq!((error, again.to_bits()), (QmError::None, loss.to_bits()));
}

#[test]
fn null_and_a_copied_trainer_are_refused() {
    let (file, codes, label) = keyboard();
    let mut trainer = Trainer::ready(&file);
    let mut copy = Box::new(QmTrainer {
        storage: trainer.storage.storage,
    });
    let mut sizes = QmSizes::default();
    // SAFETY: the storage was written as a whole, and every function checks for NULL first.
    unsafe {
        assert_eq!(qm_reset(&raw mut *copy), QmError::NotReady);
        let place = &raw mut *trainer.storage;
        let half = place.cast::<u8>().add(4).cast();
        assert_eq!(qm_reset(half), QmError::NotReady);
        assert_eq!(qm_reset(null_mut()), QmError::Null);
        assert_eq!(qm_steps(place, null_mut()), QmError::Null);
        assert_eq!(qm_save(place, null_mut(), 0), QmError::Null);
        assert_eq!(qm_restore(place, null(), 0, 0), QmError::Null);
        assert_eq!(qm_weights_digest(place, null_mut()), QmError::Null);
        assert_eq!(qm_sizes_of(null(), 0, &raw mut sizes), QmError::Null);
        assert_eq!(
            qm_sizes_of(file.as_ptr(), file.len(), null_mut()),
            QmError::Null
        );
        assert_eq!(
            qm_step_continue(place, 1, null_mut(), null_mut()),
            QmError::Null
        );
        assert_eq!(qm_step_begin(place, null(), 0, 0), QmError::Null);
        // Places for what nobody asks for may be NULL.
        let (start, len) = (codes.as_ptr(), codes.len());
        assert_eq!(qm_step(place, start, len, label, null_mut()), QmError::None);
        let nowhere = null_mut();
        assert_eq!(
            qm_infer(place, start, len, nowhere, 0, null_mut()),
            QmError::None
        );
    }
}

/// The sentence of an error.
pub(crate) fn text_of(number: u32) -> &'static str {
    // SAFETY: it is a constant that ends with a zero.
    let text = unsafe { CStr::from_ptr(qm_error_text(number)) };
    text.to_str().expect("ASCII")
}

#[test]
fn every_number_has_a_text() {
    assert_eq!(text_of(QmError::None as u32), "There was no error.");
    assert!(text_of(QmError::ArenaTooSmall as u32).starts_with("The arena is too small"));
    assert!(text_of(u32::MAX).starts_with("This number is not an error"));
}
