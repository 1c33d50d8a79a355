//! Random small networks: a stem, some blocks, a way down to one pixel, a classifier.

use quartermeg_core::network::{
    Clamp, Classifier, Conv, Network, Node, NodeKind, Pool, PoolKind, Shape, Value,
};
use quartermeg_core::quant::QuantParams;

use super::layer::{Geometry, ODD_CHANNELS, random_kernel};
use super::rng::Rng;

/// How a network may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Height and width of the input are drawn below this.
    pub(crate) max_extent: usize,
    /// Number of blocks behind the stem.
    pub(crate) max_blocks: usize,
    /// Whether some output channels are dead, some biases enormous and some clamps narrow.
    pub(crate) rough: bool,
    /// Whether it may hold pools over windows and end in an int8 head.
    pub(crate) varied: bool,
}

impl Style {
    pub(crate) const SMALL: Self = Self {
        max_extent: 9,
        max_blocks: 3,
        rough: true,
        varied: false,
    };
    /// With everything that a network may hold.
    pub(crate) const VARIED: Self = Self {
        varied: true,
        ..Self::SMALL
    };
    /// For comparisons of gradients, where every value should matter.
    pub(crate) const SMOOTH: Self = Self {
        max_extent: 6,
        max_blocks: 2,
        rough: false,
        varied: false,
    };
}

/// A network in the making: the last value and what it looks like.
pub(crate) struct Sketch<'a> {
    rng: &'a mut Rng,
    style: Style,
    nodes: Vec<Node>,
    values: Vec<Value>,
    at: usize,
}

/// One convolution to be drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) depthwise: bool,
    pub(crate) kernel: [usize; 2],
    pub(crate) out_channels: usize,
    /// Keep the height and width.
    pub(crate) same: bool,
    /// The activation function cuts values off.
    pub(crate) clamped: bool,
}

impl<'a> Sketch<'a> {
    pub(crate) fn new(rng: &'a mut Rng, style: Style, shape: Shape) -> Self {
        let quant = QuantParams {
            scale: rng.real(0.005, 0.05),
            zero_point: rng.between(-128, 127),
        };
        let input = Value { shape, quant };
        Self {
            rng,
            style,
            nodes: Vec::new(),
            values: vec![input],
            at: 0,
        }
    }

    pub(crate) fn here(&self) -> Value {
        self.values[self.at]
    }

    /// Adds a node, whose output becomes the value that the next one reads.
    fn push(&mut self, name: &str, kind: NodeKind, inputs: Vec<usize>, value: Value) {
        let name = format!("{name}{}", self.values.len());
        self.nodes.push(Node { name, kind, inputs });
        self.at = self.values.len();
        self.values.push(value);
    }

    pub(crate) fn conv(&mut self, ask: Ask) {
        let input = self.here();
        let extent = [input.shape.h, input.shape.w];
        let geometry = if ask.same {
            let [top, left] = ask.kernel.map(|extent| (extent - 1) / 2);
            let [bottom, right] = [ask.kernel[0] - 1 - top, ask.kernel[1] - 1 - left];
            Geometry {
                kernel: ask.kernel,
                stride: [1, 1],
                padding: [top, left, bottom, right],
            }
        } else {
            Geometry::random(self.rng, ask.kernel, extent)
        };
        self.conv_of(ask, &geometry);
    }

    /// A dense layer: the kernel covers the whole input.
    pub(crate) fn dense(&mut self, out_channels: usize) {
        let Shape { h, w, .. } = self.here().shape;
        let ask = Ask {
            depthwise: false,
            kernel: [h, w],
            out_channels,
            same: false,
            clamped: true,
        };
        self.conv_of(
            ask,
            &Geometry {
                kernel: [h, w],
                stride: [1, 1],
                padding: [0; 4],
            },
        );
    }

    fn conv_of(&mut self, ask: Ask, geometry: &Geometry) {
        let input = self.here();
        let Ask {
            depthwise,
            kernel,
            out_channels,
            clamped,
            ..
        } = ask;
        let rng = &mut *self.rng;
        let taps = kernel[0] * kernel[1];
        let per_output = taps * if depthwise { 1 } else { input.shape.c };
        let weight = rng.weights(per_output * out_channels);
        // Scales such that outputs fill a good part of the codes, whatever the layer's size.
        let typical = 40.0 * 50.0 * small_real(per_output).sqrt();
        let weight_scale: Vec<f32> = (0..out_channels)
            .map(|_| {
                if self.style.rough && rng.chance(0.08) {
                    1e-7
                } else {
                    rng.real(0.002, 0.01)
                }
            })
            .collect();
        let output = QuantParams {
            scale: input.quant.scale * 0.006 * typical / 40.0,
            zero_point: rng.between(-60, 60),
        };
        let bias = (0..out_channels)
            .map(|_| match rng.below(20) {
                0 if self.style.rough => rng.choose(&[i32::MIN, i32::MAX]),
                _ => rng.between(-1000, 1000),
            })
            .collect();
        let clamp = random_clamp(rng, clamped, output.zero_point);
        let conv = Conv {
            depthwise,
            kernel,
            stride: geometry.stride,
            padding: geometry.padding,
            weight,
            bias,
            weight_scale,
            real_scale: None,
            output,
            clamp,
        };
        let [h, w] = geometry.output([input.shape.h, input.shape.w]);
        let shape = Shape {
            h,
            w,
            c: out_channels,
        };
        let value = Value {
            shape,
            quant: output,
        };
        self.push("conv", NodeKind::Conv(conv), vec![self.at], value);
    }

    /// Widen, filter each channel, narrow; with a residual add where the shapes allow it.
    pub(crate) fn inverted_residual(&mut self, residual: bool) {
        let start = self.at;
        let input = self.here();
        let hidden = self.rng.choose(&ODD_CHANNELS);
        let out_channels = if residual {
            input.shape.c
        } else {
            self.rng.choose(&ODD_CHANNELS)
        };
        let pointwise = |out_channels, clamped| Ask {
            depthwise: false,
            kernel: [1, 1],
            out_channels,
            same: true,
            clamped,
        };
        let expanded = self.rng.chance(0.8);
        if expanded {
            self.conv(pointwise(hidden, true));
        }
        let width = self.here().shape.c;
        let kernel = self.rng.choose(&[[3, 3], [3, 3], [1, 3], [5, 3]]);
        self.conv(Ask {
            depthwise: true,
            kernel,
            out_channels: width,
            same: residual,
            clamped: true,
        });
        self.conv(pointwise(out_channels, false));
        if residual {
            self.add(start);
        }
    }

    pub(crate) fn add(&mut self, shortcut: usize) {
        let a = self.values[shortcut];
        let b = self.here();
        let output = QuantParams {
            scale: a.quant.scale.max(b.quant.scale) * 1.3,
            zero_point: self.rng.between(-40, 40),
        };
        let clamped = self.rng.chance(0.4);
        let clamp = random_clamp(self.rng, clamped, output.zero_point);
        let value = Value {
            shape: a.shape,
            quant: output,
        };
        let kind = NodeKind::Add { output, clamp };
        self.push("add", kind, vec![shortcut, self.at], value);
    }

    pub(crate) fn average_pool(&mut self) {
        let Value { shape, quant } = self.here();
        let shape = Shape {
            h: 1,
            w: 1,
            c: shape.c,
        };
        let value = Value { shape, quant };
        self.push("pool", NodeKind::AveragePool, vec![self.at], value);
    }

    /// A pool over windows; `same` keeps the height and width.
    pub(crate) fn pool(&mut self, kind: PoolKind, same: bool, clamped: bool) {
        let Value { shape, quant } = self.here();
        let extent = [shape.h, shape.w];
        let geometry = if same {
            Geometry {
                kernel: [3, 3],
                stride: [1, 1],
                padding: [1; 4],
            }
        } else {
            let kernel = self.rng.choose(&[[2, 2], [3, 3], [1, 2], [3, 1], [2, 3]]);
            Geometry::random(self.rng, kernel, extent)
        };
        let [h, w] = geometry.output(extent);
        let clamp = random_clamp(self.rng, clamped, quant.zero_point);
        let pool = Pool {
            kind,
            kernel: geometry.kernel,
            stride: geometry.stride,
            padding: geometry.padding,
            clamp,
        };
        let shape = Shape { h, w, c: shape.c };
        let value = Value { shape, quant };
        self.push("window", NodeKind::Pool(pool), vec![self.at], value);
    }

    fn random_pool(&mut self, same: bool) {
        let kind = self.rng.choose(&[PoolKind::Average, PoolKind::Max]);
        let clamped = self.rng.chance(0.5);
        self.pool(kind, same, clamped);
    }

    pub(crate) fn classifier(self, n_classes: usize) -> Network {
        let Value { shape, quant } = self.here();
        let rng = self.rng;
        // Logits of a few units, so that the softmax is neither flat nor certain.
        let reach = 2.0 / (quant.scale * 60.0 * small_real(shape.c).sqrt());
        let weight = (0..n_classes * shape.c)
            .map(|_| rng.real(-reach, reach))
            .collect();
        let bias = (0..n_classes).map(|_| rng.real(-0.5, 0.5)).collect();
        let kind = NodeKind::Classifier(Classifier { weight, bias });
        finish(self.nodes, self.values[0], self.at, kind, n_classes)
    }

    /// A dense int8 layer whose codes are the logits.
    pub(crate) fn int8_head(mut self, n_classes: usize) -> Network {
        self.dense(n_classes);
        let kind = NodeKind::Logits { softmax: None };
        finish(self.nodes, self.values[0], self.at, kind, n_classes)
    }
}

fn finish(
    mut nodes: Vec<Node>,
    input: Value,
    at: usize,
    kind: NodeKind,
    n_classes: usize,
) -> Network {
    nodes.push(Node {
        name: "classifier".to_string(),
        kind,
        inputs: vec![at],
    });
    let classes = (0..n_classes).map(|class| class.to_string()).collect();
    Network::new("random".to_string(), classes, input, nodes)
        .expect("the sketch keeps to the rules of a network")
}

pub(crate) fn random_network(rng: &mut Rng, style: Style) -> Network {
    let shape = Shape {
        h: 1 + rng.below(style.max_extent),
        w: 1 + rng.below(style.max_extent),
        c: rng.choose(&[1, 2, 3]),
    };
    let n_classes = 2 + rng.below(9);
    let n_blocks = 1 + rng.below(style.max_blocks);
    let mut sketch = Sketch::new(rng, style, shape);
    sketch.random_conv(false);
    for _ in 0..n_blocks {
        if style.varied && sketch.rng.chance(0.4) {
            sketch.pool_block();
            continue;
        }
        match sketch.rng.below(5) {
            0 => sketch.random_conv(false),
            1 => sketch.inverted_residual(false),
            2 => {
                // A residual block whose branch is one convolution.
                let start = sketch.at;
                let channels = sketch.here().shape.c;
                let kernel = sketch.rng.choose(&[[1, 1], [3, 3], [1, 3]]);
                sketch.conv(Ask {
                    depthwise: false,
                    kernel,
                    out_channels: channels,
                    same: true,
                    clamped: false,
                });
                sketch.add(start);
            }
            _ => sketch.inverted_residual(true),
        }
    }
    if sketch.rng.chance(0.75) {
        sketch.average_pool();
    } else {
        let out_channels = sketch.rng.choose(&ODD_CHANNELS);
        sketch.dense(out_channels);
    }
    if style.varied && sketch.rng.chance(0.4) {
        return sketch.int8_head(n_classes);
    }
    sketch.classifier(n_classes)
}

impl Sketch<'_> {
    /// A pool over windows, or a residual block with one in its branch.
    fn pool_block(&mut self) {
        let Shape { h, w, c } = self.here().shape;
        if self.rng.chance(0.4) {
            let start = self.at;
            self.conv(Ask {
                depthwise: false,
                kernel: [1, 1],
                out_channels: c,
                same: true,
                clamped: true,
            });
            self.random_pool(true);
            self.add(start);
        } else if h > 1 && w > 1 {
            self.random_pool(false);
        } else {
            self.random_pool(true);
        }
    }

    fn random_conv(&mut self, same: bool) {
        let extent = [self.here().shape.h, self.here().shape.w];
        // Kernels that reach beyond twice the input would see only padding in places.
        let kernel = loop {
            let kernel = random_kernel(self.rng);
            if kernel[0] <= extent[0] + 1 && kernel[1] <= extent[1] + 1 {
                break kernel;
            }
        };
        let out_channels = self.rng.choose(&ODD_CHANNELS);
        self.conv(Ask {
            depthwise: false,
            kernel,
            out_channels,
            same,
            clamped: true,
        });
    }
}

fn random_clamp(rng: &mut Rng, clamped: bool, zero_point: i32) -> Clamp {
    let code = |value: i32| i8::try_from(value.clamp(-128, 127)).expect("clamped");
    let min = if clamped {
        code(zero_point - rng.between(0, 40))
    } else {
        i8::MIN
    };
    let max = if clamped && rng.chance(0.5) {
        code(zero_point + rng.between(20, 80))
    } else {
        i8::MAX
    };
    Clamp { min, max }
}

fn small_real(value: usize) -> f32 {
    f32::from(u16::try_from(value).expect("small"))
}
