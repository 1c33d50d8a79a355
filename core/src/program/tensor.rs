//! A tensor of the program: where it lies in the arena and how long it lives.

use crate::quant::{GradientType, Rules, UpdateRule};

/// Element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DType {
    /// One bit an element, element `i` at bit `i % 8` of byte `i / 8`.
    Bit,
    /// int8.
    I8,
    /// int16.
    I16,
    /// int32.
    I32,
    /// f32.
    F32,
    /// int8 codes and, at the next multiple of four bytes, the f32 scale that they share.
    ScaledI8,
}

impl DType {
    const ALL: [Self; 6] = [
        Self::Bit,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::F32,
        Self::ScaledI8,
    ];

    /// Type of gradients with respect to activations.
    #[must_use]
    pub fn of_gradients(rules: Rules) -> Self {
        match rules.gradient {
            GradientType::F32 => Self::F32,
            GradientType::I8 => Self::ScaledI8,
        }
    }

    /// Type of weights that learn.
    #[must_use]
    pub fn of_weights(rules: Rules) -> Self {
        match rules.update {
            UpdateRule::Master => Self::F32,
            _ => Self::I8,
        }
    }

    /// Type of biases that learn.
    #[must_use]
    pub fn of_biases(rules: Rules) -> Self {
        match rules.update {
            UpdateRule::Master => Self::F32,
            _ => Self::I32,
        }
    }

    /// Bytes that `n_elements` of this type occupy.
    #[must_use]
    pub fn bytes(self, n_elements: usize) -> usize {
        match self {
            Self::Bit => n_elements.div_ceil(8),
            Self::I8 => n_elements,
            Self::I16 => 2 * n_elements,
            Self::I32 | Self::F32 => 4 * n_elements,
            Self::ScaledI8 => n_elements.next_multiple_of(4) + 4,
        }
    }
}

/// What a tensor is for; the memory map colours by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The input image.
    Input,
    /// The label of the sample.
    Label,
    /// int8 weights that learn.
    TrainableWeight,
    /// int32 biases that learn.
    TrainableBias,
    /// The f32 classifier.
    Classifier,
    /// What the update keeps beside a parameter: int8 remainders, momentum.
    OptimizerState,
    /// An activation that only the forward pass needs.
    Activation,
    /// An activation, or channels of one, kept for a weight gradient.
    SavedActivation,
    /// One bit an element: was the clamp inactive?
    Mask,
    /// A gradient with respect to an activation.
    Gradient,
    /// Working space of one operation.
    Scratch,
}

impl Role {
    /// All roles in the order of the legend.
    pub const ALL: [Self; 11] = [
        Self::Input,
        Self::Label,
        Self::TrainableWeight,
        Self::TrainableBias,
        Self::Classifier,
        Self::Activation,
        Self::SavedActivation,
        Self::Mask,
        Self::Gradient,
        Self::Scratch,
        Self::OptimizerState,
    ];

    /// Whether a tensor of this role keeps its contents from step to step.
    #[must_use]
    pub fn is_persistent(self) -> bool {
        matches!(
            self,
            Self::TrainableWeight | Self::TrainableBias | Self::Classifier | Self::OptimizerState
        )
    }
}

/// One row of the tensor table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorRecord {
    /// Element type.
    pub dtype: DType,
    /// What it is for.
    pub role: Role,
    /// First byte in the arena.
    pub offset: u32,
    /// Size in bytes, without alignment.
    pub size_bytes: u32,
    /// First operation during which it is live, inclusive.
    pub first_use: u32,
    /// Last operation during which it is live, inclusive.
    pub last_use: u32,
    /// Height, width, channels (parameters: outputs, taps, channels).
    pub shape: [u32; 3],
    /// Index of the name of the network node that it belongs to, or [`TensorRecord::NO_NAME`].
    pub name: u32,
}

impl TensorRecord {
    /// Words of one record in the image.
    pub(crate) const WORDS: usize = 10;
    /// "Belongs to no node".
    pub const NO_NAME: u32 = u32::MAX;

    /// Whether the tensor is live during operation `op_idx`.
    #[must_use]
    pub fn is_live_at(&self, op_idx: u32) -> bool {
        (self.first_use..=self.last_use).contains(&op_idx)
    }

    /// First byte behind the tensor.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.offset.saturating_add(self.size_bytes)
    }

    #[cfg(feature = "compile")]
    pub(crate) fn encode(&self) -> [u32; Self::WORDS] {
        let dtype = DType::ALL
            .iter()
            .position(|&dtype| dtype == self.dtype)
            .unwrap_or(0);
        let role = Role::ALL
            .iter()
            .position(|&role| role == self.role)
            .unwrap_or(0);
        let [h, w, c] = self.shape;
        [
            crate::num::word(dtype),
            crate::num::word(role),
            self.offset,
            self.size_bytes,
            self.first_use,
            self.last_use,
            h,
            w,
            c,
            self.name,
        ]
    }

    pub(crate) fn decode(words: &[u32; Self::WORDS]) -> Option<Self> {
        let &[
            dtype,
            role,
            offset,
            size_bytes,
            first_use,
            last_use,
            h,
            w,
            c,
            name,
        ] = words;
        Some(Self {
            dtype: *DType::ALL.get(dtype as usize)?,
            role: *Role::ALL.get(role as usize)?,
            offset,
            size_bytes,
            first_use,
            last_use,
            shape: [h, w, c],
            name,
        })
    }
}
