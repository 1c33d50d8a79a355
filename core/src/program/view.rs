//! Typed access to a checked image.

use core::ops::Range;

use sha2::{Digest as _, Sha256};

use super::TensorIdx;
use super::block::Block;
use super::check::{self, ProgramError};
use super::image::Section;
use super::layer::{AddRecord, LayerRecord};
use super::meta::Meta;
use super::op::Op;
use super::operands::{Operands, Records};
use super::pool::PoolRecord;
use super::settings::Settings;
use super::stream::{MAX_STREAM_LAYERS, Stream};
use super::tensor::TensorRecord;
use crate::quant::Rules;

/// A checked program over the bytes `B` (a slice in flash, or owned aligned bytes on a host).
#[derive(Clone, Debug)]
pub struct Program<B> {
    bytes: B,
    sections: Sections,
    meta: Meta,
}

/// Where each section lies.
pub(crate) type Sections = [(u32, u32); Section::COUNT];

impl<'a> Program<&'a [u8]> {
    /// Apart from [`Self::parse`], so that the checks are compiled once for whatever holds the
    /// bytes.
    fn checked(bytes: &'a [u8]) -> Result<Self, ProgramError> {
        let sections = check::sections(bytes)?;
        let meta = check::meta(bytes, &sections)?;
        let program = Self {
            bytes,
            sections,
            meta,
        };
        check::program(&program)?;
        Ok(program)
    }
}

impl<B: AsRef<[u8]>> Program<B> {
    /// Checks `bytes` and takes them as they are.
    ///
    /// # Errors
    /// What is wrong with the image, and where. An image that passes runs without failing.
    pub fn parse(bytes: B) -> Result<Self, ProgramError> {
        let Program { sections, meta, .. } = Program::checked(bytes.as_ref())?;
        Ok(Self {
            bytes,
            sections,
            meta,
        })
    }

    /// The whole image.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The bytes of one section.
    #[must_use]
    pub fn section(&self, section: Section) -> &[u8] {
        let (offset, len) = self.sections[section as usize];
        &self.bytes.as_ref()[range(offset, len)]
    }

    /// Facts of the whole program.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Training settings that came with the program.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::decode(&self.record::<{ Settings::WORDS }>(Section::Settings, 0))
    }

    /// SHA-256 of network, policy and plan, as the header states it.
    #[must_use]
    pub fn identity(&self) -> [u8; 32] {
        let mut identity = [0; 32];
        identity.copy_from_slice(&self.bytes.as_ref()[32..64]);
        identity
    }

    /// SHA-256 of network, policy and plan, computed from the sections.
    #[must_use]
    pub fn compute_identity(&self) -> [u8; 32] {
        identity(self.bytes.as_ref(), &self.sections)
    }

    /// Number of operations of a step.
    #[must_use]
    pub fn n_ops(&self) -> u32 {
        self.count(Section::Ops, Op::WORDS)
    }

    /// Number of tensors.
    #[must_use]
    pub fn n_tensors(&self) -> u32 {
        self.count(Section::Tensors, TensorRecord::WORDS)
    }

    /// Number of convolutions.
    #[must_use]
    pub fn n_layers(&self) -> u32 {
        self.count(Section::Layers, LayerRecord::WORDS)
    }

    /// Number of residual adds.
    #[must_use]
    pub fn n_adds(&self) -> u32 {
        self.count(Section::Adds, AddRecord::WORDS)
    }

    /// One operation.
    ///
    /// # Panics
    /// When there is no operation of that index.
    #[must_use]
    pub fn op(&self, op_idx: u32) -> Op {
        Op::decode(&self.record(Section::Ops, op_idx)).expect("invariant: checked when parsed")
    }

    /// One tensor.
    ///
    /// # Panics
    /// When there is no tensor of that index.
    #[must_use]
    pub fn tensor(&self, tensor: TensorIdx) -> TensorRecord {
        TensorRecord::decode(&self.record(Section::Tensors, tensor))
            .expect("invariant: checked when parsed")
    }

    /// One convolution.
    ///
    /// # Panics
    /// When there is no convolution of that index.
    #[must_use]
    pub fn layer(&self, layer: u32) -> LayerRecord {
        LayerRecord::decode(&self.record(Section::Layers, layer))
    }

    /// One residual add.
    ///
    /// # Panics
    /// When there is no add of that index.
    #[must_use]
    pub fn add(&self, add: u32) -> AddRecord {
        AddRecord::decode(&self.record(Section::Adds, add))
    }

    /// Number of pools over windows.
    #[must_use]
    pub fn n_pools(&self) -> u32 {
        self.count(Section::Pools, PoolRecord::WORDS)
    }

    /// One pool over windows.
    ///
    /// # Panics
    /// When there is no pool of that index.
    #[must_use]
    pub fn pool(&self, pool: u32) -> PoolRecord {
        PoolRecord::decode(&self.record(Section::Pools, pool))
    }

    /// The rules of the arithmetic.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.meta.rules
    }

    /// Number of pairs of tensors that share storage.
    #[must_use]
    pub fn n_aliases(&self) -> u32 {
        self.count(Section::Aliases, 2)
    }

    /// One pair of tensors of which the second takes the place of the first.
    ///
    /// # Panics
    /// When there is no pair of that index.
    #[must_use]
    pub fn alias(&self, alias: u32) -> (TensorIdx, TensorIdx) {
        let [from, to] = self.record::<2>(Section::Aliases, alias);
        (from, to)
    }

    /// Every tensor that an operation touches.
    #[must_use]
    pub fn operands(&self, op: Op) -> Operands {
        op.operands(&Records {
            layer: op.layer().map(|layer| self.layer(layer)),
            add: op.add().map(|add| self.add(add)),
            stream: self.stream(op),
            block: self.block(op),
            pool: op.pool().map(|pool| self.pool(pool)),
            head: self.meta.head,
            rules: self.meta.rules,
        })
    }

    /// The layers of an operation that runs some row by row; `None` of any other, and where they
    /// cannot be run so.
    #[must_use]
    pub fn stream(&self, op: Op) -> Option<Stream> {
        let Op::Stream {
            first,
            n_layers,
            add,
            ..
        } = op
        else {
            return None;
        };
        let n_layers = (n_layers as usize).min(MAX_STREAM_LAYERS + 1);
        let mut layers = [self.layer(first); MAX_STREAM_LAYERS + 1];
        for (at, layer) in (first..).zip(&mut layers[..n_layers]) {
            *layer = (at < self.n_layers()).then(|| self.layer(at))?;
        }
        Stream::new(&layers[..n_layers], add.map(|add| self.add(add)))
    }

    /// The layers of an operation that runs the backward pass of a block; `None` of any other, and
    /// where they are not such a block.
    #[must_use]
    pub fn block(&self, op: Op) -> Option<Block> {
        let Op::BlockBackward { first, .. } = op else {
            return None;
        };
        let last = first.checked_add(2)?;
        (last < self.n_layers())
            .then(|| Block::new([first, first + 1, last].map(|layer| self.layer(layer))))
            .flatten()
    }

    /// A name of the network; empty where there is none.
    #[must_use]
    pub fn name(&self, name: u32) -> &str {
        check::name(self.section(Section::Names), name).unwrap_or("")
    }

    /// `len` constants of type `T` at a byte offset that was checked when the program was parsed.
    pub(crate) fn constants<T: bytemuck::AnyBitPattern>(&self, offset: u32, len: usize) -> &[T] {
        let bytes = self.section(Section::Constants);
        let start = offset as usize;
        bytemuck::cast_slice(&bytes[start..start + len * size_of::<T>()])
    }

    pub(crate) fn sections(&self) -> &Sections {
        &self.sections
    }

    fn count(&self, section: Section, words: usize) -> u32 {
        let (_, len) = self.sections[section as usize];
        #[expect(clippy::cast_possible_truncation, reason = "a record has a few words")]
        let record_bytes = (4 * words) as u32;
        len / record_bytes
    }

    pub(crate) fn record<const N: usize>(&self, section: Section, record: u32) -> [u32; N] {
        let start = record as usize * 4 * N;
        words(&self.section(section)[start..start + 4 * N])
    }
}

pub(crate) fn range(offset: u32, len: u32) -> Range<usize> {
    offset as usize..offset as usize + len as usize
}

/// `N` little-endian words; `bytes` has `4 * N` bytes.
pub(crate) fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    }
    words
}

pub(crate) fn identity(bytes: &[u8], sections: &Sections) -> [u8; 32] {
    let mut hash = Sha256::new();
    for &(offset, len) in &sections[..Section::IDENTITY_END] {
        hash.update(len.to_le_bytes());
        hash.update(&bytes[range(offset, len)]);
    }
    hash.finalize().into()
}
