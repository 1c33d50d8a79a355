//! Typed tensors of a safetensors file.

use safetensors::{Dtype, SafeTensors};

use crate::gzip;

/// Largest file after decompression: far above what ships, far below what would hurt.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Why a safetensors file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TensorFileError {
    /// The compressed file is damaged, or unpacks to more than 64 MiB.
    Compression,
    /// It is not a safetensors file; the reader's reason.
    Container(String),
    /// A tensor is missing.
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor has another element type.
    DType {
        /// Its name.
        name: String,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A tensor has another number of dimensions or an impossible shape.
    Shape {
        /// Its name.
        name: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: Vec<usize>,
    },
}

/// The bytes of a file, unpacked if they are a gzip stream.
pub(crate) fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, TensorFileError> {
    if !gzip::is_gzip(bytes) {
        return Ok(bytes.to_vec());
    }
    gzip::unpack(bytes, MAX_BYTES).ok_or(TensorFileError::Compression)
}

pub(crate) fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, TensorFileError> {
    SafeTensors::deserialize(bytes).map_err(|error| TensorFileError::Container(error.to_string()))
}

/// The little-endian bytes and the shape of a tensor of element type `dtype`.
fn bytes<'a>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
    expected: &'static str,
) -> Result<(&'a [u8], Vec<usize>), TensorFileError> {
    let Ok(tensor) = file.tensor(name) else {
        return Err(TensorFileError::Missing {
            name: name.to_owned(),
        });
    };
    if tensor.dtype() != dtype {
        let found = format!("{:?}", tensor.dtype());
        return Err(TensorFileError::DType {
            name: name.to_owned(),
            expected,
            found,
        });
    }
    Ok((tensor.data(), tensor.shape().to_vec()))
}

pub(crate) fn i8s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<i8>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::I8, "int8")?;
    Ok((
        bytes.iter().map(|&byte| byte.cast_signed()).collect(),
        shape,
    ))
}

pub(crate) fn u8s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<u8>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::U8, "uint8")?;
    Ok((bytes.to_vec(), shape))
}

pub(crate) fn i32s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<i32>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::I32, "int32")?;
    let values = bytes
        .chunks_exact(4)
        .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok((values.collect(), shape))
}

pub(crate) fn f32s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<f32>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::F32, "float32")?;
    let values = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok((values.collect(), shape))
}

pub(crate) fn i64s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<i64>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::I64, "int64")?;
    let values = bytes
        .chunks_exact(8)
        .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]));
    Ok((values.collect(), shape))
}

pub(crate) fn f64s(
    file: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<f64>, Vec<usize>), TensorFileError> {
    let (bytes, shape) = bytes(file, name, Dtype::F64, "float64")?;
    let values = bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]));
    Ok((values.collect(), shape))
}
