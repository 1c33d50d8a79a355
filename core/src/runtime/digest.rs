//! The digest of all weights: SHA-256 over the logical order, so that it does not depend on the
//! plan. Per layer the weights (output, kh, kw, input) and the int32 biases, then the
//! classifier's weights and biases as f32; all little endian. f32 masters are hashed as they are,
//! and an int8 weight that has a remainder is followed by it.

use sha2::{Digest as _, Sha256};

use super::Runtime;
use super::kernels::Kernels;
use crate::program::LayerRecord;

/// Bytes gathered before they are hashed.
const CHUNK: usize = 256;

impl<P: AsRef<[u8]>, A: AsRef<[u8]> + AsMut<[u8]>, K: Kernels> Runtime<P, A, K> {
    /// SHA-256 of all weights, frozen and trained.
    #[cfg_attr(page, optimize(size))]
    pub fn weights_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for layer in 0..self.program.n_layers() {
            let record = self.program.layer(layer);
            self.hash_weights(&record, &mut hash);
            match record.bias_tensor {
                Some(tensor) => hash.update(self.tensor_bytes(tensor)),
                None => hash.update(
                    self.program
                        .constants::<u8>(record.bias, 4 * record.out_channels()),
                ),
            }
        }
        if let Some(classifier) = self.program.meta().head.classifier {
            hash.update(self.tensor_bytes(classifier.weight_tensor));
            hash.update(self.tensor_bytes(classifier.bias_tensor));
        }
        hash.finalize().into()
    }

    #[cfg_attr(page, optimize(size))]
    fn hash_weights(&self, record: &LayerRecord, hash: &mut Sha256) {
        let mut chunk = [0; CHUNK];
        let mut len = 0;
        let (taps, channels) = (record.taps(), record.in_channels());
        let filters = if record.depthwise {
            1
        } else {
            record.out_channels()
        };
        let mut push = |bytes: &[u8]| {
            for &byte in bytes {
                chunk[len] = byte;
                len += 1;
                if len == CHUNK {
                    hash.update(chunk);
                    len = 0;
                }
            }
        };
        if record.depthwise {
            for channel in 0..channels {
                for tap in 0..taps {
                    self.weight_bytes(record, tap, channel, &mut push);
                }
            }
        } else {
            for row in 0..filters * taps {
                for channel in 0..channels {
                    self.weight_bytes(record, row, channel, &mut push);
                }
            }
        }
        hash.update(&chunk[..len]);
    }

    /// Hands on the weight of an original channel in a row of `[filters * taps]`.
    #[cfg_attr(page, optimize(size))]
    fn weight_bytes(
        &self,
        record: &LayerRecord,
        row: usize,
        channel: usize,
        push: &mut impl FnMut(&[u8]),
    ) {
        let (n_frozen, n_trainable) = (record.n_frozen as usize, record.n_trainable as usize);
        let position = match record.channels {
            None => channel,
            Some(offset) => {
                let list = self.program.constants::<u16>(offset, record.in_channels());
                let (frozen, trainable) = list.split_at(n_frozen);
                let find =
                    |part: &[u16]| part.binary_search_by(|&entry| usize::from(entry).cmp(&channel));
                find(frozen).unwrap_or_else(|_| n_frozen + find(trainable).unwrap_or(0))
            }
        };
        if position < n_frozen {
            let codes = self
                .program
                .constants::<u8>(record.frozen_weight, record.weight_len(n_frozen));
            let at = row * n_frozen + position;
            push(&codes[at..=at]);
            return;
        }
        let at = row * n_trainable + position - n_frozen;
        for tensor in [record.weight_tensor, record.remainder_tensor]
            .into_iter()
            .flatten()
        {
            let bytes = self.tensor_bytes(tensor);
            let size = bytes.len() / record.weight_len(n_trainable);
            push(&bytes[at * size..(at + 1) * size]);
        }
    }
}
