//! How fast runs are, and so how long the others will take.

/// What was computed, and in which time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    /// Multiply-accumulates.
    pub(crate) macs: u64,
    /// Milliseconds.
    pub(crate) millis: f64,
}

impl Pace {
    /// Seconds that so many multiply-accumulates will take.
    #[cfg_attr(page, optimize(size))]
    pub(crate) fn seconds(self, macs: u64) -> u32 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time to the second"
        )]
        let seconds = (macs as f64 * self.millis / self.macs.max(1) as f64 / 1_000.0).ceil() as u32;
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_and_never_too_short() {
        let pace = Pace {
            macs: 1_000,
            millis: 500.0,
        };
        assert_eq!(
            [0, 1, 2_000, 2_001].map(|macs| pace.seconds(macs)),
            [0, 1, 1, 2]
        );
        assert_eq!(Pace::default().seconds(5), 0);
    }
}
