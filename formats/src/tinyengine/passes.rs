//! Which of the generator's passes run.

/// The generator's switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// `FUSE_TILE`: a weight gradient reads its output gradient without repeating it first.
    pub fuse_tile: bool,
    /// `FUSE_CAST` and `FUSE_CAST_SLICE`: weights and saved activations are read as int8.
    pub fuse_cast: bool,
    /// `FUSE_WHERE_ZEROS`: a clamp's zeros are a constant, not a tensor.
    pub fuse_where_zeros: bool,
    /// `INPLACE_WHERE`: a clamp overwrites the gradient that it masks; needs
    /// [`Passes::fuse_where_zeros`].
    pub where_in_place: bool,
    /// `INPLACE_MUL`: a scale per channel overwrites the gradient that it scales.
    pub multiply_in_place: bool,
    /// `INPLACE_SGD`: gradients change parameters at once instead of staying to the end.
    pub sgd_in_place: bool,
    /// `REORDER_GCONV_TCONV`: a weight gradient waits for the gradient of the layer below.
    pub reorder: bool,
    /// `USE_BIT_MASK`: one bit an element for a convolution's mask instead of one byte.
    pub bit_masks: bool,
    /// Depthwise convolutions of stride 1 or 2 forwards and of stride 1 backwards overwrite
    /// their input.
    pub depthwise_in_place: bool,
    /// Which tensor is placed first.
    pub order: PlaceOrder,
}

impl Passes {
    /// Everything on, as released.
    pub const RELEASED: Self = Self {
        fuse_tile: true,
        fuse_cast: true,
        fuse_where_zeros: true,
        where_in_place: true,
        multiply_in_place: true,
        sgd_in_place: true,
        reorder: true,
        bit_masks: true,
        depthwise_in_place: true,
        order: PlaceOrder::LongestFirst,
    };

    /// What is left when every fusion is switched off.
    pub const UNFUSED: Self = Self {
        fuse_tile: false,
        fuse_cast: false,
        fuse_where_zeros: false,
        where_in_place: false,
        multiply_in_place: false,
        sgd_in_place: false,
        reorder: false,
        ..Self::RELEASED
    };
}

/// Which tensor is placed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceOrder {
    /// That which lives for the most operations, as released for training.
    LongestFirst,
    /// That with the most bytes.
    LargestFirst,
}
