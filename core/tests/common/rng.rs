//! A small generator (`SplitMix64`), so that a case is a function of its seed on every target.

/// The state of the generator.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number in `0..end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.bits() % end).expect("small")
    }

    /// A whole number in `first..=last`.
    pub(crate) fn between(&mut self, first: i32, last: i32) -> i32 {
        let span = usize::try_from(last - first + 1).expect("first is at most last");
        first + i32::try_from(self.below(span)).expect("small")
    }

    /// A number in `0.0..1.0` with 24 random bits.
    pub(crate) fn unit(&mut self) -> f32 {
        let top = u16::try_from(self.bits() >> 48).expect("16 bits");
        let low = u8::try_from(self.bits() >> 56).expect("8 bits");
        (f32::from(top) * 256.0 + f32::from(low)) / 16_777_216.0
    }

    /// A number in `low..high`.
    pub(crate) fn real(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Whether an event of this probability happens.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    pub(crate) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Any int8 code.
    pub(crate) fn code(&mut self) -> i8 {
        i8::try_from(self.between(-128, 127)).expect("in range")
    }

    pub(crate) fn codes(&mut self, len: usize) -> Vec<i8> {
        (0..len).map(|_| self.code()).collect()
    }

    /// Weight codes: symmetric, and now and then zero or at the end of the range.
    pub(crate) fn weights(&mut self, len: usize) -> Vec<i8> {
        let reach = self.choose(&[127, 127, 60, 9]);
        (0..len)
            .map(|_| match self.below(16) {
                0 => 0,
                1 => self.choose(&[-127, 127]),
                _ => i8::try_from(self.between(-reach, reach)).expect("in range"),
            })
            .collect()
    }

    /// Gradients of mixed magnitude and sign, some of them zero as behind a mask.
    pub(crate) fn gradients(&mut self, len: usize) -> Vec<f32> {
        (0..len)
            .map(|_| {
                if self.chance(0.2) {
                    0.0
                } else {
                    let magnitude = self.choose(&[1e-6, 1e-3, 1.0, 300.0]);
                    self.real(-1.0, 1.0) * magnitude
                }
            })
            .collect()
    }
}
