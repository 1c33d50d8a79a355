//! Record of a pool over windows.

use super::geometry::Geometry;
use crate::num::signed;

/// One pool over windows; scale and zero point of input and output are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolRecord {
    /// The largest code instead of the mean.
    pub is_max: bool,
    /// How its window slides.
    pub geometry: Geometry,
    /// Smallest and largest output code.
    pub clamp: [i32; 2],
}

impl PoolRecord {
    pub(crate) const WORDS: usize = 15;

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let Geometry {
            input: [h, w, c],
            output: [out_h, out_w, out_c],
            kernel: [kh, kw],
            stride: [sh, sw],
            padding: [top, left],
        } = self.geometry;
        let [min, max] = self.clamp.map(i32::cast_unsigned);
        let is_max = u32::from(self.is_max);
        [
            is_max, h, w, c, out_h, out_w, out_c, kh, kw, sh, sw, top, left, min, max,
        ]
    }

    pub(crate) fn decode(w: &[u32; Self::WORDS]) -> Self {
        Self {
            is_max: w[0] != 0,
            geometry: Geometry {
                input: [w[1], w[2], w[3]],
                output: [w[4], w[5], w[6]],
                kernel: [w[7], w[8]],
                stride: [w[9], w[10]],
                padding: [w[11], w[12]],
            },
            clamp: [signed(w[13]), signed(w[14])],
        }
    }
}
