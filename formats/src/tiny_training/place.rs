//! Where in the network's dictionary a part lies.

/// One of the convolutions of a block, by the field's name for what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `pointwise1`: more channels.
    Expand,
    /// `depthwise`: one filter per channel.
    Depthwise,
    /// `pointwise2`: fewer channels.
    Project,
}

impl Layer {
    /// Its key in the block's dictionary.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Expand => "pointwise1",
            Self::Depthwise => "depthwise",
            Self::Project => "pointwise2",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Depthwise => "depthwise",
            Self::Project => "project",
        }
    }
}

/// A part of the network's dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The outermost dictionary.
    Network,
    /// `first_conv`.
    FirstConv,
    /// Entry `block` of `blocks`, counted from 0.
    Block {
        /// Its index.
        block: usize,
    },
    /// A convolution of a block.
    Layer {
        /// Index of the block.
        block: usize,
        /// Which one.
        layer: Layer,
    },
    /// `residual` of a block.
    Residual {
        /// Index of the block.
        block: usize,
    },
    /// The mean over all pixels in front of the classifier; the dictionary does not name it.
    Pool,
    /// `classifier`.
    Classifier,
    /// The classifier's output, seen as logits; the dictionary does not name it.
    Logits,
}

impl Place {
    /// What the node that is made of this part is called.
    pub(super) fn node_name(self) -> String {
        match self {
            Self::Network => "network".to_owned(),
            Self::FirstConv => "first".to_owned(),
            Self::Block { block } => format!("block{block}"),
            Self::Layer { block, layer } => format!("block{block}.{}", layer.name()),
            Self::Residual { block } => format!("block{block}.add"),
            Self::Pool => "pool".to_owned(),
            Self::Classifier => "classifier".to_owned(),
            Self::Logits => "logits".to_owned(),
        }
    }
}
