//! Frozen layers, row by row: between two layers lie only as many rows as the later one reads at
//! once.

use core::ops::Range;

use super::kernels::Kernels;
use super::step::{cast, cast_mut, convolve, split};
use super::{Runtime, scratch};
use crate::program::{MAX_STREAM_LAYERS, Stream, TensorIdx};

/// Where the parts of a stream lie in the block.
struct Places {
    x: Range<usize>,
    y: Range<usize>,
    buffers: [Range<usize>; MAX_STREAM_LAYERS - 1],
    branch: Range<usize>,
    kernels: Range<usize>,
}

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn stream_forward(&mut self, op_idx: u32, tensors: [TensorIdx; 3]) {
        let Some(stream) = self.program.stream(self.program.op(op_idx)) else {
            return;
        };
        let [x, y, rest] = tensors.map(|tensor| self.range(tensor));
        let parts = scratch::stream_parts(&stream, self.program.rules());
        let mut start = rest.start;
        let mut take = |bytes: usize| {
            start += bytes;
            start - bytes..start
        };
        let places = Places {
            x,
            y,
            buffers: parts.buffers.map(&mut take),
            branch: take(parts.branch),
            kernels: take(parts.kernels),
        };
        let last = stream.layers().len() - 1;
        let mut held = [0..0, 0..0];
        for row in 0..stream.layers()[last].output[0] as usize {
            let out = bytes_of_row(&places.y, row, stream.layers()[last].out_row());
            if let Some(add) = stream.add() {
                let branch = places.branch.start..places.branch.start + out.len();
                self.stream_row(&stream, &places, &mut held, last, row, branch.clone());
                // The row of the shortcut goes where the row of the sum will be.
                let shortcut = bytes_of_row(&places.x, row, out.len());
                let arena = self.arena.as_mut();
                arena.copy_within(shortcut, out.start);
                let [out, branch] = split(arena, [out, branch]);
                let rule = self.program.rules().elementwise;
                K::add_forward(add, rule, cast_mut(out), cast(branch), &mut []);
            } else {
                self.stream_row(&stream, &places, &mut held, last, row, out);
            }
        }
    }

    /// Computes row `row` of layer `at` into `out`, and before it the rows that it reads. `held`
    /// are the rows that each line buffer holds.
    fn stream_row(
        &mut self,
        stream: &Stream,
        places: &Places,
        held: &mut [Range<usize>; MAX_STREAM_LAYERS - 1],
        at: usize,
        row: usize,
        out: Range<usize>,
    ) {
        let layer = &stream.layers()[at];
        let read = layer.rows_read(row);
        let in_row = layer.in_row();
        let source = if at == 0 {
            places.x.start + read.start * in_row
        } else {
            let buffer = places.buffers[at - 1].start;
            self.drop_rows(buffer, &mut held[at - 1], read.start, in_row);
            while held[at - 1].end < read.end {
                let next = held[at - 1].end;
                let to = buffer + (next - read.start) * in_row;
                self.stream_row(stream, places, held, at - 1, next, to..to + in_row);
                held[at - 1].end = next + 1;
            }
            buffer
        };
        let ranges = [
            source..source + read.len() * in_row,
            out,
            0..0,
            places.kernels.clone(),
            0..0,
            0..0,
        ];
        let tensors = split(self.arena.as_mut(), ranges);
        convolve::<K, _>(&self.program, &layer.of_one_row(row), tensors);
    }

    /// Moves the rows from `first` on to the front of a line buffer.
    fn drop_rows(&mut self, buffer: usize, held: &mut Range<usize>, first: usize, row: usize) {
        if held.start < first && first < held.end {
            let from = buffer + (first - held.start) * row;
            let to = buffer + held.len() * row;
            self.arena.as_mut().copy_within(from..to, buffer);
        }
        *held = first..held.end.max(first);
    }
}

fn bytes_of_row(tensor: &Range<usize>, row: usize, bytes: usize) -> Range<usize> {
    let start = tensor.start + row * bytes;
    start..start + bytes
}
