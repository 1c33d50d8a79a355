//! From JSON to checked records.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::check::check;
use super::error::{Problem, TinyEngineError};
use super::graph::{ElementType, Graph, Node, Source, Value, ValueId};
use super::op::Signature;

/// Most operators that are read. The released graph has 423; placing tensors takes time that
/// grows with the square of their number.
pub const MAX_OPERATORS: usize = 2048;

/// Longest file that is read. The released graph has 871 bytes an operator.
pub const MAX_FILE_BYTES: usize = 1024 * MAX_OPERATORS;

/// Most objects of a file. The released graph has 6 an operator.
const MAX_OBJECTS: usize = 8 * MAX_OPERATORS;

/// Most lists and elements of a file. The released graph has 34 an operator.
const MAX_ELEMENTS: usize = 48 * MAX_OPERATORS;

/// Most axes of a tensor.
const MAX_RANK: usize = 8;

/// Reads and checks a file. Every value is computed before it is read.
///
/// # Errors
/// Names the operator, the tensor and the field that cannot be used.
pub(super) fn read(bytes: &[u8]) -> Result<Graph, TinyEngineError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(TinyEngineError::TooLong { bytes: bytes.len() });
    }
    // JSON in memory can be a hundred times as long as its text, so its parts are counted first.
    let count = |marks: &[u8]| bytes.iter().filter(|byte| marks.contains(byte)).count();
    if count(b"{") > MAX_OBJECTS || count(b"[,") > MAX_ELEMENTS {
        return Err(TinyEngineError::TooManyParts);
    }
    let json: Json =
        serde_json::from_slice(bytes).map_err(|error| TinyEngineError::Json(error.to_string()))?;
    let operators = json
        .as_array()
        .filter(|operators| !operators.is_empty())
        .ok_or(TinyEngineError::NotAGraph)?;
    if operators.len() > MAX_OPERATORS {
        return Err(TinyEngineError::TooManyOperators {
            found: operators.len(),
        });
    }
    let mut reader = Reader::default();
    let mut nodes = Vec::with_capacity(operators.len());
    for (index, operator) in (0..).zip(operators) {
        nodes.push(reader.node(index, operator)?);
    }
    Ok(Graph {
        values: reader.values,
        nodes,
    })
}

/// Where in the file the reader is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Position of the operator.
    pub index: u32,
    /// Its name.
    pub operator: &'a str,
    /// The tensor, or its position where it has no name yet.
    pub tensor: Option<&'a str>,
}

impl Place<'_> {
    /// The error of this place.
    pub(super) fn error(self, problem: Problem) -> TinyEngineError {
        TinyEngineError::Operator {
            index: self.index,
            name: self.operator.to_owned(),
            tensor: self.tensor.map(str::to_owned),
            problem,
        }
    }

    /// A field that is missing or holds something else.
    pub(super) fn field(self, field: &'static str, expected: &'static str) -> TinyEngineError {
        self.error(Problem::Field { field, expected })
    }

    fn text<'j>(self, object: &'j Json, field: &'static str) -> Result<&'j str, TinyEngineError> {
        object
            .get(field)
            .and_then(Json::as_str)
            .ok_or_else(|| self.field(field, "a text"))
    }

    fn list<'j>(
        self,
        object: &'j Json,
        field: &'static str,
        expected: usize,
    ) -> Result<&'j [Json], TinyEngineError> {
        let list = object
            .get(field)
            .and_then(Json::as_array)
            .ok_or_else(|| self.field(field, "a list"))?;
        if list.len() == expected {
            return Ok(list);
        }
        Err(self.error(Problem::Count {
            field,
            expected,
            found: list.len(),
        }))
    }
}

/// A whole number from 1 to `u32::MAX`.
fn positive(json: &Json) -> Option<u32> {
    json.as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|&number| number > 0)
}

/// What is known of the file so far.
#[derive(Default)]
struct Reader {
    values: Vec<Value>,
    by_name: BTreeMap<String, ValueId>,
}

impl Reader {
    fn node(&mut self, index: u32, json: &Json) -> Result<Node, TinyEngineError> {
        let nameless = Place {
            index,
            operator: "",
            tensor: None,
        };
        let name = nameless.text(json, "name")?;
        let place = Place {
            operator: name,
            ..nameless
        };
        let type_name = place.text(json, "type")?;
        let signature = Signature::of(type_name).ok_or_else(|| {
            place.error(Problem::UnknownType {
                found: type_name.to_owned(),
            })
        })?;
        let mut inputs = Vec::with_capacity(signature.n_inputs);
        for (slot, input) in place
            .list(json, "inputs", signature.n_inputs)?
            .iter()
            .enumerate()
        {
            let id = self.input(place, slot, input)?;
            let value = &self.values[id];
            let is_computed = matches!(value.source, Source::Operator | Source::Input);
            if slot < signature.n_activations && !is_computed {
                let place = Place {
                    tensor: Some(&value.name),
                    ..place
                };
                return Err(place.field("var_type", "\"activation\""));
            }
            inputs.push(id);
        }
        let [output] = place.list(json, "outputs", 1)? else {
            return Err(place.field("outputs", "a list"));
        };
        let mut node = Node {
            name: name.to_owned(),
            op: signature.op,
            inputs,
            result: self.output(place, output)?,
            strides: [1, 1],
            groups: 1,
        };
        if node.op.is_convolution() {
            attributes(place, json, &mut node)?;
        }
        check(&self.values, place, &mut node)?;
        Ok(node)
    }

    /// An input: a value that is known, or a new parameter or constant.
    fn input(
        &mut self,
        place: Place<'_>,
        slot: usize,
        json: &Json,
    ) -> Result<ValueId, TinyEngineError> {
        let position = format!("inputs[{slot}]");
        let name = Place {
            tensor: Some(&position),
            ..place
        }
        .text(json, "name")?;
        let place = Place {
            tensor: Some(name),
            ..place
        };
        let source = match place.text(json, "var_type")? {
            "activation" => Source::Operator,
            "parameter" if place.index == 0 && slot == 0 => Source::Input,
            "parameter" => Source::Parameter,
            "constant" => Source::Constant,
            _ => {
                return Err(
                    place.field("var_type", "\"activation\", \"parameter\" or \"constant\"")
                );
            }
        };
        let value = tensor(place, json, name, source)?;
        let Some(&id) = self.by_name.get(name) else {
            if source == Source::Operator {
                return Err(place.error(Problem::NotComputed));
            }
            return Ok(self.add(value));
        };
        let known = &self.values[id];
        let is_input = known.source == Source::Input && value.source == Source::Parameter;
        let field = if known.source != value.source && !is_input {
            "var_type"
        } else if known.element != value.element {
            "dtype"
        } else if known.shape != value.shape {
            "shape"
        } else {
            return Ok(id);
        };
        Err(place.error(Problem::Differs { field }))
    }

    /// The output, which is always a new value.
    fn output(&mut self, place: Place<'_>, json: &Json) -> Result<ValueId, TinyEngineError> {
        let name = Place {
            tensor: Some("outputs[0]"),
            ..place
        }
        .text(json, "name")?;
        let place = Place {
            tensor: Some(name),
            ..place
        };
        if place.text(json, "var_type")? != "activation" {
            return Err(place.field("var_type", "\"activation\""));
        }
        if self.by_name.contains_key(name) {
            return Err(place.error(Problem::ComputedTwice));
        }
        let mut value = tensor(place, json, name, Source::Operator)?;
        if let Some(info) = json.get("meta").and_then(|meta| meta.get("output_info")) {
            let info = info
                .as_str()
                .ok_or_else(|| place.field("output_info", "a text"))?;
            value.output_info = Some(info.to_owned());
        }
        Ok(self.add(value))
    }

    fn add(&mut self, value: Value) -> ValueId {
        let id = self.values.len();
        self.by_name.insert(value.name.clone(), id);
        self.values.push(value);
        id
    }
}

/// Strides and groups of a convolution.
fn attributes(place: Place<'_>, json: &Json, node: &mut Node) -> Result<(), TinyEngineError> {
    let attribute = |field: &str| json.get("attrs").and_then(|attrs| attrs.get(field));
    let strides: Option<Vec<u32>> = attribute("strides")
        .and_then(Json::as_array)
        .and_then(|strides| strides.iter().map(positive).collect());
    node.strides = strides
        .and_then(|strides| strides.try_into().ok())
        .ok_or_else(|| place.field("strides", "2 positive numbers"))?;
    node.groups = attribute("groups")
        .and_then(positive)
        .ok_or_else(|| place.field("groups", "a positive number"))?;
    Ok(())
}

/// Element type and shape of a tensor whose name is known.
fn tensor(
    place: Place<'_>,
    json: &Json,
    name: &str,
    source: Source,
) -> Result<Value, TinyEngineError> {
    let dtype = place.text(json, "dtype")?;
    let element = ElementType::NAMED
        .iter()
        .find(|(known, _)| *known == dtype)
        .map(|&(_, element)| element)
        .ok_or_else(|| place.field("dtype", "\"bool\", \"int8\", \"int32\" or \"float32\""))?;
    let shape: Vec<u32> = json
        .get("shape")
        .and_then(Json::as_array)
        .filter(|shape| shape.len() <= MAX_RANK)
        .and_then(|shape| shape.iter().map(positive).collect())
        .ok_or_else(|| place.field("shape", "at most 8 positive numbers"))?;
    let n_elements = shape
        .iter()
        .try_fold(1_u32, |product, &extent| product.checked_mul(extent))
        .filter(|&n_elements| n_elements <= u32::MAX / 4)
        .ok_or_else(|| place.error(Problem::TooLarge))?;
    Ok(Value {
        name: name.to_owned(),
        source,
        element,
        shape,
        n_elements,
        output_info: None,
    })
}
