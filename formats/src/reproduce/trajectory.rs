//! Many steps on a few images, compared by their losses.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::Network;
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{NoTrace, Runtime};
use safetensors::SafeTensors;

use super::layout::to_nhwc;
use super::{ReproduceError, with_classifier};
use crate::tensors;

/// What a trajectory starts from.
#[derive(Clone, Debug)]
pub struct Trajectory {
    network: Network,
    policy: Policy,
    learning_rate: f32,
    images: Vec<Vec<i8>>,
    labels: Vec<u32>,
}

impl Trajectory {
    /// Reads `images` int8 `[n, c, h, w]`, `labels` int64 `[n]`, `fc.weight.init`,
    /// `fc.bias.init`, `lr` and the scheme (`n_bias_update`, `manual_weight_idx`,
    /// `weight_update_ratio`); other entries are ignored.
    ///
    /// # Errors
    /// What is wrong with the file, and which tensor.
    pub fn read(network: &Network, file: &[u8]) -> Result<Self, ReproduceError> {
        let bytes = tensors::unpacked(file)?;
        let file = tensors::open(&bytes)?;
        let network = with_classifier(network, &file, "fc.weight.init", "fc.bias.init")?;
        let (planar, _) = tensors::i8s(&file, "images")?;
        let shape = network.input().shape;
        let images: Vec<Vec<i8>> = planar
            .chunks(shape.len())
            .map(|image| to_nhwc(image, shape.c))
            .collect();
        let (labels, _) = tensors::i64s(&file, "labels")?;
        let fits = !images.is_empty() && labels.len() == images.len();
        let labels: Option<Vec<u32>> = labels
            .iter()
            .map(|&label| u32::try_from(label).ok())
            .collect();
        let labels = labels.filter(|_| fits).ok_or(ReproduceError::Field {
            name: "labels",
            found: format!("labels for {} images", images.len()),
        })?;
        let (rates, _) = tensors::f32s(&file, "lr")?;
        let learning_rate = rates
            .first()
            .copied()
            .filter(|rate| rate.is_finite() && *rate >= 0.0)
            .ok_or_else(|| ReproduceError::Field {
                name: "lr",
                found: format!("{rates:?}"),
            })?;
        let policy = policy(&network, &file)?;
        Ok(Self {
            network,
            policy,
            learning_rate,
            images,
            labels,
        })
    }
}

fn policy(network: &Network, file: &SafeTensors<'_>) -> Result<Policy, ReproduceError> {
    let n_convs = network.convs().count();
    let (biases, _) = tensors::i32s(file, "n_bias_update")?;
    let n_biases = biases
        .first()
        .and_then(|&count| usize::try_from(count).ok())
        .filter(|&count| count <= n_convs)
        .ok_or_else(|| ReproduceError::Field {
            name: "n_bias_update",
            found: format!("{biases:?}"),
        })?;
    let mut policy = Policy::classifier_only(network);
    policy.layers[n_convs - n_biases..].fill(LayerUpdate::Bias);
    let (indices, _) = tensors::i64s(file, "manual_weight_idx")?;
    let (ratios, _) = tensors::f64s(file, "weight_update_ratio")?;
    for (&index, &ratio) in indices.iter().zip(&ratios) {
        let layer = usize::try_from(index).ok();
        let update = layer.and_then(|layer| policy.layers.get_mut(layer));
        let (Some(update), true) = (update, (0.0..=1.0).contains(&ratio)) else {
            return Err(ReproduceError::Field {
                name: "manual_weight_idx",
                found: format!("layer {index} at ratio {ratio}"),
            });
        };
        if ratio > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "ratios are short decimals")]
            let ratio = ratio as f32;
            *update = LayerUpdate::Weights { ratio };
        }
    }
    Ok(policy)
}

/// Runs `n_steps` steps of SGD with QAS under `rules`, step t on image t mod n, and returns the
/// losses, each before its update.
///
/// # Errors
/// When the network cannot be trained that way, or an image does not fit it.
pub fn replay(
    trajectory: &Trajectory,
    rules: Rules,
    n_steps: u32,
) -> Result<Vec<f32>, ReproduceError> {
    let settings = Settings::constant(trajectory.learning_rate, 0);
    let image = compile(&trajectory.network, &trajectory.policy, rules, settings)
        .map_err(ReproduceError::Compile)?;
    let program = Program::parse(image).map_err(ReproduceError::Program)?;
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, Native> =
        Runtime::new(program, arena).expect("invariant: a block of the stated size");
    let samples = trajectory.images.iter().zip(&trajectory.labels).cycle();
    let mut losses = Vec::with_capacity(n_steps as usize);
    for (step, (image, &label)) in (0..n_steps).zip(samples) {
        runtime
            .load_sample(image, label)
            .map_err(ReproduceError::Sample)?;
        losses.push(runtime.step(&settings.step_params(step), &mut NoTrace));
    }
    Ok(losses)
}
