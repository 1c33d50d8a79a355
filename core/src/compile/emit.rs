//! Writes the image of a compiled step.

use alloc::vec;
use alloc::vec::Vec;

use super::Step;
use super::place::Plan;
use crate::bytes::AlignedBytes;
use crate::checksum::crc32;
use crate::network::Network;
use crate::num::word;
use crate::program::image::{
    CHECKED_FROM, CORE_VERSION, ENTRY_BYTES, FORMAT_VERSION, HEADER_BYTES, MAGIC, SECTION_ALIGN,
    Section,
};
use crate::program::{Meta, Phase, Program, Settings};

pub(super) fn emit(
    network: &Network,
    step: &Step,
    plan: &Plan,
    settings: Settings,
) -> AlignedBytes {
    let loss_op = step
        .ops
        .iter()
        .position(|op| op.phase() == Phase::Loss)
        .map_or(0, word);
    let meta = Meta {
        arena_bytes: plan.arena,
        persistent_bytes: plan.persistent,
        lower_bound_bytes: plan.lower_bound,
        loss_op,
        input_shape: step.tensors[step.input as usize].shape,
        input_quant: network.input().quant,
        input_tensor: step.input,
        label_tensor: step.label,
        logits_tensor: step.logits,
        head: step.head,
        rules: step.rules,
        macs_forward: network.macs_forward(),
        macs_step: step.macs(),
    };
    let mut sections: [Vec<u8>; Section::COUNT] = Default::default();
    let records = |words: &[u32], section: &mut Vec<u8>| {
        section.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    records(&meta.encode(), &mut sections[Section::Meta as usize]);
    for tensor in &step.tensors {
        records(&tensor.encode(), &mut sections[Section::Tensors as usize]);
    }
    for op in &step.ops {
        records(&op.encode(), &mut sections[Section::Ops as usize]);
    }
    for layer in &step.layers {
        records(&layer.encode(), &mut sections[Section::Layers as usize]);
    }
    for add in &step.adds {
        records(&add.encode(), &mut sections[Section::Adds as usize]);
    }
    for pool in &step.pools {
        records(&pool.encode(), &mut sections[Section::Pools as usize]);
    }
    for &(from, to) in &step.aliases {
        records(&[from, to], &mut sections[Section::Aliases as usize]);
    }
    sections[Section::Constants as usize].extend_from_slice(&step.constants.bytes);
    sections[Section::Names as usize] = names(network);
    records(
        &settings.encode(),
        &mut sections[Section::Settings as usize],
    );
    assemble(&sections.each_ref().map(Vec::as_slice), None)
}

/// What travels with a program besides its identity.
#[derive(Clone, Copy, Debug)]
pub struct Attachments<'a> {
    /// Training settings.
    pub settings: Settings,
    /// The configuration that the program was compiled from, as its writer encoded it.
    pub configuration: &'a [u8],
    /// The persistent part of the arena; empty for a program that starts untrained.
    pub state: &'a [u8],
}

/// The same program with other attachments.
#[must_use]
pub fn attach<B: AsRef<[u8]>>(program: &Program<B>, attachments: &Attachments<'_>) -> AlignedBytes {
    let settings: Vec<u8> = attachments
        .settings
        .encode()
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let kinds = [
        Section::Meta,
        Section::Tensors,
        Section::Ops,
        Section::Layers,
        Section::Adds,
        Section::Pools,
        Section::Aliases,
        Section::Constants,
        Section::Names,
    ];
    let mut sections: [&[u8]; Section::COUNT] = [&[]; Section::COUNT];
    for kind in kinds {
        sections[kind as usize] = program.section(kind);
    }
    sections[Section::Settings as usize] = &settings;
    sections[Section::Configuration as usize] = attachments.configuration;
    sections[Section::State as usize] = attachments.state;
    assemble(&sections, Some(program.identity()))
}

fn assemble(sections: &[&[u8]; Section::COUNT], identity: Option<[u8; 32]>) -> AlignedBytes {
    let mut image = vec![0; HEADER_BYTES + Section::COUNT * ENTRY_BYTES];
    let mut table = [(0, 0); Section::COUNT];
    for (entry, section) in table.iter_mut().zip(sections) {
        image.resize(image.len().next_multiple_of(SECTION_ALIGN), 0);
        *entry = (word(image.len()), word(section.len()));
        image.extend_from_slice(section);
    }
    image.resize(image.len().next_multiple_of(SECTION_ALIGN), 0);
    let put = |image: &mut Vec<u8>, at: usize, words: &[u32]| {
        for (position, word) in words.iter().enumerate() {
            image[at + 4 * position..at + 4 * position + 4].copy_from_slice(&word.to_le_bytes());
        }
    };
    for (kind, &(offset, len)) in table.iter().enumerate() {
        let at = HEADER_BYTES + kind * ENTRY_BYTES;
        put(&mut image, at, &[word(kind), offset, len]);
    }
    image[..8].copy_from_slice(&MAGIC);
    let total = word(image.len());
    put(&mut image, 8, &[FORMAT_VERSION, total]);
    put(&mut image, 20, &[word(Section::COUNT), 0, CORE_VERSION]);
    let identity = identity.unwrap_or_else(|| crate::program::identity(&image, &table));
    image[32..64].copy_from_slice(&identity);
    let checksum = crc32(&image[CHECKED_FROM..]);
    put(&mut image, 16, &[checksum]);
    AlignedBytes::copy_of(&image)
}

fn names(network: &Network) -> Vec<u8> {
    let nodes = network.nodes();
    let mut table = Vec::new();
    let mut text = Vec::new();
    let text_start = 4 + 8 * nodes.len();
    table.extend(word(nodes.len()).to_le_bytes());
    for node in nodes {
        table.extend(word(text_start + text.len()).to_le_bytes());
        table.extend(word(node.name.len()).to_le_bytes());
        text.extend_from_slice(node.name.as_bytes());
    }
    table.extend(text);
    table
}
