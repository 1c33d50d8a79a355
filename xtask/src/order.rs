//! In which order the functions of the finished module lie, so that it compresses well.
//!
//! gzip looks back 32 KiB, and the module is forty times as long: what two functions have in common
//! is written once only where they lie close together. wasm-opt sorts functions by their names, so
//! the names are written here.

use std::mem::take;

use anyhow::{Context, Result};

/// How far gzip looks back.
const REACH_BYTES: usize = 32 * 1024;
/// Shorter pieces are found everywhere, and longer ones miss what differs in one number.
const PIECE_BYTES: usize = 6;

const HEADER_BYTES: usize = 8;
const CUSTOM_SECTION: u8 = 0;
const IMPORT_SECTION: u8 = 2;
const CODE_SECTION: u8 = 10;
const FUNCTION_NAMES: u8 = 1;

/// The module with names for its functions that sort as the functions should lie.
pub(crate) fn with_names(module: &[u8]) -> Result<Vec<u8>> {
    let (n_imported, bodies) =
        functions(module).context("the module has parts that this program cannot read")?;
    let mut names = Vec::new();
    write_number(&mut names, bodies.len());
    let mut positions = vec![0; bodies.len()];
    for (position, function) in order(&bodies).into_iter().enumerate() {
        positions[function] = position;
    }
    for (function, position) in positions.into_iter().enumerate() {
        write_number(&mut names, n_imported + function);
        write_block(&mut names, format!("{position:06}").as_bytes());
    }
    let mut section = Vec::new();
    write_block(&mut section, b"name");
    section.push(FUNCTION_NAMES);
    write_block(&mut section, &names);
    let mut named = module.to_vec();
    named.push(CUSTOM_SECTION);
    write_block(&mut named, &section);
    Ok(named)
}

/// Each function follows those that it has most in common with, among those that gzip still sees.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let mut common = Common::of(bodies);
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order: Vec<usize> = Vec::new();
    let (mut n_passed, mut reach_bytes) = (0, 0);
    while let Some(next) = (0..left.len()).max_by(|&a, &b| {
        let worth = |at: usize| common.worth[left[at]] / root(bodies[left[at]].len());
        worth(a).total_cmp(&worth(b))
    }) {
        let function = left.swap_remove(next);
        common.enter(function);
        order.push(function);
        reach_bytes += bodies[function].len();
        while reach_bytes > REACH_BYTES {
            common.leave(order[n_passed]);
            reach_bytes -= bodies[order[n_passed]].len();
            n_passed += 1;
        }
    }
    order
}

/// What functions have in common, and how much of it is within reach.
struct Common {
    /// The functions that hold a piece, for each piece that several hold.
    holders: Vec<Vec<usize>>,
    /// The pieces that a function holds.
    pieces: Vec<Vec<usize>>,
    /// How many functions within reach hold a piece.
    n_within: Vec<usize>,
    /// What the pieces of a function that are within reach weigh: the fewer hold one, the more.
    worth: Vec<f64>,
}

impl Common {
    fn of(bodies: &[&[u8]]) -> Self {
        let mut found: Vec<(&[u8], usize)> = Vec::new();
        for (function, body) in bodies.iter().enumerate() {
            found.extend(body.windows(PIECE_BYTES).map(|piece| (piece, function)));
        }
        found.sort_unstable();
        found.dedup();
        let mut holders = Vec::new();
        let mut pieces = vec![Vec::new(); bodies.len()];
        for same in found.chunk_by(|a, b| a.0 == b.0).filter(|it| it.len() > 1) {
            for &(_, function) in same {
                pieces[function].push(holders.len());
            }
            holders.push(same.iter().map(|&(_, function)| function).collect());
        }
        Self {
            n_within: vec![0; holders.len()],
            worth: vec![0.0; bodies.len()],
            holders,
            pieces,
        }
    }

    fn enter(&mut self, function: usize) {
        for &piece in &self.pieces[function] {
            self.n_within[piece] += 1;
            if self.n_within[piece] == 1 {
                let holders = &self.holders[piece];
                for &holder in holders {
                    self.worth[holder] += weight(holders);
                }
            }
        }
    }

    fn leave(&mut self, function: usize) {
        for piece in take(&mut self.pieces[function]) {
            self.n_within[piece] -= 1;
            if self.n_within[piece] == 0 {
                let holders = &self.holders[piece];
                for &holder in holders {
                    self.worth[holder] -= weight(holders);
                }
            }
        }
    }
}

fn weight(holders: &[usize]) -> f64 {
    1.0 / root(holders.len())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it is a length, and only a measure"
)]
fn root(number: usize) -> f64 {
    (number as f64).sqrt()
}

/// How many functions a module imports, and the bytes of each of its own.
fn functions(module: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let mut rest = module.get(HEADER_BYTES..)?;
    let mut n_imported = 0;
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let kind = read_byte(&mut rest)?;
        let mut section = read_block(&mut rest)?;
        match kind {
            IMPORT_SECTION => {
                n_imported = read_number(&mut section)?;
                for _ in 0..n_imported {
                    let _module = read_block(&mut section)?;
                    let _name = read_block(&mut section)?;
                    // wasm-bindgen imports nothing but functions, which are kind 0.
                    (read_byte(&mut section)? == 0).then_some(())?;
                    let _signature = read_number(&mut section)?;
                }
            }
            CODE_SECTION => {
                for _ in 0..read_number(&mut section)? {
                    bodies.push(read_block(&mut section)?);
                }
            }
            _ => {}
        }
    }
    Some((n_imported, bodies))
}

fn read_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

/// A number in LEB128, as wasm has it.
fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let byte = read_byte(bytes)?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Bytes behind their number.
fn read_block<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read_number(bytes)?;
    let (block, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(block)
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn write_block(bytes: &mut Vec<u8>, block: &[u8]) {
    write_number(bytes, block.len());
    bytes.extend(block);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports one function and has those of `bodies`, as far as it is read here.
    fn module(bodies: &[&[u8]]) -> Vec<u8> {
        let mut imports = Vec::new();
        write_number(&mut imports, 1);
        write_block(&mut imports, b"module");
        write_block(&mut imports, b"function");
        imports.extend([0, 3]);
        let mut code = Vec::new();
        write_number(&mut code, bodies.len());
        for body in bodies {
            write_block(&mut code, body);
        }
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.push(IMPORT_SECTION);
        write_block(&mut module, &imports);
        module.push(CODE_SECTION);
        write_block(&mut module, &code);
        module
    }

    #[test]
    fn functions_that_resemble_each_other_lie_together() {
        let (a, b) = ([7; 40], *b"nothing that the other one has in it");
        let (like_a, like_b) = ([7; 30], *b"nothing that the other one has");
        let order = order(&[&a, &b, &like_a, &like_b]);
        let at = |function| order.iter().position(|&it| it == function).unwrap();
        assert_eq!(order.len(), 4);
        assert_eq!(at(0).abs_diff(at(2)), 1, "{order:?}");
        assert_eq!(at(1).abs_diff(at(3)), 1, "{order:?}");
    }

    #[test]
    fn every_function_is_placed_once_however_long() {
        let bodies: Vec<Vec<u8>> = (0..50).map(|i| vec![i % 3; 1500]).collect();
        let mut order = order(&bodies.iter().map(Vec::as_slice).collect::<Vec<_>>());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..50));
        assert_eq!(super::order(&[&vec![1; 100_000], &[2; 2]]).len(), 2);
    }

    #[test]
    fn names_stand_behind_the_module_and_count_what_it_imports() {
        let module = module(&[b"first", &[1; 300]]);
        assert_eq!(functions(&module).unwrap().0, 1);
        let named = with_names(&module).unwrap();
        let section = named.strip_prefix(module.as_slice()).unwrap();
        let mut names = section.strip_prefix(b"\0\x18\x04name\x01\x11\x02").unwrap();
        let mut found = Vec::new();
        while !names.is_empty() {
            let function = read_number(&mut names).unwrap();
            found.push((function, read_block(&mut names).unwrap()));
        }
        assert!(matches!(found[..], [(1, _), (2, _)]));
        assert_ne!(found[0].1, found[1].1);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let module = module(&[b"body"]);
        for bytes in [
            &module[..5],
            &module[..module.len() - 1],
            b"\0asm\x01\0\0\0\x0a\xff\xff\xff\xff\xff",
        ] {
            assert!(with_names(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 127, 128, 300, 1 << 20, u32::MAX as usize] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            assert_eq!(read_number(&mut bytes.as_slice()), Some(number));
        }
    }
}
