//! Builds small networks in code, for tests and examples.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::{Clamp, Classifier, Conv, Network, NetworkError, Node, NodeKind, Value};
use crate::quant::QuantParams;

/// Adds nodes one after the other; each method returns the number of the new value.
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    name: String,
    input: Value,
    nodes: Vec<Node>,
}

impl NetworkBuilder {
    /// Starts with the input, which is value 0.
    #[must_use]
    pub fn new(name: &str, input: Value) -> Self {
        Self {
            name: name.to_string(),
            input,
            nodes: Vec::new(),
        }
    }

    /// Adds a convolution that reads `input`.
    pub fn conv(&mut self, name: &str, input: usize, conv: Conv) -> usize {
        self.push(name, NodeKind::Conv(conv), vec![input])
    }

    /// Adds a residual add of `shortcut` and `branch`.
    pub fn add(
        &mut self,
        name: &str,
        shortcut: usize,
        branch: usize,
        output: QuantParams,
        clamp: Clamp,
    ) -> usize {
        self.push(
            name,
            NodeKind::Add { output, clamp },
            vec![shortcut, branch],
        )
    }

    /// Adds the mean over all pixels of `input`.
    pub fn average_pool(&mut self, name: &str, input: usize) -> usize {
        self.push(name, NodeKind::AveragePool, vec![input])
    }

    /// Adds the classifier and checks the whole network; classes are named `0`, `1`, ...
    ///
    /// # Errors
    /// The first rule that a node breaks.
    pub fn classifier(
        mut self,
        input: usize,
        classifier: Classifier,
    ) -> Result<Network, NetworkError> {
        let classes = (0..classifier.bias.len())
            .map(|class| format!("{class}"))
            .collect();
        self.push("classifier", NodeKind::Classifier(classifier), vec![input]);
        Network::new(self.name, classes, self.input, self.nodes)
    }

    fn push(&mut self, name: &str, kind: NodeKind, inputs: Vec<usize>) -> usize {
        self.nodes.push(Node {
            name: name.to_string(),
            kind,
            inputs,
        });
        self.nodes.len()
    }
}
