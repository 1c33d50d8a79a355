//! Runs as a text that a browser keeps: a version, then base64 of a checksum and of the runs.
//!
//! One walk over the fields of a run serves writing and reading, so that both agree and are small.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quartermeg_core::checksum::crc32;

use super::{Costs, Phase, Run};

/// What the text begins with.
const HEAD: &str = "quartermeg-runs 1 ";
/// Bytes of the checksum.
const CHECKSUM: usize = 4;
/// Stands for a number that is not known; no arithmetic makes this one.
const UNKNOWN: u32 = u32::MAX;

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Another version wrote it.
    Version,
    /// It is damaged.
    Damaged,
}

impl StoreError {
    /// As the end of a sentence.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Version => "another version of the page has written them",
            Self::Damaged => "they are damaged",
        }
    }
}

/// Writes runs, and which is pinned. Number 0 is no run's.
#[must_use]
pub fn encode<'a>(runs: impl Iterator<Item = &'a Run>, pinned: Option<u32>) -> String {
    let mut archive = Archive {
        bytes: Vec::new(),
        source: None,
    };
    archive.number(&mut pinned.unwrap_or(0));
    for run in runs {
        walk(&mut run.clone(), &mut archive);
    }
    let mut bytes = crc32(&archive.bytes).to_le_bytes().to_vec();
    bytes.extend(archive.bytes);
    format!("{HEAD}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads what [`encode`] has written: the runs, and the one that is pinned.
///
/// # Errors
/// When another version has written it, or it is damaged.
pub fn decode(text: &str) -> Result<(Vec<Run>, Option<u32>), StoreError> {
    let code = text.strip_prefix(HEAD).ok_or(StoreError::Version)?;
    let decoded = URL_SAFE_NO_PAD.decode(code);
    let bytes = decoded.map_err(|_no_base64| StoreError::Damaged)?;
    let (checksum, body) = bytes
        .split_first_chunk::<CHECKSUM>()
        .ok_or(StoreError::Damaged)?;
    if crc32(body).to_le_bytes() != *checksum {
        return Err(StoreError::Damaged);
    }
    runs(body).ok_or(StoreError::Damaged)
}

fn runs(body: &[u8]) -> Option<(Vec<Run>, Option<u32>)> {
    let mut archive = Archive {
        bytes: Vec::new(),
        source: Some(Ok(body)),
    };
    let mut pinned = 0;
    archive.number(&mut pinned);
    let mut runs = Vec::new();
    while archive.has_more() {
        let mut run = Run::default();
        walk(&mut run, &mut archive);
        runs.push(run);
    }
    let is_whole = archive.source.is_some_and(|source| source.is_ok());
    is_whole.then_some((runs, Some(pinned).filter(|&id| id != 0)))
}

/// Every field of a run, in the order of the text.
fn walk(run: &mut Run, archive: &mut Archive<'_>) {
    let texts = [
        &mut run.name,
        &mut run.note,
        &mut run.kept_at,
        &mut run.version,
        &mut run.policy_name,
        &mut run.weights_digest,
        &mut run.identity,
    ];
    for text in texts {
        archive.text(text);
    }
    for number in [&mut run.id, &mut run.steps] {
        archive.number(number);
    }
    for number in &mut run.n_samples {
        archive.number(number);
    }
    archive.real(&mut run.loss);
    for ratio in run.log_ratios.as_flattened_mut() {
        archive.real(ratio);
    }
    archive.list(&mut run.phases, |archive, phase: &mut Phase| {
        archive.number(&mut phase.from_step);
        archive.text(&mut phase.setup);
    });
    archive.list(&mut run.losses, |archive, (step, loss)| {
        archive.number(step);
        let mut bits = loss.to_bits();
        archive.number(&mut bits);
        *loss = f32::from_bits(bits);
    });
    archive.list(&mut run.accuracies, |archive, (step, correct, total)| {
        for number in [step, correct, total] {
            archive.number(number);
        }
    });
    let mut is_planned = u32::from(run.costs.is_some());
    archive.number(&mut is_planned);
    if is_planned != 0 {
        let costs = run.costs.get_or_insert_default();
        let Costs {
            arena_bytes,
            persistent_bytes,
            flash_bytes,
            macs_step,
            step_millis,
        } = costs;
        for number in [arena_bytes, persistent_bytes, flash_bytes] {
            archive.number(number);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lower and the upper half"
        )]
        let mut halves = [*macs_step as u32, (*macs_step >> 32) as u32];
        for half in &mut halves {
            archive.number(half);
        }
        *macs_step = u64::from(halves[0]) | u64::from(halves[1]) << 32;
        archive.real(step_millis);
    }
}

/// Fields on their way into bytes or out of them.
struct Archive<'a> {
    /// What was written.
    bytes: Vec<u8>,
    /// What is still to be read, or that it was not what it should be; none while writing.
    source: Option<Result<&'a [u8], ()>>,
}

impl<'a> Archive<'a> {
    fn has_more(&self) -> bool {
        matches!(self.source, Some(Ok([_, ..])))
    }

    /// The next bytes; nothing where there are fewer.
    fn take(&mut self, n: usize) -> &'a [u8] {
        let rest = self.source.and_then(Result::ok).unwrap_or_default();
        let taken = rest.split_at_checked(n);
        self.source = Some(taken.map(|(_, behind)| behind).ok_or(()));
        taken.map_or(&[], |(taken, _)| taken)
    }

    fn number(&mut self, value: &mut u32) {
        if self.source.is_none() {
            self.bytes.extend(value.to_le_bytes());
        } else {
            let taken = self.take(size_of::<u32>()).first_chunk();
            *value = taken.map_or(0, |bytes| u32::from_le_bytes(*bytes));
        }
    }

    fn real(&mut self, value: &mut Option<f32>) {
        let mut bits = match *value {
            None => UNKNOWN,
            Some(value) if value.is_nan() => f32::NAN.to_bits(),
            Some(value) => value.to_bits(),
        };
        self.number(&mut bits);
        *value = (bits != UNKNOWN).then(|| f32::from_bits(bits));
    }

    fn text(&mut self, text: &mut String) {
        let mut len = count(text.len());
        self.number(&mut len);
        if self.source.is_none() {
            self.bytes.extend(text.as_bytes());
        } else {
            match str::from_utf8(self.take(len as usize)) {
                Ok(taken) => taken.clone_into(text),
                Err(_) => self.source = Some(Err(())),
            }
        }
    }

    /// A list, whose elements have at least a byte each, so that a wrong length ends early.
    fn list<T: Default>(&mut self, list: &mut Vec<T>, mut walk: impl FnMut(&mut Self, &mut T)) {
        let mut len = count(list.len());
        self.number(&mut len);
        if self.source.is_none() {
            for element in list {
                walk(self, element);
            }
            return;
        }
        while count(list.len()) < len && self.has_more() {
            let mut element = T::default();
            walk(self, &mut element);
            list.push(element);
        }
        if count(list.len()) < len {
            self.source = Some(Err(()));
        }
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::example;
    use super::*;

    #[test]
    fn runs_survive_the_browser() {
        let mut diverged = example(u64::MAX);
        diverged.losses[1].1 = f32::INFINITY;
        let runs = vec![example(1), Run::default(), diverged];
        let text = encode(runs.iter(), Some(3));
        assert_eq!(decode(&text), Ok((runs, Some(3))));
        assert_eq!(decode(&encode([].iter(), None)), Ok((Vec::new(), None)));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let text = encode([example(1)].iter(), None);
        assert_eq!(decode(""), Err(StoreError::Version));
        assert_eq!(
            decode(&text.replace("runs 1", "runs 2")),
            Err(StoreError::Version)
        );
        assert_eq!(decode(HEAD), Err(StoreError::Damaged));
        let cut = text.get(..text.len() - 4).expect("ASCII");
        assert_eq!(decode(cut), Err(StoreError::Damaged));
        assert_eq!(decode(&format!("{text}!")), Err(StoreError::Damaged));
    }

    fn bytes_of(text: &str) -> Vec<u8> {
        let code = text.strip_prefix(HEAD).expect("the version");
        URL_SAFE_NO_PAD.decode(code).expect("base64")
    }

    proptest! {
        #[test]
        fn no_text_and_no_bytes_panic(text in any::<String>(), bytes: Vec<u8>) {
            let _ = decode(&text);
            let _ = decode(&format!("{HEAD}{text}"));
            let _ = decode(&format!("{HEAD}{}", URL_SAFE_NO_PAD.encode(&bytes)));
            // Behind a checksum that is right.
            let _ = runs(&bytes);
            let whole = bytes_of(&encode([example(1)].iter(), None));
            let at = bytes.len() % whole.len();
            let _ = runs(&[&whole[CHECKSUM..][..at.min(whole.len() - CHECKSUM)], &bytes].concat());
        }

        #[test]
        fn a_damaged_byte_is_noticed(at in any::<prop::sample::Index>(), by in 1u8..) {
            let text = encode([example(1)].iter(), Some(3));
            let mut bytes = bytes_of(&text);
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            let damaged = format!("{HEAD}{}", URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(decode(&damaged), Err(StoreError::Damaged));
        }
    }
}
