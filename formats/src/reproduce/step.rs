//! One forward and backward pass, with everything that can be compared.

use quartermeg_core::bytes::AlignedBytes;
use quartermeg_core::compile::compile;
use quartermeg_core::network::{Conv, Network};
use quartermeg_core::policy::{LayerUpdate, Policy};
use quartermeg_core::program::{Op, Program, Settings};
use quartermeg_core::quant::Rules;
use quartermeg_core::runtime::kernels::Native;
use quartermeg_core::runtime::{Parameter, Runtime, Trace};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::layout::{oihw_shape, to_nchw, to_nhwc, to_oihw};
use super::{ReproduceError, with_classifier};
use crate::tensors;

/// What a step starts from.
#[derive(Clone, Debug)]
pub struct StepInput {
    network: Network,
    codes: Vec<i8>,
    label: u32,
}

impl StepInput {
    /// Reads `input` int8 `[1, c, h, w]`, `label` int32 `[1]`, `fc.weight` and `fc.bias`; other
    /// entries are ignored.
    ///
    /// # Errors
    /// What is wrong with the file, and which tensor.
    pub fn read(network: &Network, file: &[u8]) -> Result<Self, ReproduceError> {
        let bytes = tensors::unpacked(file)?;
        let file = tensors::open(&bytes)?;
        let (planar, _) = tensors::i8s(&file, "input")?;
        let (labels, _) = tensors::i32s(&file, "label")?;
        let label = labels
            .first()
            .and_then(|&label| u32::try_from(label).ok())
            .ok_or_else(|| ReproduceError::Field {
                name: "label",
                found: format!("{labels:?}"),
            })?;
        let network = with_classifier(network, &file, "fc.weight", "fc.bias")?;
        let codes = to_nhwc(&planar, network.input().shape.c);
        Ok(Self {
            network,
            codes,
            label,
        })
    }
}

/// What a step leaves, in `PyTorch`'s layouts.
#[derive(Clone, Debug)]
pub struct StepTrace {
    /// Natural logarithm cross-entropy, before the update.
    pub loss: f32,
    /// One a class.
    pub logits: Vec<f32>,
    layers: Vec<LayerTrace>,
    classifier: [Vec<f32>; 2],
    shapes: Vec<[Vec<usize>; 2]>,
}

/// What a step leaves of one convolution.
#[derive(Clone, Debug, Default)]
struct LayerTrace {
    output: Vec<i8>,
    weight_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
    norms: [f64; 3],
}

/// Runs one step of full update under `rules`, with QAS only in the norms.
///
/// # Errors
/// When the input does not fit the network.
pub fn step(input: &StepInput, rules: Rules) -> Result<StepTrace, ReproduceError> {
    let network = &input.network;
    let policy = Policy::uniform(network, LayerUpdate::Weights { ratio: 1.0 });
    let settings = Settings::constant(0.0, 0);
    let image = compile(network, &policy, rules, settings).map_err(ReproduceError::Compile)?;
    let program = Program::parse(image).map_err(ReproduceError::Program)?;
    let arena = AlignedBytes::zeroed(program.meta().arena_bytes as usize);
    let mut runtime: Runtime<_, _, Native> =
        Runtime::new(program, arena).expect("invariant: a block of the stated size");
    runtime
        .load_sample(&input.codes, input.label)
        .map_err(ReproduceError::Sample)?;
    let params = settings.step_params(0);
    let mut gradients = Gradients::of(network);
    let mut outputs: Vec<Vec<i8>> = Vec::new();
    let (mut logits, mut loss) = (Vec::new(), 0.0);
    for op_idx in 0..runtime.program().n_ops() {
        if let Some(value) = runtime.run_op(op_idx, &params, &mut gradients) {
            loss = value;
        }
        match runtime.program().op(op_idx) {
            Op::Conv { layer, y, .. } => {
                let codes: Vec<i8> = runtime
                    .tensor_bytes(y)
                    .iter()
                    .map(|byte| byte.cast_signed())
                    .collect();
                outputs.push(to_nchw(
                    &codes,
                    runtime.program().layer(layer).out_channels(),
                ));
            }
            Op::Classifier { .. } => logits = runtime.logits().to_vec(),
            _ => {}
        }
    }
    let mut layers = Vec::new();
    let mut shapes = Vec::new();
    let convs = network.convs().zip(gradients.layers).zip(outputs);
    for (((node_idx, _, conv), found), output) in convs {
        let of_output = network.values()[node_idx + 1].shape;
        shapes.push([
            vec![1, of_output.c, of_output.h, of_output.w],
            oihw_shape(conv),
        ]);
        layers.push(LayerTrace {
            output,
            norms: norms(conv, &found.weight),
            weight_gradient: to_oihw(&found.weight, conv),
            bias_gradient: found.bias,
        });
    }
    Ok(StepTrace {
        loss,
        logits,
        layers,
        classifier: gradients.classifier,
        shapes,
    })
}

/// L2 norms of the integer weights, their gradient, and the gradient after QAS.
fn norms(conv: &Conv, gradient: &[f32]) -> [f64; 3] {
    let squares = |values: &mut dyn Iterator<Item = f64>| -> f64 {
        values.map(|value| value * value).sum::<f64>().sqrt()
    };
    let per_output = gradient.len() / conv.bias.len().max(1);
    let mut scaled = gradient
        .chunks(per_output.max(1))
        .zip(&conv.weight_scale)
        .flat_map(|(row, &scale)| {
            let factor = f64::from(scale).powi(-2);
            row.iter().map(move |&value| f64::from(value) * factor)
        });
    [
        squares(&mut conv.weight.iter().map(|&code| f64::from(code))),
        squares(&mut gradient.iter().map(|&value| f64::from(value))),
        squares(&mut scaled),
    ]
}

/// Gathers gradients in the order of the network's own weights.
struct Gradients {
    layers: Vec<LayerGradients>,
    classifier: [Vec<f32>; 2],
}

struct LayerGradients {
    /// `[out, kh, kw, in]`; depthwise `[c, kh, kw]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Kernel positions of a depthwise layer.
    depthwise_taps: Option<usize>,
}

impl Gradients {
    fn of(network: &Network) -> Self {
        let layers = network
            .convs()
            .map(|(_, _, conv)| LayerGradients {
                weight: vec![0.0; conv.weight.len()],
                bias: vec![0.0; conv.bias.len()],
                depthwise_taps: conv.depthwise.then(|| conv.kernel[0] * conv.kernel[1]),
            })
            .collect();
        Self {
            layers,
            classifier: [Vec::new(), Vec::new()],
        }
    }
}

impl Trace for Gradients {
    fn weight_gradient(&mut self, layer: u32, first: usize, rows: &[f32]) {
        let layer = &mut self.layers[layer as usize];
        let Some(taps) = layer.depthwise_taps else {
            let row_len = layer.weight.len() / layer.bias.len();
            layer.weight[first * row_len..first * row_len + rows.len()].copy_from_slice(rows);
            return;
        };
        let n = rows.len() / taps;
        for (tap, row) in rows.chunks_exact(n).enumerate() {
            for (k, &value) in row.iter().enumerate() {
                layer.weight[(first + k) * taps + tap] = value;
            }
        }
    }

    fn bias_gradient(&mut self, layer: u32, channel: usize, gradient: f32) {
        self.layers[layer as usize].bias[channel] = gradient;
    }

    fn classifier_gradient(&mut self, parameter: Parameter, _index: usize, gradient: f32) {
        // They come in ascending order.
        self.classifier[usize::from(parameter == Parameter::ClassifierBias)].push(gradient);
    }
}

impl StepTrace {
    /// Writes `logits`, `loss`, and of every convolution `out`, `weight.grad`, `bias.grad` and
    /// `norms` (`[W, G, G after QAS]`), as safetensors.
    #[must_use]
    pub fn to_safetensors(&self) -> Vec<u8> {
        let n_classes = self.logits.len();
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = vec![
            f32_tensor("loss", vec![1], &[self.loss]),
            f32_tensor("logits", vec![1, n_classes], &self.logits),
            f32_tensor(
                "fc.weight.grad",
                vec![n_classes, self.classifier[0].len() / n_classes.max(1)],
                &self.classifier[0],
            ),
            f32_tensor("fc.bias.grad", vec![n_classes], &self.classifier[1]),
        ];
        for (ii, (layer, [of_output, of_weight])) in
            self.layers.iter().zip(&self.shapes).enumerate()
        {
            let name = |part: &str| format!("conv{ii:02}.{part}");
            let bytes = layer
                .output
                .iter()
                .map(|code| code.cast_unsigned())
                .collect();
            tensors.push((name("out"), Dtype::I8, of_output.clone(), bytes));
            tensors.push(f32_tensor(
                &name("weight.grad"),
                of_weight.clone(),
                &layer.weight_gradient,
            ));
            let n_outputs = layer.bias_gradient.len();
            tensors.push(f32_tensor(
                &name("bias.grad"),
                vec![n_outputs],
                &layer.bias_gradient,
            ));
            let norms = layer.norms.iter().flat_map(|norm| norm.to_le_bytes());
            tensors.push((name("norms"), Dtype::F64, vec![3], norms.collect()));
        }
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .expect("invariant: the bytes have the length of the shape");
            (name.as_str(), view)
        });
        safetensors::serialize(views, None).expect("invariant: names are text and unique")
    }
}

fn f32_tensor(
    name: &str,
    shape: Vec<usize>,
    values: &[f32],
) -> (String, Dtype, Vec<usize>, Vec<u8>) {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    (name.to_owned(), Dtype::F32, shape, bytes)
}
