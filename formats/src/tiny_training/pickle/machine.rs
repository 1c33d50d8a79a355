//! The stack machine.

use super::super::budget::Budget;
use super::super::error::{Excerpt, PickleError, TinyTrainingError};
use super::cursor::Cursor;
use super::opcode as op;
use super::value::{Buffer, Function, Heap, Kind, Pickle, Value};

/// Most values that a pickle may put into containers; a network of 60 convolutions has 7000.
const MAX_VALUES: usize = 1 << 18;
/// Most values on the stack.
const MAX_STACK: usize = 1 << 16;
/// Most containers that are open at once; a network nests them 6 deep.
const MAX_MARKS: usize = 1 << 10;
/// Most slots of the memo; a network of 60 convolutions has 1800.
const MAX_MEMO: u32 = 1 << 16;
/// Most bytes of a key.
const MAX_KEY: usize = 64;
/// Most entries of a dictionary.
const MAX_ENTRIES: usize = 64;

pub(super) struct Machine<'a, 'b> {
    cursor: Cursor<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at which containers that are still open begin.
    marks: Vec<usize>,
    memo: Vec<Option<Value<'a>>>,
    n_values: usize,
    pub(super) heap: Heap<'a>,
    pub(super) budget: &'b mut Budget,
}

impl<'a, 'b> Machine<'a, 'b> {
    pub(super) fn new(bytes: &'a [u8], budget: &'b mut Budget) -> Self {
        Self {
            cursor: Cursor::new(bytes),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Vec::new(),
            n_values: 0,
            heap: Heap::default(),
            budget,
        }
    }

    pub(super) fn run(mut self) -> Result<Pickle<'a>, TinyTrainingError> {
        let located = |at, error| TinyTrainingError::Pickle { at, error };
        self.protocol().map_err(|error| located(0, error))?;
        loop {
            let at = self.cursor.at();
            if let Some(root) = self.step().map_err(|error| located(at, error))? {
                let heap = self.heap;
                return Ok(Pickle { heap, root });
            }
        }
    }

    fn protocol(&mut self) -> Result<(), PickleError> {
        if self.cursor.u8()? != op::PROTO {
            return Err(PickleError::Protocol { found: None });
        }
        match self.cursor.u8()? {
            2..=5 => Ok(()),
            found => Err(PickleError::Protocol { found: Some(found) }),
        }
    }

    /// Carries out one instruction; the result if it was the last one.
    fn step(&mut self) -> Result<Option<Value<'a>>, PickleError> {
        let code = self.cursor.u8()?;
        match code {
            op::STOP => return self.pop().map(Some),
            op::MARK => {
                limit(self.marks.len(), MAX_MARKS)?;
                self.marks.push(self.stack.len());
            }
            op::FRAME => {
                // Only a hint for readers of streams, but one that must not point beyond the end.
                let len = self.cursor.u64()?;
                self.cursor.require(len)?;
            }
            op::NONE => self.push(Value::None)?,
            op::NEWTRUE => self.push(Value::Bool(true))?,
            op::NEWFALSE => self.push(Value::Bool(false))?,
            op::BININT => {
                let value = self.cursor.i32()?;
                self.push(Value::Int(i64::from(value)))?;
            }
            op::BININT1 => {
                let value = self.cursor.u8()?;
                self.push(Value::Int(i64::from(value)))?;
            }
            op::BININT2 => {
                let value = self.cursor.u16()?;
                self.push(Value::Int(i64::from(value)))?;
            }
            op::LONG1 => {
                let value = self.cursor.long()?;
                self.push(Value::Int(value))?;
            }
            op::BINFLOAT => {
                let value = self.cursor.f64()?;
                self.push(Value::Float(value))?;
            }
            op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 => {
                let len = self.length(code)?;
                let text = self.cursor.text(len)?;
                self.push(Value::Text(text))?;
            }
            op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => {
                let len = self.length(code)?;
                let bytes = self.cursor.take(len)?;
                self.push(Value::Bytes(Buffer::Raw(bytes)))?;
            }
            op::EMPTY_TUPLE => self.tuple(self.stack.len())?,
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let len = usize::from(code - op::TUPLE1) + 1;
                let start = self.top(len)?;
                self.tuple(start)?;
            }
            op::TUPLE => {
                let start = self.pop_mark()?;
                self.tuple(start)?;
            }
            op::EMPTY_LIST => {
                self.count(1)?;
                self.heap.lists.push(Vec::new());
                self.push(Value::List(self.heap.lists.len() - 1))?;
            }
            op::EMPTY_DICT => {
                let dict = self.empty_dict()?;
                self.push(dict)?;
            }
            op::APPEND => {
                let start = self.top(1)?;
                self.append(start)?;
            }
            op::APPENDS => {
                let start = self.pop_mark()?;
                self.append(start)?;
            }
            op::SETITEM => {
                let start = self.top(2)?;
                self.set_items(start)?;
            }
            op::SETITEMS => {
                let start = self.pop_mark()?;
                self.set_items(start)?;
            }
            op::BINPUT => {
                let index = self.cursor.u8()?;
                self.put(u32::from(index))?;
            }
            op::LONG_BINPUT => {
                let index = self.cursor.u32()?;
                self.put(index)?;
            }
            op::MEMOIZE => {
                let index = u32::try_from(self.memo.len()).unwrap_or(u32::MAX);
                self.put(index)?;
            }
            op::BINGET => {
                let index = self.cursor.u8()?;
                self.get(u32::from(index))?;
            }
            op::LONG_BINGET => {
                let index = self.cursor.u32()?;
                self.get(index)?;
            }
            op::GLOBAL => {
                let module = self.cursor.line()?;
                let name = self.cursor.line()?;
                self.function(module, name)?;
            }
            op::STACK_GLOBAL => {
                let name = self.pop_text()?;
                let module = self.pop_text()?;
                self.function(module, name)?;
            }
            op::REDUCE => {
                let args = self.pop()?;
                let function = self.pop()?;
                let value = self.reduce(function, args)?;
                self.push(value)?;
            }
            op::BUILD => {
                let state = self.pop()?;
                let target = self.stack[self.top(1)?];
                self.build(target, state)?;
            }
            op::PERSID | op::BINPERSID | op::NEXT_BUFFER => return Err(PickleError::Outside),
            _ => return Err(PickleError::Opcode { code }),
        }
        Ok(None)
    }

    /// The length in front of a text or of bytes, in the width of the instruction.
    fn length(&mut self, code: u8) -> Result<u64, PickleError> {
        match code {
            op::SHORT_BINUNICODE | op::SHORT_BINBYTES => self.cursor.u8().map(u64::from),
            op::BINUNICODE | op::BINBYTES => self.cursor.u32().map(u64::from),
            _ => self.cursor.u64(),
        }
    }

    // ---- the stack --------------------------------------------------------------------------

    fn push(&mut self, value: Value<'a>) -> Result<(), PickleError> {
        limit(self.stack.len(), MAX_STACK)?;
        self.stack.push(value);
        Ok(())
    }

    /// Height of the stack below its `n` uppermost values, which must belong to the container
    /// that is open.
    fn top(&self, n: usize) -> Result<usize, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack
            .len()
            .checked_sub(n)
            .filter(|&start| start >= floor)
            .ok_or(PickleError::Stack)
    }

    fn pop(&mut self) -> Result<Value<'a>, PickleError> {
        self.top(1)?;
        self.stack.pop().ok_or(PickleError::Stack)
    }

    fn pop_text(&mut self) -> Result<&'a str, PickleError> {
        match self.pop()? {
            Value::Text(text) => Ok(text),
            other => Err(operand(Kind::Text, other)),
        }
    }

    /// Closes the innermost container: where its values start.
    fn pop_mark(&mut self) -> Result<usize, PickleError> {
        self.marks.pop().ok_or(PickleError::Stack)
    }

    // ---- the memo ---------------------------------------------------------------------------

    fn put(&mut self, index: u32) -> Result<(), PickleError> {
        if index >= MAX_MEMO {
            return Err(PickleError::TooMany {
                limit: MAX_MEMO as usize,
            });
        }
        let value = self.stack[self.top(1)?];
        let slot = index as usize;
        if slot >= self.memo.len() {
            self.memo.resize(slot + 1, None);
        }
        self.memo[slot] = Some(value);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), PickleError> {
        let slot = self.memo.get(index as usize).copied().flatten();
        let value = slot.ok_or(PickleError::Memo { index })?;
        self.push(value)
    }

    // ---- containers -------------------------------------------------------------------------

    /// Counts values that go into containers.
    pub(super) fn count(&mut self, n: usize) -> Result<(), PickleError> {
        self.n_values += n;
        limit(self.n_values, MAX_VALUES)
    }

    /// Makes a tuple of the stack from `start` on.
    fn tuple(&mut self, start: usize) -> Result<(), PickleError> {
        let len = self.stack.len() - start;
        self.count(len)?;
        let tuple = Value::Tuple {
            start: self.heap.items.len(),
            len,
        };
        self.heap.items.extend(self.stack.drain(start..));
        self.push(tuple)
    }

    pub(super) fn empty_dict(&mut self) -> Result<Value<'a>, PickleError> {
        self.count(1)?;
        self.heap.dicts.push(Vec::new());
        Ok(Value::Dict(self.heap.dicts.len() - 1))
    }

    /// Moves the stack from `start` on to the end of the list below.
    fn append(&mut self, start: usize) -> Result<(), PickleError> {
        self.count(self.stack.len() - start)?;
        let list = match self.below(start)? {
            Value::List(list) => list,
            other => return Err(operand(Kind::List, other)),
        };
        self.heap.lists[list].extend(self.stack.drain(start..));
        Ok(())
    }

    /// Moves the stack from `start` on, key after value, into the dictionary below.
    fn set_items(&mut self, start: usize) -> Result<(), PickleError> {
        self.count(self.stack.len() - start)?;
        let dict = match self.below(start)? {
            Value::Dict(dict) => dict,
            other => return Err(operand(Kind::Dictionary, other)),
        };
        let entries = &mut self.heap.dicts[dict];
        let (pairs, rest) = self.stack[start..].as_chunks::<2>();
        if !rest.is_empty() {
            return Err(PickleError::Stack);
        }
        for &[key, value] in pairs {
            let Value::Text(key) = key else {
                return Err(operand(Kind::Text, key));
            };
            if key.len() > MAX_KEY {
                return Err(PickleError::Key { bytes: key.len() });
            }
            if entries.iter().any(|&(other, _)| other == key) {
                let key = Excerpt::new(&[key]);
                return Err(PickleError::RepeatedKey { key });
            }
            limit(entries.len(), MAX_ENTRIES)?;
            entries.push((key, value));
        }
        self.stack.truncate(start);
        Ok(())
    }

    /// The value under `start`, which must belong to the container that is open.
    fn below(&self, start: usize) -> Result<Value<'a>, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let index = start.checked_sub(1).filter(|&index| index >= floor);
        index
            .and_then(|index| self.stack.get(index))
            .copied()
            .ok_or(PickleError::Stack)
    }

    fn function(&mut self, module: &'a str, name: &'a str) -> Result<(), PickleError> {
        let function = Function::of_name(module, name).ok_or_else(|| PickleError::Name {
            name: Excerpt::new(&[module, name]),
        })?;
        self.push(Value::Function(function))
    }
}

fn limit(n: usize, limit: usize) -> Result<(), PickleError> {
    if n < limit {
        Ok(())
    } else {
        Err(PickleError::TooMany { limit })
    }
}

pub(super) fn operand(expected: Kind, found: Value<'_>) -> PickleError {
    PickleError::Operand {
        expected,
        found: found.kind(),
    }
}
