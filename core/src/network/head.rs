//! Putting another classifier on a network, so that it learns classes of one's own.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{Clamp, Classifier, Conv, Network, NetworkError, Node, NodeKind};
use crate::quant::{QuantParams, half_even, nearest};
use crate::runtime::Noise;

/// Keys the start values of a new classifier; beyond every parameter's key.
const HEAD_KEY: u32 = u32::MAX - 2;

/// Scale of the codes of an int8 classifier made from an f32 one: logits reach from -16 to
/// 15.875, beyond which a softmax is saturated, so no data are needed to choose it.
pub const INT8_LOGIT_SCALE: f32 = 0.125;

impl Network {
    /// The value that a new classifier reads: what the present one reads, or, of an int8 head,
    /// what its dense layer reads. `None` for an int8 head that no convolution feeds.
    #[must_use]
    pub fn features(&self) -> Option<usize> {
        let head = self.nodes.last()?;
        match (&head.kind, self.int8_classifier()) {
            (NodeKind::Logits { .. }, dense) => Some(self.nodes[dense?].inputs[0]),
            _ => head.inputs.first().copied(),
        }
    }

    /// The same network with `classifier` (f32, on dequantized features) in place of its head;
    /// an int8 head goes together with its dense layer.
    ///
    /// # Errors
    /// When the classifier does not fit the features.
    pub fn with_classifier(
        &self,
        classes: Vec<String>,
        classifier: Classifier,
    ) -> Result<Self, NetworkError> {
        let last = self.nodes.len().saturating_sub(1);
        let features = self
            .features()
            .ok_or(NetworkError::ClassifierInput { node: last })?;
        let n_kept = self.int8_classifier().unwrap_or(last);
        let mut nodes: Vec<Node> = self.nodes[..n_kept].to_vec();
        nodes.push(Node {
            name: "classifier".into(),
            kind: NodeKind::Classifier(classifier),
            inputs: vec![features],
        });
        Self::new(self.name.clone(), classes, self.values[0], nodes)
    }

    /// The same network with its f32 classifier as an int8 layer and [`NodeKind::Logits`] behind
    /// it: each row of weights is scaled by its largest (`s_w[c] = max|W[c]| / 127`), biases are
    /// int32 in units of `s_x * s_w[c]`, and a code is [`INT8_LOGIT_SCALE`] of a logit.
    /// A network that ends in an int8 layer already stays as it is.
    ///
    /// # Errors
    /// When a weight or bias is so large or small that int8 and int32 codes cannot hold it.
    pub fn with_int8_classifier(&self) -> Result<Self, NetworkError> {
        let Some((head, kept)) = self.nodes.split_last() else {
            return Ok(self.clone());
        };
        let NodeKind::Classifier(classifier) = &head.kind else {
            return Ok(self.clone());
        };
        let features = self.values[head.inputs[0]];
        let row_len = features.shape.len();
        let weight_scale: Vec<f32> = classifier
            .weight
            .chunks_exact(row_len)
            .map(|row| {
                let largest = row
                    .iter()
                    .fold(0.0, |max: f32, weight| max.max(weight.abs()));
                // A row of zeros takes the step of one whose largest weight is 1.
                (if largest > 0.0 { largest } else { 1.0 }) / 127.0
            })
            .collect();
        let rows = classifier.weight.chunks_exact(row_len).zip(&weight_scale);
        #[expect(clippy::cast_possible_truncation, reason = "at most 127 by the scale")]
        let weight = rows
            .flat_map(|(row, scale)| {
                row.iter()
                    .map(move |weight| half_even(weight / scale) as i8)
            })
            .collect();
        let bias = (classifier.bias.iter().zip(&weight_scale))
            .map(|(bias, scale)| nearest(bias / (features.quant.scale * scale)))
            .collect();
        let dense = Conv {
            depthwise: false,
            kernel: [features.shape.h, features.shape.w],
            stride: [1, 1],
            padding: [0; 4],
            weight,
            bias,
            weight_scale,
            real_scale: None,
            output: QuantParams {
                scale: INT8_LOGIT_SCALE,
                zero_point: 0,
            },
            clamp: Clamp {
                min: i8::MIN,
                max: i8::MAX,
            },
        };
        let mut nodes = kept.to_vec();
        nodes.push(Node {
            name: head.name.clone(),
            kind: NodeKind::Conv(dense),
            inputs: head.inputs.clone(),
        });
        nodes.push(Node {
            name: "logits".into(),
            kind: NodeKind::Logits { softmax: None },
            inputs: vec![kept.len() + 1],
        });
        Self::new(
            self.name.clone(),
            self.classes.clone(),
            self.values[0],
            nodes,
        )
    }

    /// The same network with the first `n_classes` rows of its int8 classifier, which keeps its
    /// scales: what the released firmware starts from. `None` where the network ends otherwise,
    /// or has fewer classes.
    #[must_use]
    pub fn with_first_classes(&self, n_classes: usize) -> Option<Self> {
        let dense = self.int8_classifier()?;
        if n_classes == 0 || n_classes > self.classes.len() {
            return None;
        }
        let mut nodes = self.nodes.clone();
        if let NodeKind::Conv(conv) = &mut nodes[dense].kind {
            let row_len = conv.weight.len() / conv.bias.len();
            conv.weight.truncate(n_classes * row_len);
            conv.bias.truncate(n_classes);
            conv.weight_scale.truncate(n_classes);
            if let Some(scales) = &mut conv.real_scale {
                scales.truncate(n_classes);
            }
        }
        let classes = self.classes[..n_classes].to_vec();
        Self::new(self.name.clone(), classes, self.values[0], nodes).ok()
    }

    /// The same network with an untrained classifier of `n_classes`: weights and biases uniform
    /// in `±1 / sqrt(features)`, a function of `seed` (the rule of `PyTorch`'s linear layer,
    /// `uniform-fan-in`).
    ///
    /// # Errors
    /// When the network has no features that a classifier could read.
    pub fn with_new_classifier(&self, n_classes: usize, seed: u64) -> Result<Self, NetworkError> {
        let n_features = self
            .features()
            .map_or(0, |value| self.values[value].shape.len());
        #[expect(clippy::cast_precision_loss, reason = "at most 65536 features")]
        let bound = 1.0 / libm::sqrtf(n_features as f32);
        let noise = Noise::new(seed, 0, HEAD_KEY);
        let mut index = 0;
        let mut draw = |len: usize| -> Vec<f32> {
            (0..len)
                .map(|_| {
                    index += 1;
                    (2.0 * noise.unit(index) - 1.0) * bound
                })
                .collect()
        };
        let classifier = Classifier {
            weight: draw(n_classes * n_features),
            bias: draw(n_classes),
        };
        let classes = (0..n_classes).map(|class| format!("{class}")).collect();
        self.with_classifier(classes, classifier)
    }
}
