//! Only what changed from the values that the program starts with: of every parameter one bit an
//! element, and the new values of those whose bit is set.

use quartermeg_core::program::{Program, Settings};
use safetensors::{Dtype, SafeTensors};

use super::super::error::WeightsError;
use super::{Part, parameters, start, tensor, write as write_file};
use crate::config::Trained;

/// Kind of these files.
pub const KIND: &str = "delta";

/// Writes what changed.
#[must_use]
pub fn write<B: AsRef<[u8]>>(
    program: &Program<B>,
    settings: &Settings,
    trained: &Trained,
) -> Vec<u8> {
    let start = start(program).state;
    let mut parts = Vec::new();
    for parameter in parameters::all(program) {
        let size = parameter.element_bytes();
        let before = start[parameter.range()].chunks_exact(size);
        let after = trained.state[parameter.range()].chunks_exact(size);
        let mut changed = vec![0; parameter.n_elements().div_ceil(8)];
        let mut values = Vec::new();
        for (index, (_, value)) in before
            .zip(after)
            .enumerate()
            .filter(|(_, (before, after))| before != after)
        {
            changed[index / 8] |= 1 << (index % 8);
            values.extend_from_slice(value);
        }
        if values.is_empty() {
            continue;
        }
        parts.push(Part {
            name: format!("{}.changed", parameter.name),
            dtype: Dtype::U8,
            shape: vec![changed.len()],
            bytes: changed,
        });
        parts.push(Part {
            name: format!("{}.value", parameter.name),
            dtype: parameter.dtype(),
            shape: vec![values.len() / size],
            bytes: values,
        });
    }
    write_file(KIND, program, settings, trained, &parts)
}

/// The persistent part of the block, from a file.
pub(super) fn state<B: AsRef<[u8]>>(
    program: &Program<B>,
    file: &SafeTensors<'_>,
) -> Result<Vec<u8>, WeightsError> {
    let mut state = start(program).state;
    let mut n_known = 0;
    for parameter in parameters::all(program) {
        let (bits, values) = (
            format!("{}.changed", parameter.name),
            format!("{}.value", parameter.name),
        );
        if file.tensor(&bits).is_err() && file.tensor(&values).is_err() {
            continue;
        }
        n_known += 2;
        let n_elements = parameter.n_elements();
        let changed = tensor(file, &bits, Dtype::U8, n_elements.div_ceil(8))?;
        let is_set = |index: &usize| changed[index / 8] >> (index % 8) & 1 == 1;
        let size = parameter.element_bytes();
        let n_changed = (0..n_elements).filter(is_set).count();
        let values = tensor(file, &values, parameter.dtype(), n_changed)?;
        let to = &mut state[parameter.range()];
        for (index, value) in (0..n_elements)
            .filter(is_set)
            .zip(values.chunks_exact(size))
        {
            to[index * size..][..size].copy_from_slice(value);
        }
    }
    // A change that belongs to no parameter would be lost.
    if file.len() != n_known {
        return Err(WeightsError::Foreign);
    }
    Ok(state)
}
