//! Why a call did nothing, as numbers for C, each with a sentence.

use core::ffi::CStr;

use quartermeg_core::program::ProgramError;
use quartermeg_core::runtime::{ArenaError, InputError};

/// Why a call did nothing. The numbers stay the same from version to version; new ones may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum QmError {
    /// There was no error.
    None = 0,
    /// A pointer that must not be NULL is NULL.
    Null = 1,
    /// The trainer was not initialised, was copied to another place, or is not aligned to 8 bytes.
    NotReady = 2,
    /// A step is under way; finish it with `qm_step_continue`, or give it up with `qm_reset` or
    /// `qm_restore`.
    StepRunning = 3,
    /// No step is under way; begin one with `qm_step_begin`.
    NoStep = 4,
    /// The bytes are not a Quartermeg program.
    ProgramForeign = 5,
    /// The program is of a format version that this library does not read.
    ProgramVersion = 6,
    /// The program has another length than its header says: it was cut off.
    ProgramLength = 7,
    /// The program was changed: its checksum or its identity differs.
    ProgramDamaged = 8,
    /// The program does not start at a multiple of 4.
    ProgramMisaligned = 9,
    /// The program is whole, but breaks a rule.
    ProgramInvalid = 10,
    /// The arena is smaller than the program's `arena_bytes`.
    ArenaTooSmall = 11,
    /// The arena does not start at a multiple of 4.
    ArenaMisaligned = 12,
    /// The input has another number of codes than the program's `input_codes`.
    InputLength = 13,
    /// There is no such class.
    Label = 14,
    /// The logits have another number of elements than the program has classes.
    LogitsLength = 15,
    /// The state has another number of bytes than the program's `persistent_bytes`.
    StateLength = 16,
    /// No further step can be counted in 32 bits.
    Steps = 17,
}

impl QmError {
    const ALL: [Self; 18] = [
        Self::None,
        Self::Null,
        Self::NotReady,
        Self::StepRunning,
        Self::NoStep,
        Self::ProgramForeign,
        Self::ProgramVersion,
        Self::ProgramLength,
        Self::ProgramDamaged,
        Self::ProgramMisaligned,
        Self::ProgramInvalid,
        Self::ArenaTooSmall,
        Self::ArenaMisaligned,
        Self::InputLength,
        Self::Label,
        Self::LogitsLength,
        Self::StateLength,
        Self::Steps,
    ];

    /// The sentence of a number; numbers that are no error have one of their own.
    pub(crate) fn text_of(number: u32) -> &'static CStr {
        let known = Self::ALL.into_iter().find(|error| *error as u32 == number);
        known.map_or(
            c"This number is not an error of this version of the library.",
            Self::text,
        )
    }

    fn text(self) -> &'static CStr {
        match self {
            Self::None => c"There was no error.",
            Self::Null => c"A pointer that must not be NULL is NULL.",
            Self::NotReady => {
                c"The trainer was not initialised, was copied, or is misaligned; call qm_init on it where it lies."
            }
            Self::StepRunning => {
                c"A step is under way; finish it with qm_step_continue, or give it up with qm_reset or qm_restore."
            }
            Self::NoStep => c"No step is under way; begin one with qm_step_begin.",
            Self::ProgramForeign => {
                c"This is not a Quartermeg program: its first 8 bytes are not \"QMEGPROG\"."
            }
            Self::ProgramVersion => {
                c"The program is of a format version that this library does not read; export it again."
            }
            Self::ProgramLength => {
                c"The program has another length than its header says: it was cut off; load it again."
            }
            Self::ProgramDamaged => {
                c"The program is damaged: its checksum or its identity differs; load it again."
            }
            Self::ProgramMisaligned => {
                c"The program does not start at a multiple of 4; align it as the exported header does."
            }
            Self::ProgramInvalid => c"The program is whole, but breaks a rule; export it again.",
            Self::ArenaTooSmall => {
                c"The arena is too small; qm_sizes_of says how many bytes the program needs."
            }
            Self::ArenaMisaligned => {
                c"The arena does not start at a multiple of 4; align it as the exported header does."
            }
            Self::InputLength => {
                c"The input has another number of codes than the program; qm_sizes_of says how many."
            }
            Self::Label => c"There is no such class; classes are counted from 0.",
            Self::LogitsLength => c"There must be as many logits as classes.",
            Self::StateLength => {
                c"The state has another number of bytes than the program's persistent part."
            }
            Self::Steps => c"No further step can be counted in 32 bits.",
        }
    }
}

impl From<ProgramError> for QmError {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::Magic => Self::ProgramForeign,
            ProgramError::Version { .. } => Self::ProgramVersion,
            ProgramError::Truncated { .. } => Self::ProgramLength,
            ProgramError::Checksum { .. } => Self::ProgramDamaged,
            ProgramError::Misaligned => Self::ProgramMisaligned,
            _ => Self::ProgramInvalid,
        }
    }
}

impl From<ArenaError> for QmError {
    fn from(error: ArenaError) -> Self {
        match error {
            ArenaError::TooSmall { .. } => Self::ArenaTooSmall,
            // It is the only other reason.
            _ => Self::ArenaMisaligned,
        }
    }
}

impl From<InputError> for QmError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::InputLength { .. } => Self::InputLength,
            InputError::Label { .. } => Self::Label,
            // It is the only other reason.
            _ => Self::StateLength,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_own_sentence() {
        for (number, error) in (0..).zip(QmError::ALL) {
            assert_eq!(error as u32, number, "{error:?}");
            let text = QmError::text_of(number);
            let same = QmError::ALL
                .iter()
                .filter(|other| other.text() == text)
                .count();
            assert_eq!(same, 1, "{error:?} shares its sentence");
            assert!(text.to_bytes().ends_with(b"."), "{text:?}");
        }
        let unknown = QmError::text_of(u32::MAX);
        assert!(QmError::ALL.iter().all(|error| error.text() != unknown));
    }
}
