//! The three networks that MIT published, held against tables that were made from them without
//! this reader (`published.txt`). The networks are not in the repository:
//! `QUARTERMEG_REFERENCE_DIR` names the folder that has them under `models/`.

use std::path::PathBuf;
use std::str::{FromStr, SplitWhitespace};
use std::{env, fs};

use quartermeg_core::network::{Clamp, Conv, Network, Node, NodeKind, Shape};
use quartermeg_core::quant::QuantParams;
use quartermeg_formats::tiny_training::{is_archive, read};

/// The variable that names the folder.
const FOLDER: &str = "QUARTERMEG_REFERENCE_DIR";
const CLAMP: Clamp = Clamp {
    min: -128,
    max: 127,
};

/// The bytes of a published network, or nothing where the folder is not there: then it is said
/// which `checks` did not run.
pub(crate) fn file(name: &str, checks: &str) -> Option<Vec<u8>> {
    let Some(folder) = env::var_os(FOLDER) else {
        eprintln!(
            "Not run: {checks} of {name}.pkl, because {FOLDER} does not name the folder of the \
             published networks."
        );
        return None;
    };
    let path = PathBuf::from(folder)
        .join("models")
        .join(format!("{name}.pkl"));
    Some(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The words of one line of the table.
struct Words(SplitWhitespace<'static>);

impl Words {
    fn text(&mut self) -> &'static str {
        self.0.next().expect("one more word")
    }

    fn number<T: FromStr>(&mut self) -> T {
        let word = self.text();
        word.parse()
            .unwrap_or_else(|_| panic!("{word} is no number"))
    }

    fn expect_quant(&mut self, found: QuantParams, at: &str) {
        let (scale, zero_point): (f32, i32) = (self.number(), self.number());
        assert!(
            (found.scale - scale).abs() <= 5e-6 * scale,
            "{at}: {} is not {scale}",
            found.scale
        );
        assert_eq!(found.zero_point, zero_point, "{at}");
    }
}

/// A network that came in, and how far it was compared.
struct Comparison {
    network: Network,
    n_convs: usize,
    n_adds: usize,
}

impl Comparison {
    fn begin(words: &mut Words) -> Option<Self> {
        let name = words.text();
        let file = file(name, "comparison with the published tables")?;
        assert!(is_archive(&file));
        let network = read(name, &file).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(network.name(), name);
        let image = network.input();
        assert_eq!(
            image.shape,
            Shape {
                h: 128,
                w: 128,
                c: 3
            }
        );
        assert_eq!(image.quant.scale.to_bits(), (2.0_f32 / 255.0).to_bits());
        assert_eq!(image.quant.zero_point, 0);
        assert_eq!(network.classes().len(), 1000);
        assert_eq!(network.classes()[999], "999");

        let body: Vec<_> = network.convs().map(|(_, _, conv)| conv).collect();
        let classifier = network.int8_classifier().expect("an int8 classifier");
        let NodeKind::Conv(classifier) = &network.nodes()[classifier].kind else {
            panic!("the classifier is a dense layer");
        };
        assert_eq!(body.len(), words.number::<usize>(), "{name}");
        let n_weights: usize = body.iter().map(|conv| conv.weight.len()).sum();
        assert_eq!(n_weights, words.number::<usize>(), "{name}");
        let n_biases: usize = body.iter().map(|conv| conv.bias.len()).sum();
        assert_eq!(n_biases, words.number::<usize>(), "{name}");
        let n_macs: u64 = words.number();
        let n_features: usize = words.number();
        assert_eq!(classifier.weight.len(), 1000 * n_features, "{name}");
        assert_eq!(
            network.macs_forward(),
            n_macs + 1000 * n_features as u64,
            "{name}"
        );
        let own = network
            .with_new_classifier(10, 1)
            .expect("a new classifier fits");
        assert_eq!(own.convs().count(), body.len());
        Some(Self {
            network,
            n_convs: 0,
            n_adds: 0,
        })
    }

    fn conv(&self, index: usize) -> (usize, &Node, &Conv) {
        let convs = self.network.nodes().iter().enumerate();
        let mut convs = convs.filter_map(|(node_idx, node)| match &node.kind {
            NodeKind::Conv(conv) => Some((node_idx, node, conv)),
            _ => None,
        });
        convs.nth(index).expect("one more")
    }

    fn layer(&mut self, words: &mut Words) {
        let (node_idx, node, conv) = self.conv(self.n_convs);
        let input = self.network.values()[node.inputs[0]];
        let output = self.network.values()[node_idx + 1];
        let at = format!("{} {}", self.network.name(), node.name);
        assert_eq!(node.name, words.text(), "{at}");
        for channels in [input.shape.c, output.shape.c] {
            assert_eq!(channels, words.number::<usize>(), "{at}");
        }
        for shape in [input.shape, output.shape] {
            let rows: usize = words.number();
            assert_eq!([shape.h, shape.w], [rows; 2], "{at}");
        }
        let kernel: usize = words.number();
        assert_eq!(conv.kernel, [kernel; 2], "{at}");
        assert_eq!(conv.padding, [(kernel - 1) / 2; 4], "{at}");
        assert_eq!(conv.stride, [words.number::<usize>(); 2], "{at}");
        assert_eq!(conv.depthwise, words.text() == "depthwise", "{at}");
        assert_eq!(conv.weight.len(), words.number::<usize>(), "{at}");
        assert_eq!(
            self.network.node_macs(node_idx),
            words.number::<u64>(),
            "{at}"
        );
        assert_eq!(conv.clamp, CLAMP);
        words.expect_quant(input.quant, &at);
        words.expect_quant(output.quant, &at);
        self.n_convs += 1;
    }

    fn add(&mut self, words: &mut Words) {
        let mut adds = self
            .network
            .nodes()
            .iter()
            .filter_map(|node| match node.kind {
                NodeKind::Add { output, clamp } => Some((node, output, clamp)),
                _ => None,
            });
        let (node, output, clamp) = adds.nth(self.n_adds).expect("one more");
        let shortcut = self.network.values()[node.inputs[0]];
        let at = format!("{} {}", self.network.name(), node.name);
        assert_eq!(node.name, words.text(), "{at}");
        assert_eq!(clamp, CLAMP);
        words.expect_quant(shortcut.quant, &at);
        words.expect_quant(output, &at);
        self.n_adds += 1;
    }

    fn classifier(&self, words: &mut Words) {
        let (node_idx, node, conv) = self.conv(self.n_convs);
        let at = format!("{} {}", self.network.name(), node.name);
        assert_eq!(node.name, "classifier");
        words.expect_quant(self.network.values()[node.inputs[0]].quant, &at);
        words.expect_quant(conv.output, &at);
        let nodes = self.network.nodes();
        assert_eq!(nodes.len(), node_idx + 2);
        assert_eq!(nodes[node_idx + 1].kind, NodeKind::Logits { softmax: None });
        let is_add = |node: &&Node| matches!(node.kind, NodeKind::Add { .. });
        assert_eq!(nodes.iter().filter(is_add).count(), self.n_adds, "{at}");
        assert_eq!(self.network.convs().count(), self.n_convs, "{at}");
    }
}

#[test]
fn the_published_networks_come_in_whole() {
    let lines = include_str!("published.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut comparison = None;
    let mut n_compared = 0;
    for line in lines {
        let mut words = Words(line.split_whitespace());
        let what = words.text();
        if what == "network" {
            comparison = Comparison::begin(&mut words);
        }
        let Some(comparison) = &mut comparison else {
            continue;
        };
        match what {
            "network" => n_compared += 1,
            "layer" => comparison.layer(&mut words),
            "add" => comparison.add(&mut words),
            "classifier" => comparison.classifier(&mut words),
            other => panic!("{other} is unknown"),
        }
        assert_eq!(words.0.next(), None, "{line}");
    }
    assert!(matches!(n_compared, 0 | 3));
}
