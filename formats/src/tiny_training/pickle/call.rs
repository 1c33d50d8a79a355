//! What the known functions make of their arguments, and how arrays and element types are filled.
//!
//! The arguments are those that numpy writes; any others are refused.

use super::super::array::{Array, ArrayShape, Dtype, ElementType, MAX_RANK};
use super::super::error::{Excerpt, PickleError};
use super::machine::{Machine, operand};
use super::value::{Buffer, Function, Kind, Value};

impl<'a> Machine<'a, '_> {
    pub(super) fn reduce(
        &mut self,
        function: Value<'a>,
        args: Value<'a>,
    ) -> Result<Value<'a>, PickleError> {
        let Value::Function(function) = function else {
            return Err(operand(Kind::Function, function));
        };
        let Value::Tuple { start, len } = args else {
            return Err(operand(Kind::Tuple, args));
        };
        match (function, self.heap.tuple(start, len)) {
            (Function::Encode, &[Value::Text(text), Value::Text("latin1")]) => {
                self.latin1(text).map(Value::Bytes)
            }
            (Function::OrderedDict, []) => self.empty_dict(),
            (Function::Dtype, &[Value::Text(name), Value::Bool(_), Value::Bool(_)]) => {
                let element = ElementType::of_numpy(name).ok_or(PickleError::ElementType {
                    name: Excerpt::new(&[name]),
                })?;
                self.count(1)?;
                self.heap.dtypes.push(Dtype {
                    element,
                    big_endian: false,
                });
                Ok(Value::Dtype(self.heap.dtypes.len() - 1))
            }
            (
                Function::Reconstruct,
                &[
                    Value::Function(Function::Ndarray),
                    Value::Tuple { .. },
                    Value::Bytes(_),
                ],
            ) => self.array(None),
            (Function::Scalar, &[Value::Dtype(dtype), Value::Bytes(data)]) => {
                scalar(self.heap.dtypes[dtype], data)
            }
            (
                Function::FromBuffer,
                &[
                    Value::Bytes(data),
                    Value::Dtype(dtype),
                    shape,
                    Value::Text(order @ ("C" | "F")),
                ],
            ) => {
                let array = self.filled(dtype, shape, order == "F", data)?;
                self.array(Some(array))
            }
            _ => Err(PickleError::Arguments),
        }
    }

    /// Gives `target` its contents.
    pub(super) fn build(&mut self, target: Value<'a>, state: Value<'a>) -> Result<(), PickleError> {
        let Value::Tuple { start, len } = state else {
            return Err(operand(Kind::Tuple, state));
        };
        match (target, self.heap.tuple(start, len)) {
            // Version, byte order, then what only records, sub-arrays and objects have.
            (
                Value::Dtype(dtype),
                &[
                    Value::Int(3),
                    Value::Text(order @ ("<" | ">" | "|")),
                    Value::None,
                    Value::None,
                    Value::None,
                    Value::Int(_),
                    Value::Int(_),
                    Value::Int(0),
                ],
            ) => self.heap.dtypes[dtype].big_endian = order == ">",
            (
                Value::Array(array),
                &[
                    Value::Int(1),
                    shape,
                    Value::Dtype(dtype),
                    Value::Bool(column_major),
                    Value::Bytes(data),
                ],
            ) => {
                let filled = self.filled(dtype, shape, column_major, data)?;
                self.heap.arrays[array] = Some(filled);
            }
            _ => return Err(PickleError::Arguments),
        }
        Ok(())
    }

    /// The text as bytes. It is read through once, so it is paid for.
    fn latin1(&mut self, text: &'a str) -> Result<Buffer<'a>, PickleError> {
        if !self.budget.take(text.len()) {
            return Err(PickleError::TooLarge);
        }
        let mut len = 0;
        for char in text.chars() {
            if u32::from(char) > 0xff {
                return Err(PickleError::Latin1);
            }
            len += 1;
        }
        Ok(Buffer::Latin1 { text, len })
    }

    fn array(&mut self, array: Option<Array<'a>>) -> Result<Value<'a>, PickleError> {
        self.count(1)?;
        self.heap.arrays.push(array);
        Ok(Value::Array(self.heap.arrays.len() - 1))
    }

    fn filled(
        &self,
        dtype: usize,
        shape: Value<'a>,
        column_major: bool,
        data: Buffer<'a>,
    ) -> Result<Array<'a>, PickleError> {
        let dtype = self.heap.dtypes[dtype];
        let shape = self.shape(shape)?;
        let expected = shape
            .n_elements()
            .and_then(|n| n.checked_mul(dtype.element.size() as u64))
            .ok_or(PickleError::TooLarge)?;
        if data.len() as u64 != expected {
            return Err(PickleError::ArrayLength {
                expected,
                found: data.len(),
            });
        }
        Ok(Array {
            dtype,
            shape,
            column_major,
            data,
        })
    }

    fn shape(&self, shape: Value<'a>) -> Result<ArrayShape, PickleError> {
        let Value::Tuple { start, len } = shape else {
            return Err(operand(Kind::Tuple, shape));
        };
        if len > MAX_RANK {
            return Err(PickleError::Dimensions { found: len });
        }
        let mut extents = [0; MAX_RANK];
        for (extent, &value) in extents.iter_mut().zip(self.heap.tuple(start, len)) {
            let Value::Int(value) = value else {
                return Err(operand(Kind::Integer, value));
            };
            *extent = u64::try_from(value).map_err(|_error| PickleError::Arguments)?;
        }
        ArrayShape::new(extents.into_iter().take(len)).ok_or(PickleError::TooLarge)
    }
}

/// One number of numpy's as one of the pickle's own.
fn scalar<'a>(dtype: Dtype, data: Buffer<'_>) -> Result<Value<'a>, PickleError> {
    let size = dtype.element.size();
    if data.len() != size {
        return Err(PickleError::ArrayLength {
            expected: size as u64,
            found: data.len(),
        });
    }
    // Least significant byte first, and the sign carried on to 64 bits.
    let mut word = [0; 8];
    let bytes = &mut word[..size];
    bytes.copy_from_slice(&data.to_bytes());
    if dtype.big_endian {
        bytes.reverse();
    }
    let bits = u64::from_le_bytes(word);
    let unused = 64 - 8 * size;
    let signed = (bits << unused).cast_signed() >> unused;
    Ok(match dtype.element {
        ElementType::Bool => Value::Bool(bits != 0),
        ElementType::I8 | ElementType::I16 | ElementType::I32 | ElementType::I64 => {
            Value::Int(signed)
        }
        ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64 => {
            Value::Int(i64::try_from(bits).map_err(|_error| PickleError::Integer { bytes: size })?)
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the upper half is zero, since the number has four bytes"
        )]
        ElementType::F32 => Value::Float(f64::from(f32::from_bits(bits as u32))),
        ElementType::F64 => Value::Float(f64::from_bits(bits)),
    })
}
