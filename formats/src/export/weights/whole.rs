//! All weights, frozen and trained, each tensor whole and in the order of its network.

use quartermeg_core::program::{Program, Settings};
use safetensors::{Dtype, SafeTensors};

use super::super::error::WeightsError;
use super::parameters::{self, Parameter, constants, layer_name, places, weight_shape};
use super::{Part, tensor, write as write_file};
use crate::config::Trained;

/// Kind of these files.
pub const KIND: &str = "weights";

/// Writes all weights.
#[must_use]
pub fn write<B: AsRef<[u8]>>(
    program: &Program<B>,
    settings: &Settings,
    trained: &Trained,
) -> Vec<u8> {
    let all = parameters::all(program);
    let mut parts = Vec::new();
    for layer in 0..program.n_layers() {
        let record = program.layer(layer);
        let owner = layer_name(program, layer);
        let learning = all.iter().find(|it| it.weights_of == Some(layer));
        parts.push(Part {
            name: format!("{owner}.weight"),
            dtype: learning.map_or(Dtype::I8, Parameter::dtype),
            shape: weight_shape(&record),
            bytes: whole_weight(program, layer, learning, &trained.state),
        });
        if record.bias_tensor.is_none() {
            let outputs = record.out_channels();
            parts.push(Part {
                name: format!("{owner}.bias"),
                dtype: Dtype::I32,
                shape: vec![outputs],
                bytes: constants(program, record.bias, 4 * outputs).to_vec(),
            });
        }
    }
    for parameter in all.iter().filter(|it| it.weights_of.is_none()) {
        parts.push(Part {
            name: parameter.name.clone(),
            dtype: parameter.dtype(),
            shape: vec![parameter.n_elements()],
            bytes: trained.state[parameter.range()].to_vec(),
        });
    }
    write_file(KIND, program, settings, trained, &parts)
}

/// The persistent part of the block, from a file.
pub(super) fn state<B: AsRef<[u8]>>(
    program: &Program<B>,
    file: &SafeTensors<'_>,
) -> Result<Vec<u8>, WeightsError> {
    let all = parameters::all(program);
    let mut state = vec![0; program.meta().persistent_bytes as usize];
    for layer in 0..program.n_layers() {
        let learning = all.iter().find(|it| it.weights_of == Some(layer));
        let record = program.layer(layer);
        let name = format!("{}.weight", layer_name(program, layer));
        let dtype = learning.map_or(Dtype::I8, Parameter::dtype);
        let n_elements = weight_shape(&record).iter().product();
        let found = tensor(file, &name, dtype, n_elements)?;
        if let Some(parameter) = learning {
            let size = parameter.element_bytes();
            let to = &mut state[parameter.range()];
            for place in places(program, &record).iter().filter(|place| place.learns) {
                to[place.source * size..][..size]
                    .copy_from_slice(&found[place.whole * size..][..size]);
            }
        }
        // What does not learn must be what the program has.
        if whole_weight(program, layer, learning, &state) != found {
            return Err(WeightsError::Frozen { name });
        }
        if record.bias_tensor.is_none() {
            let name = format!("{}.bias", layer_name(program, layer));
            let outputs = record.out_channels();
            let found = tensor(file, &name, Dtype::I32, outputs)?;
            if constants(program, record.bias, 4 * outputs) != found {
                return Err(WeightsError::Frozen { name });
            }
        }
    }
    for parameter in all.iter().filter(|it| it.weights_of.is_none()) {
        let found = tensor(
            file,
            &parameter.name,
            parameter.dtype(),
            parameter.n_elements(),
        )?;
        state[parameter.range()].copy_from_slice(found);
    }
    Ok(state)
}

/// The weights of a layer in the order of its network, from both of their sources.
fn whole_weight<B: AsRef<[u8]>>(
    program: &Program<B>,
    layer: u32,
    learning: Option<&Parameter>,
    state: &[u8],
) -> Vec<u8> {
    let record = program.layer(layer);
    let n_frozen = record.weight_len(record.n_frozen as usize);
    let frozen = constants(program, record.frozen_weight, n_frozen);
    let size = learning.map_or(1, Parameter::element_bytes);
    let trained = learning.map_or(&[][..], |parameter| &state[parameter.range()]);
    let places = places(program, &record);
    let mut whole = vec![0; places.len() * size];
    for place in places {
        let to = &mut whole[place.whole * size..][..size];
        if place.learns {
            to.copy_from_slice(&trained[place.source * size..][..size]);
        } else if size == 1 {
            to[0] = frozen[place.source];
        } else {
            // Beside float32 masters the codes that do not learn are float32, too.
            let code = f32::from(frozen[place.source].cast_signed());
            to.copy_from_slice(&code.to_le_bytes());
        }
    }
    whole
}
