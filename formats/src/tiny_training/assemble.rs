//! From the dictionary to a network: the order of the layers, and who reads what.

use quartermeg_core::network::{Network, NetworkError, Node, NodeKind, Shape, Value};

use super::budget::Budget;
use super::conv::{self, CLAMP, Role};
use super::error::{FieldError, TinyTrainingError};
use super::fields::Fields;
use super::pickle::Pickle;
use super::place::{Layer, Place};

/// Most blocks; the deepest known network has 20.
const MAX_BLOCKS: u16 = 256;

const NETWORK_KEYS: [&str; 4] = ["first_conv", "blocks", "feature_mix", "classifier"];
const BLOCK_KEYS: [&str; 5] = ["pointwise1", "depthwise", "pointwise2", "residual", "se"];
/// Keys of a shortcut.
const RESIDUAL_KEYS: [&str; 3] = ["in_channel", "in_shape", "params"];
/// Keys of its `params`.
const RESIDUAL_PARAMS: [&str; 4] = ["x_scale", "x_zero", "y_scale", "y_zero"];

/// The network that the dictionary describes.
pub(super) fn network(
    name: &str,
    pickle: &Pickle<'_>,
    budget: &mut Budget,
) -> Result<Network, TinyTrainingError> {
    let root = Fields::root(pickle, &NETWORK_KEYS)?;
    root.none("feature_mix")?;
    let first = conv::open(&root, "first_conv", Place::FirstConv)?;
    let image = conv::image(&first, Place::FirstConv)?;
    let mut chain = Chain {
        nodes: Vec::new(),
        places: Vec::new(),
        last: 0,
        value: image,
        budget,
    };
    chain.conv(&first, Place::FirstConv, Role::Ordinary)?;
    let place = |block| Place::Block { block };
    let blocks = root.dicts("blocks", MAX_BLOCKS, place, &BLOCK_KEYS)?;
    for (block, fields) in blocks.iter().enumerate() {
        chain.block(fields, block)?;
    }
    let pooled = Value {
        shape: Shape {
            h: 1,
            w: 1,
            c: chain.value.shape.c,
        },
        quant: chain.value.quant,
    };
    chain.push(Place::Pool, NodeKind::AveragePool, vec![chain.last], pooled);
    let classifier = conv::open(&root, "classifier", Place::Classifier)?;
    chain.conv(&classifier, Place::Classifier, Role::Pointwise)?;
    let n_classes = chain.value.shape.c;
    let logits = NodeKind::Logits { softmax: None };
    chain.push(Place::Logits, logits, vec![chain.last], chain.value);

    let classes = (0..n_classes).map(|class| class.to_string()).collect();
    let Chain { nodes, places, .. } = chain;
    Network::new(name.to_owned(), classes, image, nodes).map_err(|error: NetworkError| {
        let place = error.node().and_then(|node| places.get(node).copied());
        TinyTrainingError::Network {
            place: place.unwrap_or(Place::Network),
            error,
        }
    })
}

/// The nodes so far. Each reads the last one, except for the shortcuts.
struct Chain<'b> {
    nodes: Vec<Node>,
    /// Where each node comes from.
    places: Vec<Place>,
    /// Index of the last value: the image, or the last node's output.
    last: usize,
    /// That value.
    value: Value,
    budget: &'b mut Budget,
}

impl Chain<'_> {
    fn push(&mut self, place: Place, kind: NodeKind, inputs: Vec<usize>, value: Value) {
        self.nodes.push(Node {
            name: place.node_name(),
            kind,
            inputs,
        });
        self.places.push(place);
        self.last = self.nodes.len();
        self.value = value;
    }

    fn conv(
        &mut self,
        fields: &Fields<'_, '_>,
        place: Place,
        role: Role,
    ) -> Result<(), TinyTrainingError> {
        let (conv, value) = conv::read(fields, place, role, self.value, self.budget)?;
        self.push(place, NodeKind::Conv(conv), vec![self.last], value);
        Ok(())
    }

    /// Expand, where there is one; depthwise; project; and the shortcut, where there is one.
    fn block(&mut self, fields: &Fields<'_, '_>, block: usize) -> Result<(), TinyTrainingError> {
        fields.none("se")?;
        let input = (self.last, self.value);
        for (layer, role) in [
            (Layer::Expand, Role::Pointwise),
            (Layer::Depthwise, Role::Depthwise),
            (Layer::Project, Role::Pointwise),
        ] {
            if layer == Layer::Expand && !fields.has(layer.key()) {
                continue;
            }
            let place = Place::Layer { block, layer };
            let dict = conv::open(fields, layer.key(), place)?;
            self.conv(&dict, place, role)?;
        }
        if fields.has("residual") {
            self.shortcut(fields, block, input)?;
        }
        Ok(())
    }

    /// The sum of the block's input and its output so far.
    fn shortcut(
        &mut self,
        block_fields: &Fields<'_, '_>,
        block: usize,
        (shortcut, input): (usize, Value),
    ) -> Result<(), TinyTrainingError> {
        let place = Place::Residual { block };
        if conv::is_conv(block_fields, "residual") {
            return Err(block_fields.error("residual", FieldError::ConvShortcut));
        }
        let fields = block_fields.dict("residual", place, &RESIDUAL_KEYS)?;
        let params = fields.dict("params", place, &RESIDUAL_PARAMS)?;
        fields.agree("in_channel", input.shape.c)?;
        fields.agree_pair("in_shape", [input.shape.h, input.shape.w])?;
        conv::check_input(&params, input.quant)?;
        let output = conv::quant(&params, ["y_scale", "y_zero"])?;
        let kind = NodeKind::Add {
            output,
            clamp: CLAMP,
        };
        let value = Value {
            shape: self.value.shape,
            quant: output,
        };
        self.push(place, kind, vec![shortcut, self.last], value);
        Ok(())
    }
}
