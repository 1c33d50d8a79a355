//! The update schemes that were published with the paper, by the memory that its byte formula
//! counts (source: `tiny-training`, `compilation/mcu_ir_gen.py`).

use alloc::vec;

use super::{LayerUpdate, Policy, SchemeError};

/// A scheme for one of the three networks of `tiny-training`.
#[derive(Clone, Copy, Debug)]
pub struct PublishedScheme {
    /// Name: network and KB of 1024 bytes.
    pub id: &'static str,
    /// Convolutions of the network that it is for.
    pub n_convs: usize,
    /// Biases of so many last convolutions learn.
    pub n_biases: usize,
    /// Convolutions whose weights learn too, and their channel ratio.
    pub weights: &'static [(usize, f32)],
}

/// All published schemes.
pub const PUBLISHED: [PublishedScheme; 15] = [
    PublishedScheme {
        id: "mcunet-49kb",
        n_convs: 42,
        n_biases: 20,
        weights: &[
            (23, 0.0),
            (24, 0.25),
            (27, 0.5),
            (30, 0.5),
            (33, 0.0),
            (39, 0.0),
        ],
    },
    PublishedScheme {
        id: "mcunet-74kb",
        n_convs: 42,
        n_biases: 21,
        weights: &[
            (21, 1.0),
            (23, 0.0),
            (24, 1.0),
            (26, 0.0),
            (27, 0.5),
            (30, 1.0),
        ],
    },
    PublishedScheme {
        id: "mcunet-99kb",
        n_convs: 42,
        n_biases: 22,
        weights: &[
            (21, 1.0),
            (24, 1.0),
            (27, 1.0),
            (30, 1.0),
            (36, 0.125),
            (39, 0.25),
        ],
    },
    PublishedScheme {
        id: "mcunet-124kb",
        n_convs: 42,
        n_biases: 24,
        weights: &[
            (21, 0.25),
            (24, 1.0),
            (27, 1.0),
            (30, 1.0),
            (33, 0.5),
            (39, 0.5),
        ],
    },
    PublishedScheme {
        id: "mcunet-148kb",
        n_convs: 42,
        n_biases: 23,
        weights: &[
            (21, 1.0),
            (24, 1.0),
            (27, 1.0),
            (30, 1.0),
            (36, 1.0),
            (39, 0.5),
        ],
    },
    PublishedScheme {
        id: "mbv2-49kb",
        n_convs: 51,
        n_biases: 16,
        weights: &[
            (36, 1.0),
            (39, 1.0),
            (40, 0.0),
            (41, 0.25),
            (42, 0.125),
            (45, 0.125),
            (48, 0.125),
            (49, 0.125),
        ],
    },
    PublishedScheme {
        id: "mbv2-73kb",
        n_convs: 51,
        n_biases: 20,
        weights: &[
            (32, 0.125),
            (33, 0.5),
            (36, 0.5),
            (39, 1.0),
            (41, 0.25),
            (42, 0.125),
            (45, 0.125),
            (48, 1.0),
        ],
    },
    PublishedScheme {
        id: "mbv2-99kb",
        n_convs: 51,
        n_biases: 25,
        weights: &[
            (27, 1.0),
            (30, 1.0),
            (33, 1.0),
            (36, 1.0),
            (39, 1.0),
            (42, 0.125),
            (45, 0.5),
            (48, 1.0),
        ],
    },
    PublishedScheme {
        id: "mbv2-123kb",
        n_convs: 51,
        n_biases: 31,
        weights: &[
            (27, 1.0),
            (30, 1.0),
            (33, 1.0),
            (36, 1.0),
            (39, 1.0),
            (42, 0.5),
            (45, 1.0),
            (48, 1.0),
        ],
    },
    PublishedScheme {
        id: "mbv2-138kb",
        n_convs: 51,
        n_biases: 34,
        weights: &[
            (27, 1.0),
            (30, 1.0),
            (33, 1.0),
            (36, 1.0),
            (39, 1.0),
            (42, 1.0),
            (45, 1.0),
            (48, 1.0),
        ],
    },
    PublishedScheme {
        id: "proxyless-49kb",
        n_convs: 60,
        n_biases: 21,
        weights: &[
            (39, 0.25),
            (42, 1.0),
            (44, 0.0),
            (45, 1.0),
            (50, 0.0),
            (51, 0.125),
            (54, 0.25),
            (57, 0.25),
        ],
    },
    PublishedScheme {
        id: "proxyless-74kb",
        n_convs: 60,
        n_biases: 28,
        weights: &[
            (33, 0.5),
            (36, 0.25),
            (39, 1.0),
            (42, 1.0),
            (45, 1.0),
            (51, 0.5),
            (54, 0.25),
            (57, 0.5),
        ],
    },
    PublishedScheme {
        id: "proxyless-98kb",
        n_convs: 60,
        n_biases: 25,
        weights: &[
            (36, 1.0),
            (39, 0.5),
            (42, 1.0),
            (45, 1.0),
            (48, 0.25),
            (51, 0.5),
            (54, 1.0),
            (57, 1.0),
        ],
    },
    PublishedScheme {
        id: "proxyless-120kb",
        n_convs: 60,
        n_biases: 32,
        weights: &[
            (36, 1.0),
            (39, 1.0),
            (42, 1.0),
            (45, 1.0),
            (48, 0.5),
            (51, 1.0),
            (54, 1.0),
            (57, 1.0),
        ],
    },
    PublishedScheme {
        id: "proxyless-148kb",
        n_convs: 60,
        n_biases: 45,
        weights: &[
            (36, 1.0),
            (39, 1.0),
            (42, 1.0),
            (45, 1.0),
            (48, 1.0),
            (51, 1.0),
            (54, 1.0),
            (57, 1.0),
        ],
    },
];

impl PublishedScheme {
    /// The policy for a network of `n_convs` convolutions.
    ///
    /// # Errors
    /// When it is for a network of another number.
    pub fn policy(&self, n_convs: usize) -> Result<Policy, SchemeError> {
        if n_convs != self.n_convs {
            return Err(SchemeError::OtherNetwork {
                expected: self.n_convs,
                found: n_convs,
            });
        }
        let mut layers = vec![LayerUpdate::Frozen; n_convs];
        layers[n_convs - self.n_biases..].fill(LayerUpdate::Bias);
        for &(layer, ratio) in self.weights {
            if ratio > 0.0 {
                layers[layer] = LayerUpdate::Weights { ratio };
            }
        }
        Ok(Policy::new(layers))
    }
}
