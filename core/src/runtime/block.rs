//! The backward pass of an inverted-residual block, a few hidden channels at a time: of the
//! gradients of the expanded activations only a tile of channels ever exists.
//!
//! Every sum has the order that it has layer by layer: the input gradient of the block sums over
//! the hidden channels, ascending, and goes on from tile to tile.

use core::ops::Range;

use super::apply::{BiasUpdate, TileUpdate, Totals};
use super::elementwise::{mask_scale, round_master};
use super::kernels::{Accumulate, Codes, Kernels, Weights};
use super::scratch::{BlockParts, HIDDEN_TILE, ROW_TILE};
use super::step::{cast, cast_mut, channels, split};
use super::trace::{Parameter, Trace};
use super::update::{StepParams, StoredBias, StoredWeights};
use super::{Runtime, elementwise, scratch};
use crate::program::{Block, LayerRecord, Op, Program};
use crate::quant::UpdateRule;

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn block_backward(&mut self, op: Op, params: &StepParams, trace: &mut impl Trace) {
        let (
            Some(block),
            Op::BlockBackward {
                first,
                gradient,
                out,
                accumulate,
                expand_mask,
                expand_x,
                depthwise_mask,
                depthwise_x,
                scratch,
                tile,
            },
        ) = (self.program.block(op), op)
        else {
            return;
        };
        let is_reached = expand_mask.is_some();
        let tile_len = tile as usize;
        let rules = self.program.rules();
        let parts = scratch::block_parts(&block, rules, tile_len, is_reached, accumulate);
        let Block {
            expand,
            depthwise,
            project,
        } = &block;
        let ranges = self.ranges([
            Some(gradient),
            out,
            expand_mask,
            expand_x,
            Some(depthwise_mask),
            depthwise_x,
            Some(scratch),
            project.weight_tensor,
            expand.weight_tensor,
            expand.remainder_tensor,
            expand.velocity_tensors[0],
            expand.bias_tensor,
            expand.velocity_tensors[1],
            depthwise.weight_tensor,
            depthwise.remainder_tensor,
            depthwise.velocity_tensors[0],
            depthwise.bias_tensor,
            depthwise.velocity_tensors[1],
        ]);
        let [
            gradient,
            out,
            expand_mask,
            expand_x,
            depthwise_mask,
            depthwise_x,
            scratch,
            project_weight,
            rest @ ..,
        ] = split(self.arena.as_mut(), ranges);
        let [e0, e1, e2, e3, e4, d0, d1, d2, d3, d4] = rest;
        let program = &self.program;
        let mut of_expand =
            Learning::new(program, expand, first, [e0, e1, e2, e3, e4], params, trace);
        let mut of_depthwise = Learning::new(
            program,
            depthwise,
            first + 1,
            [d0, d1, d2, d3, d4],
            params,
            trace,
        );
        let gradient: &[f32] = cast(gradient);
        let BlockRooms {
            sum,
            reduced,
            expanded,
            working,
        } = BlockRooms::new(&parts, scratch);
        let hidden = block.hidden();
        for start in (0..hidden).step_by(tile_len) {
            let tile = start..hidden.min(start + tile_len);
            let n = tile.len();
            let reduced = &mut reduced[..depthwise.out_pixels() * n];
            let weights = of_inputs(program, project, project_weight, tile.clone(), working);
            let project = with_channels(project, Some(n), None);
            K::conv_backward_input(&project, whole(weights), gradient, reduced, Accumulate::No);
            of_depthwise.mask_and_biases(reduced, depthwise_mask, tile.clone(), trace);
            let expanded = if is_reached {
                let expanded = &mut expanded[..expand.out_pixels() * n];
                let tensor = of_depthwise.weight_bytes();
                let weights = of_inputs(program, depthwise, tensor, tile.clone(), working);
                let depthwise = with_channels(depthwise, Some(n), Some(n));
                K::depthwise_backward_input(&depthwise, whole(weights), reduced, expanded, false);
                expanded
            } else {
                &mut []
            };
            of_depthwise.depthwise_weights::<K>(
                cast(depthwise_x),
                reduced,
                &tile,
                cast_mut(working),
                trace,
            );
            if !is_reached {
                continue;
            }
            of_expand.mask_and_biases(expanded, expand_mask, tile.clone(), trace);
            if !out.is_empty() {
                let target = if accumulate { &mut *sum } else { cast_mut(out) };
                let weights = of_outputs(program, expand, of_expand.weight_bytes(), &tile, working);
                let goes_on = if start == 0 {
                    Accumulate::No
                } else {
                    Accumulate::Within
                };
                let expand = with_channels(expand, None, Some(n));
                K::conv_backward_input(&expand, weights, expanded, target, goes_on);
            }
            of_expand.dense_weights::<K>(cast(expand_x), expanded, &tile, cast_mut(working), trace);
        }
        let out: &mut [f32] = cast_mut(out);
        for (out, sum) in out.iter_mut().zip(sum) {
            *out += *sum;
        }
        of_depthwise.finish(trace);
        of_expand.finish(trace);
    }
}

/// The scratch of the operation as its parts.
struct BlockRooms<'a> {
    sum: &'a mut [f32],
    reduced: &'a mut [f32],
    expanded: &'a mut [f32],
    /// Weights that a kernel reads, then a weight gradient.
    working: &'a mut [u8],
}

impl<'a> BlockRooms<'a> {
    fn new(parts: &BlockParts, scratch: &'a mut [u8]) -> Self {
        let (sum, rest) = scratch.split_at_mut(parts.sum);
        let (reduced, rest) = rest.split_at_mut(parts.reduced);
        let (expanded, working) = rest.split_at_mut(parts.expanded);
        Self {
            sum: cast_mut(sum),
            reduced: cast_mut(reduced),
            expanded: cast_mut(expanded),
            working,
        }
    }
}

/// What learns of one layer, tile by tile of its output channels.
struct Learning<'a> {
    layer: u32,
    biases: StoredBias<'a>,
    bias_update: BiasUpdate<'a>,
    bias_totals: Totals,
    weights: StoredWeights<'a>,
    weight_update: TileUpdate<'a>,
    weight_totals: Totals,
    effective_scale: &'a [f32],
}

impl<'a> Learning<'a> {
    /// `tensors` are weight, remainder, velocity, bias, velocity; what there is not is empty.
    fn new<P: AsRef<[u8]>>(
        program: &'a Program<P>,
        record: &'a LayerRecord,
        layer: u32,
        [weight, remainder, velocity, bias, bias_velocity]: [&'a mut [u8]; 5],
        params: &'a StepParams,
        trace: &impl Trace,
    ) -> Self {
        let rules = program.rules();
        let effective_scale = program.constants(record.effective_scale, record.out_channels());
        Self {
            layer,
            biases: StoredBias::new(rules, bias, bias_velocity),
            bias_update: BiasUpdate::new(program, record, layer, params),
            bias_totals: Totals::new(trace),
            weights: StoredWeights::new(rules, weight, remainder, velocity),
            weight_update: TileUpdate::new(program, record, layer, params),
            weight_totals: Totals::new(trace),
            effective_scale,
        }
    }

    fn record(&self) -> &LayerRecord {
        self.weight_update.layer
    }

    /// The bytes of the weight tensor.
    fn weight_bytes(&self) -> &[u8] {
        if self.weights.masters.is_empty() {
            bytemuck::cast_slice(self.weights.codes)
        } else {
            bytemuck::cast_slice(self.weights.masters)
        }
    }

    /// Turns the gradient of a tile of outputs into that of their accumulators, and updates their
    /// biases.
    fn mask_and_biases(
        &mut self,
        gradient: &mut [f32],
        mask: &[u8],
        tile: Range<usize>,
        trace: &mut impl Trace,
    ) {
        let scale = &self.effective_scale[tile.clone()];
        mask_scale(
            gradient,
            mask,
            scale,
            tile.start,
            self.effective_scale.len(),
        );
        if self.record().bias_tensor.is_none() {
            return;
        }
        let mut sums = [0.0; HIDDEN_TILE];
        let sums = &mut sums[..tile.len()];
        elementwise::bias_gradient(gradient, tile.len(), 0, sums);
        for (channel, sum) in tile.zip(sums) {
            trace.bias_gradient(self.layer, channel, *sum);
            let totals = &mut self.bias_totals;
            self.bias_update
                .channel(&mut self.biases, channel, *sum, totals);
        }
    }

    /// Updates the weights of a tile of outputs of a pointwise layer.
    fn dense_weights<K: Kernels>(
        &mut self,
        x: &[i8],
        gradient: &[f32],
        tile: &Range<usize>,
        rows: &mut [f32],
        trace: &mut impl Trace,
    ) {
        let row_len = self.record().n_trainable as usize;
        if row_len == 0 {
            return;
        }
        let seen = with_channels(&self.weight_update.seen(), None, Some(tile.len()));
        for first in (0..tile.len()).step_by(ROW_TILE) {
            let rows = &mut rows[..(tile.len() - first).min(ROW_TILE) * row_len];
            K::conv_weight_gradient(&seen, x, gradient, first, rows);
            let first = tile.start + first;
            trace.weight_gradient(self.layer, first, rows);
            let totals = &mut self.weight_totals;
            self.weight_update
                .tile(&mut self.weights, rows, first, totals);
        }
    }

    /// Updates the weights of a tile of channels of a depthwise layer.
    fn depthwise_weights<K: Kernels>(
        &mut self,
        x: &[i8],
        gradient: &[f32],
        tile: &Range<usize>,
        rows: &mut [f32],
        trace: &mut impl Trace,
    ) {
        if self.record().n_trainable == 0 {
            return;
        }
        // The trainable channels that are in the tile, and where in it they stand.
        let mut places = [0; HIDDEN_TILE];
        let (trainable, places) = match self.weight_update.list {
            None => (tile.clone(), None),
            Some(list) => {
                let before =
                    |channel: usize| list.partition_point(|&listed| usize::from(listed) < channel);
                let trainable = before(tile.start)..before(tile.end);
                for (place, listed) in places.iter_mut().zip(&list[trainable.clone()]) {
                    #[expect(clippy::cast_possible_truncation, reason = "below a tile's length")]
                    let offset = (usize::from(*listed) - tile.start) as u16;
                    *place = offset;
                }
                let n = trainable.len();
                (trainable, Some(&places[..n]))
            }
        };
        if trainable.is_empty() {
            return;
        }
        let n = Some(tile.len());
        let seen = LayerRecord {
            n_trainable: self.record().n_trainable,
            ..with_channels(&self.weight_update.seen(), n, n)
        };
        let rows = &mut rows[..seen.taps() * trainable.len()];
        let first = trainable.start;
        K::depthwise_weight_gradient(&seen, places, &x[first..], gradient, 0, rows);
        trace.weight_gradient(self.layer, first, rows);
        let totals = &mut self.weight_totals;
        self.weight_update
            .tile(&mut self.weights, rows, first, totals);
    }

    /// Tells what the updates did.
    fn finish(self, trace: &mut impl Trace) {
        let record = *self.record();
        if record.bias_tensor.is_some() {
            let n = record.out_channels();
            trace.update(self.bias_totals.trace(Parameter::Bias(self.layer), n));
        }
        if record.n_trainable > 0 {
            let parameter = Parameter::Weight(self.layer);
            trace.update(self.weight_totals.trace(parameter, self.weights.len()));
        }
    }
}

/// The layer as it is of some of its input and output channels alone; whole layers have weights
/// of one source.
fn with_channels(
    layer: &LayerRecord,
    inputs: Option<usize>,
    outputs: Option<usize>,
) -> LayerRecord {
    #[expect(clippy::cast_possible_truncation, reason = "at most a tile")]
    let word = |n: usize| n as u32;
    let mut part = *layer;
    if let Some(n) = inputs {
        part.input[2] = word(n);
        part.n_frozen = 0;
        part.n_trainable = word(n);
        part.channels = None;
    }
    if let Some(n) = outputs {
        part.output[2] = word(n);
    }
    part
}

/// Weights of one source, in their original order.
fn whole(codes: Codes<'_>) -> Weights<'_> {
    Weights {
        frozen: &[],
        trainable: codes,
        channels: None,
    }
}

/// The weights of the input channels of a tile, `[O, taps, n]`, of a depthwise layer `[taps, n]`.
/// `tensor` is what the weight tensor of the layer holds.
fn of_inputs<'a, P: AsRef<[u8]>>(
    program: &Program<P>,
    layer: &LayerRecord,
    tensor: &[u8],
    tile: Range<usize>,
    room: &'a mut [u8],
) -> Codes<'a> {
    let rules = program.rules();
    let n_codes = layer.weight_len(tile.len());
    let n_frozen = layer.n_frozen as usize;
    let gather = Gather {
        frozen: program.constants(layer.frozen_weight, layer.weight_len(n_frozen)),
        n_frozen,
        n_trainable: layer.n_trainable as usize,
        list: channels(program, layer),
        tile,
    };
    if rules.update == UpdateRule::Master {
        let masters: &[f32] = cast(tensor);
        let codes: &mut [i16] = &mut cast_mut(room)[..n_codes];
        gather.fill(codes, |at| round_master(masters[at], rules.master_codes));
        Codes::Wide(codes)
    } else {
        let trainable: &[i8] = cast(tensor);
        let codes: &mut [i8] = &mut cast_mut(room)[..n_codes];
        gather.fill(codes, |at| trainable[at]);
        Codes::Narrow(codes)
    }
}

/// Gathers the weights of some channels from the two sources.
struct Gather<'a> {
    frozen: &'a [i8],
    n_frozen: usize,
    n_trainable: usize,
    list: Option<&'a [u16]>,
    tile: Range<usize>,
}

impl Gather<'_> {
    fn fill<T: Copy + From<i8>>(&self, codes: &mut [T], trainable: impl Fn(usize) -> T) {
        let n = self.tile.len();
        for (lane, channel) in self.tile.clone().enumerate() {
            let (learns, position) = self.position(channel);
            for (row, codes) in codes.chunks_exact_mut(n).enumerate() {
                codes[lane] = if learns {
                    trainable(row * self.n_trainable + position)
                } else {
                    T::from(self.frozen[row * self.n_frozen + position])
                };
            }
        }
    }

    /// Whether a channel learns, and which of those that do, or do not, it is.
    fn position(&self, channel: usize) -> (bool, usize) {
        let Some(list) = self.list else {
            return (self.n_trainable > 0, channel);
        };
        let (frozen, trainable) = list.split_at(self.n_frozen);
        let find = |part: &[u16]| part.binary_search_by(|it| usize::from(*it).cmp(&channel));
        match find(trainable) {
            Ok(position) => (true, position),
            Err(_) => (false, find(frozen).unwrap_or_default()),
        }
    }
}

/// The weights of the outputs of a tile of a pointwise layer, whose `tensor` is what its weight
/// tensor holds.
fn of_outputs<'a, P: AsRef<[u8]>>(
    program: &'a Program<P>,
    layer: &LayerRecord,
    tensor: &'a [u8],
    tile: &Range<usize>,
    room: &'a mut [u8],
) -> Weights<'a> {
    let rules = program.rules();
    let [n_frozen, n_trainable] = [layer.n_frozen, layer.n_trainable].map(|n| n as usize);
    let frozen: &[i8] = program.constants(layer.frozen_weight, layer.weight_len(n_frozen));
    let trainable = tile.start * n_trainable..tile.end * n_trainable;
    let trainable = if rules.update == UpdateRule::Master {
        let codes: &mut [i16] = &mut cast_mut(room)[..trainable.len()];
        elementwise::round_masters(&cast(tensor)[trainable], rules.master_codes, codes);
        Codes::Wide(codes)
    } else {
        Codes::Narrow(&cast(tensor)[trainable])
    };
    Weights {
        frozen: &frozen[tile.start * n_frozen..tile.end * n_frozen],
        trainable,
        channels: channels(program, layer),
    }
}
