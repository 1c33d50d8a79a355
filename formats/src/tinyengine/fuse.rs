//! The passes that merge operators, drop them, or let them overwrite what they read.
//!
//! Nothing is moved here: operators are marked as dropped, and a value that gets no memory of its
//! own stands for another one.

use super::graph::{ElementType, Graph, Node, Source, Value, ValueId};
use super::op::Op;
use super::passes::Passes;

/// A place where a value is read.
#[derive(Clone, Copy)]
struct Reader {
    node: usize,
    slot: usize,
}

/// The graph while it is changed.
pub(super) struct Fusion {
    /// Tensors of the file.
    pub values: Vec<Value>,
    /// Operators of the file; their inputs shrink where an operand becomes a constant.
    pub nodes: Vec<Node>,
    /// Whether an operator is still there.
    pub kept: Vec<bool>,
    /// What an operator writes: its result, also a mask, or nothing where it changes parameters.
    pub writes: Vec<Vec<ValueId>>,
    /// The gradient with which an operator changes a parameter at once.
    pub updates: Vec<Option<ValueId>>,
    /// Value in whose memory a value lies; itself where it has its own.
    pub stand_in: Vec<ValueId>,
    /// Bytes of the memory of a value, without alignment.
    pub bytes: Vec<u32>,
    readers: Vec<Vec<Reader>>,
    producer: Vec<Option<usize>>,
}

/// The value in whose memory a value lies in the end.
pub(super) fn memory_of(stand_in: &[ValueId], mut value: ValueId) -> ValueId {
    // A value stands for one that was computed earlier, so this ends.
    while stand_in[value] != value {
        value = stand_in[value];
    }
    value
}

/// Runs the passes.
pub(super) fn fuse(graph: Graph, passes: &Passes) -> Fusion {
    let mut fusion = Fusion::new(graph);
    fusion.truncations();
    fusion.masks(passes.bit_masks);
    fusion.views();
    if passes.fuse_tile {
        fusion.tiles();
    }
    if passes.fuse_cast {
        fusion.casts();
    }
    if passes.sgd_in_place {
        fusion.weight_updates();
    }
    if passes.fuse_where_zeros {
        fusion.where_zeros(passes.where_in_place);
    }
    if passes.multiply_in_place {
        fusion.multiply_in_place();
    }
    fusion
}

impl Fusion {
    fn new(graph: Graph) -> Self {
        let Graph { values, nodes } = graph;
        let mut readers = vec![Vec::new(); values.len()];
        let mut producer = vec![None; values.len()];
        for (node, it) in nodes.iter().enumerate() {
            for (slot, &value) in it.inputs.iter().enumerate() {
                readers[value].push(Reader { node, slot });
            }
            producer[it.result] = Some(node);
        }
        Self {
            kept: vec![true; nodes.len()],
            writes: nodes.iter().map(|node| vec![node.result]).collect(),
            updates: vec![None; nodes.len()],
            stand_in: (0..values.len()).collect(),
            bytes: values.iter().map(Value::bytes).collect(),
            values,
            nodes,
            readers,
            producer,
        }
    }

    /// Kept operators of a type.
    fn all(&self, op: Op) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|&node| self.kept[node] && self.nodes[node].op == op)
            .collect()
    }

    fn memory_of(&self, value: ValueId) -> ValueId {
        memory_of(&self.stand_in, value)
    }

    /// The only operator that reads a value, looking through other shapes of it.
    fn only_reader(&self, mut value: ValueId) -> Option<Reader> {
        loop {
            let &[reader] = self.readers[value].as_slice() else {
                return None;
            };
            if self.kept[reader.node] || self.nodes[reader.node].op != Op::Reshape {
                return Some(reader);
            }
            value = self.nodes[reader.node].result;
        }
    }

    /// Drops an operator whose result is its first input in other words.
    fn bypass(&mut self, node: usize) {
        self.kept[node] = false;
        let Node { inputs, result, .. } = &self.nodes[node];
        self.stand_in[*result] = inputs[0];
    }

    /// A clamp becomes a part of the operator before it, which then writes int8.
    fn truncations(&mut self) {
        for node in self.all(Op::Truncate) {
            let Node { inputs, result, .. } = &self.nodes[node];
            let (before, element) = (inputs[0], self.values[*result].element);
            self.values[before].element = element;
            self.bytes[before] = self.values[before].bytes();
            self.bypass(node);
        }
    }

    /// Cast, two comparisons and their product become a second output of the operator whose
    /// clamp they describe: one bit an element, bytes filled along the channels. A residual add
    /// keeps a byte an element.
    fn masks(&mut self, bits: bool) {
        for op in [Op::Convolution, Op::DepthwiseConvolution, Op::Add] {
            for node in self.all(op) {
                let result = self.nodes[node].result;
                for Reader { node: cast, .. } in self.readers[result].clone() {
                    let Some((mask, parts)) = self.mask_of(cast) else {
                        continue;
                    };
                    if self.values[mask].n_elements != self.values[result].n_elements {
                        continue;
                    }
                    for part in parts {
                        self.kept[part] = false;
                    }
                    let channels = self.values[result].channels();
                    let n_elements = self.values[result].n_elements;
                    self.bytes[mask] = if bits && op != Op::Add {
                        n_elements / channels * channels.div_ceil(8)
                    } else {
                        n_elements
                    };
                    self.writes[node].push(mask);
                }
            }
        }
    }

    /// The mask that starts with a cast, and the operators that compute it.
    fn mask_of(&self, cast: usize) -> Option<(ValueId, [usize; 4])> {
        if self.nodes[cast].op != Op::Cast || !self.kept[cast] {
            return None;
        }
        let &[first, second] = self.readers[self.nodes[cast].result].as_slice() else {
            return None;
        };
        let ops = [first, second].map(|it| self.nodes[it.node].op);
        if first.slot != 0
            || second.slot != 0
            || !ops.contains(&Op::GreaterEqual)
            || !ops.contains(&Op::LessEqual)
        {
            return None;
        }
        let product = self.only_reader(self.nodes[first.node].result)?.node;
        let other = self.only_reader(self.nodes[second.node].result)?.node;
        let is_mask = product == other && self.nodes[product].op == Op::Multiply;
        let parts = [cast, first.node, second.node, product];
        is_mask.then(|| (self.nodes[product].result, parts))
    }

    /// Another shape of a value, and a sum of single elements, need no operator.
    fn views(&mut self) {
        for node in self.all(Op::Reshape) {
            self.bypass(node);
        }
        for node in self.all(Op::Sum) {
            let Node { inputs, result, .. } = &self.nodes[node];
            let [from, to] = [inputs[0], *result].map(|value| self.values[value].n_elements);
            if from == to {
                self.bypass(node);
            }
        }
    }

    /// A gradient is read again and again instead of being repeated in memory.
    fn tiles(&mut self) {
        for node in self.all(Op::Tile) {
            let reader = self.only_reader(self.nodes[node].result);
            if reader.is_some_and(|it| it.slot == 1 && self.is(it.node, Op::GroupConvolution)) {
                self.bypass(node);
            }
        }
    }

    fn is(&self, node: usize, op: Op) -> bool {
        self.kept[node] && self.nodes[node].op == op
    }

    /// Weights and saved activations are cast while they are read. A cast before a slice stays,
    /// as released.
    fn casts(&mut self) {
        for node in self.all(Op::Cast) {
            let Node { inputs, result, .. } = &self.nodes[node];
            if self.values[inputs[0]].element != ElementType::I8 {
                continue;
            }
            let is_read_as_int8 = self.only_reader(*result).is_some_and(|reader| {
                (reader.slot == 1 && self.is(reader.node, Op::TransposeConvolution))
                    || (reader.slot == 0 && self.is(reader.node, Op::GroupConvolution))
            });
            if is_read_as_int8 {
                self.bypass(node);
            }
        }
    }

    /// A weight gradient changes the weights at once and is never stored.
    fn weight_updates(&mut self) {
        for node in self.all(Op::Transpose) {
            let Node { inputs, result, .. } = &self.nodes[node];
            let (gradient, result) = (self.memory_of(inputs[0]), *result);
            let Some(convolution) = self.producer[gradient] else {
                continue;
            };
            if self.values[result].output_info.is_some()
                && self.is(convolution, Op::GroupConvolution)
            {
                self.kept[node] = false;
                self.stand_in[result] = gradient;
                self.writes[convolution].clear();
                self.updates[convolution] = Some(result);
            }
        }
    }

    /// The zeros of a clamp's gradient become a constant; then it may overwrite what it masks.
    fn where_zeros(&mut self, in_place: bool) {
        for node in self.all(Op::Where) {
            let [masked, zeros] = [1, 2].map(|slot| self.nodes[node].inputs[slot]);
            let Some(source) = self.producer[self.memory_of(zeros)] else {
                continue;
            };
            let readers = self.readers[self.nodes[source].result].len();
            if !self.is(source, Op::Zeros) || readers != 1 {
                continue;
            }
            self.kept[source] = false;
            self.nodes[node].inputs.truncate(2);
            if in_place && self.can_be_overwritten(masked, self.nodes[node].result) {
                self.stand_in[self.nodes[node].result] = masked;
            }
        }
    }

    /// A product with fewer factors than elements, but more than one, overwrites its first input.
    fn multiply_in_place(&mut self) {
        for node in self.all(Op::Multiply) {
            let Node { inputs, result, .. } = &self.nodes[node];
            let [elements, factors] = [0, 1].map(|slot| self.values[inputs[slot]].n_elements);
            let (scaled, result) = (inputs[0], *result);
            if factors > 1 && elements > factors && self.can_be_overwritten(scaled, result) {
                self.stand_in[result] = scaled;
            }
        }
    }

    /// Whether a value is read once only, under every name, and has room for what replaces it.
    fn can_be_overwritten(&self, mut value: ValueId, by: ValueId) -> bool {
        loop {
            if self.readers[value].len() != 1 || self.values[value].source != Source::Operator {
                return false;
            }
            if self.stand_in[value] == value {
                return self.bytes[value] == self.values[by].bytes();
            }
            value = self.stand_in[value];
        }
    }
}
