//! Writes pickles and zips for the tests, byte by byte, after Python's and the zip's own
//! documentation; it shares nothing with the reader.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A value to be pickled.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    None,
    Bool(bool),
    Int(i32),
    Float(f64),
    Text(String),
    Tuple(Vec<Item>),
    List(Vec<Item>),
    Dict(Vec<(String, Item)>),
    Array(Array),
    /// Instructions as they are.
    Raw(Vec<u8>),
}

/// A numpy array to be pickled.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    /// Kind and size, as numpy writes them: `i1`.
    pub(crate) dtype: &'static str,
    /// `<`, `>` or `|`.
    pub(crate) order: &'static str,
    pub(crate) shape: Vec<i32>,
    pub(crate) column_major: bool,
    pub(crate) data: Vec<u8>,
}

pub(crate) fn text(value: &str) -> Item {
    Item::Text(value.to_owned())
}

pub(crate) fn dict(entries: impl IntoIterator<Item = (&'static str, Item)>) -> Item {
    let entries = entries.into_iter();
    Item::Dict(entries.map(|(key, item)| (key.to_owned(), item)).collect())
}

impl Item {
    /// The item at `path`: keys of dictionaries and indices of lists, joined by dots.
    pub(crate) fn at(&mut self, path: &str) -> &mut Item {
        path.split('.').fold(self, |item, step| match item {
            Item::Dict(entries) => {
                let entry = entries.iter_mut().find(|(key, _)| key == step);
                &mut entry.unwrap_or_else(|| panic!("{path}: no {step}")).1
            }
            Item::List(items) | Item::Tuple(items) => {
                &mut items[step.parse::<usize>().expect("an index")]
            }
            other => panic!("{path}: {step} of {other:?}"),
        })
    }

    pub(crate) fn set(&mut self, path: &str, item: Item) {
        *self.at(path) = item;
    }

    /// Adds an entry to the dictionary at `path`, which may be empty for the outermost one.
    pub(crate) fn add(&mut self, path: &str, key: &str, item: Item) {
        let target = if path.is_empty() { self } else { self.at(path) };
        let Item::Dict(entries) = target else {
            panic!("{path} is no dictionary");
        };
        entries.push((key.to_owned(), item));
    }

    pub(crate) fn remove(&mut self, path: &str, key: &str) {
        let target = if path.is_empty() { self } else { self.at(path) };
        let Item::Dict(entries) = target else {
            panic!("{path} is no dictionary");
        };
        entries.retain(|(other, _)| other != key);
    }

    pub(crate) fn array(&mut self, path: &str) -> &mut Array {
        match self.at(path) {
            Item::Array(array) => array,
            other => panic!("{path} is {other:?}"),
        }
    }

    /// The pickle of this item.
    pub(crate) fn pickle(&self, protocol: u8) -> Vec<u8> {
        let mut bytes = vec![0x80, protocol];
        write(self, protocol, &mut bytes);
        bytes.push(b'.');
        bytes
    }

    /// A whole file, as `PyTorch` writes it.
    pub(crate) fn file(&self) -> Vec<u8> {
        zip(&self.pickle(2))
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
    out.extend(text.as_bytes());
}

pub(crate) fn global(module: &str, name: &str, protocol: u8, out: &mut Vec<u8>) {
    if protocol < 4 {
        out.extend(format!("c{module}\n{name}\n").as_bytes());
    } else {
        for text in [module, name] {
            out.extend([0x8c, u8::try_from(text.len()).expect("short")]);
            out.extend(text.as_bytes());
        }
        out.push(0x93);
    }
}

/// The instructions that push bytes.
pub(crate) fn write_bytes(bytes: &[u8], protocol: u8, out: &mut Vec<u8>) {
    if protocol < 3 {
        global("_codecs", "encode", protocol, out);
        let latin1: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        write_text(&latin1, out);
        write_text("latin1", out);
        out.extend([0x86, b'R']);
    } else {
        out.push(b'B');
        out.extend(u32::try_from(bytes.len()).expect("short").to_le_bytes());
        out.extend(bytes);
    }
}

/// The instructions that push an element type.
pub(crate) fn write_dtype(dtype: &str, order: &str, protocol: u8, out: &mut Vec<u8>) {
    global("numpy", "dtype", protocol, out);
    write_text(dtype, out);
    out.extend([0x89, 0x88, 0x87, b'R']);
    out.push(b'(');
    write(&Item::Int(3), protocol, out);
    write_text(order, out);
    out.extend(b"NNN");
    for value in [-1, -1, 0] {
        write(&Item::Int(value), protocol, out);
    }
    out.extend(b"tb");
}

fn write_array(array: &Array, protocol: u8, out: &mut Vec<u8>) {
    let shape = Item::Tuple(
        array
            .shape
            .iter()
            .map(|&extent| Item::Int(extent))
            .collect(),
    );
    if protocol == 5 {
        global("numpy._core.numeric", "_frombuffer", protocol, out);
        out.push(b'(');
        out.push(0x96);
        out.extend((array.data.len() as u64).to_le_bytes());
        out.extend(&array.data);
        write_dtype(array.dtype, array.order, protocol, out);
        write(&shape, protocol, out);
        write_text(if array.column_major { "F" } else { "C" }, out);
        out.extend(b"tR");
        return;
    }
    global("numpy.core.multiarray", "_reconstruct", protocol, out);
    global("numpy", "ndarray", protocol, out);
    write(&Item::Tuple(vec![Item::Int(0)]), protocol, out);
    write_bytes(b"b", protocol, out);
    out.extend([0x87, b'R', b'(']);
    write(&Item::Int(1), protocol, out);
    write(&shape, protocol, out);
    write_dtype(array.dtype, array.order, protocol, out);
    write(&Item::Bool(array.column_major), protocol, out);
    write_bytes(&array.data, protocol, out);
    out.extend(b"tb");
}

pub(crate) fn write(item: &Item, protocol: u8, out: &mut Vec<u8>) {
    match item {
        Item::None => out.push(b'N'),
        Item::Bool(value) => out.push(if *value { 0x88 } else { 0x89 }),
        Item::Int(value) => {
            if let Ok(byte) = u8::try_from(*value) {
                out.extend([b'K', byte]);
            } else {
                out.push(b'J');
                out.extend(value.to_le_bytes());
            }
        }
        Item::Float(value) => {
            out.push(b'G');
            out.extend(value.to_be_bytes());
        }
        Item::Text(value) => write_text(value, out),
        Item::Tuple(items) => {
            out.push(b'(');
            for item in items {
                write(item, protocol, out);
            }
            out.push(b't');
        }
        Item::List(items) => {
            out.extend(b"](");
            for item in items {
                write(item, protocol, out);
            }
            out.push(b'e');
        }
        Item::Dict(entries) => {
            out.extend(b"}(");
            for (key, item) in entries {
                write_text(key, out);
                write(item, protocol, out);
            }
            out.push(b'u');
        }
        Item::Array(array) => write_array(array, protocol, out),
        Item::Raw(bytes) => out.extend(bytes),
    }
}

// ---- the zip --------------------------------------------------------------------------------

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// One entry of a zip, with everything that its headers say.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    /// The bytes as they lie in the file.
    pub(crate) packed: Vec<u8>,
}

impl Entry {
    pub(crate) fn stored(name: &'static str, bytes: &[u8]) -> Self {
        Self {
            name,
            flags: 0,
            method: 0,
            crc: crc(bytes),
            size: u32::try_from(bytes.len()).expect("short"),
            packed: bytes.to_vec(),
        }
    }

    pub(crate) fn deflated(name: &'static str, bytes: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("into memory");
        Self {
            method: 8,
            packed: encoder.finish().expect("into memory"),
            ..Self::stored(name, bytes)
        }
    }
}

/// The fields that both headers of an entry share.
fn header(entry: &Entry, out: &mut Vec<u8>) {
    for half in [20, entry.flags, entry.method, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    out.extend(entry.crc.to_le_bytes());
    out.extend(
        u32::try_from(entry.packed.len())
            .expect("short")
            .to_le_bytes(),
    );
    out.extend(entry.size.to_le_bytes());
    out.extend(
        u16::try_from(entry.name.len())
            .expect("short")
            .to_le_bytes(),
    );
    out.extend([0, 0]);
}

pub(crate) fn zip_of(entries: &[Entry]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let at = u32::try_from(file.len()).expect("short");
        file.extend(b"PK\x03\x04");
        header(entry, &mut file);
        file.extend(entry.name.as_bytes());
        file.extend(&entry.packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        header(entry, &mut directory);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let at = u32::try_from(file.len()).expect("short");
    let n_entries = u16::try_from(entries.len()).expect("few");
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(n_entries.to_le_bytes());
    file.extend(n_entries.to_le_bytes());
    file.extend(u32::try_from(directory.len()).expect("short").to_le_bytes());
    file.extend(at.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// A zip around a pickle, as `PyTorch` writes it.
pub(crate) fn zip(pickle: &[u8]) -> Vec<u8> {
    zip_of(&[
        Entry::stored("archive/data.pkl", pickle),
        Entry::stored("archive/version", b"3\n"),
    ])
}
