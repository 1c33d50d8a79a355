//! Sentences for files of `tiny-training` that were refused.

use super::{bytes, network_rule, number};
use crate::tiny_training::{
    ArchiveError, ArrayShape, FieldError, Kind, Layer, MAX_DECODED, PickleError, Place,
    TinyTrainingError,
};

/// A file of `tiny-training` that was refused.
#[must_use]
pub fn tiny_training(error: &TinyTrainingError) -> String {
    match error {
        TinyTrainingError::Archive(error) => archive(error),
        TinyTrainingError::Pickle { at, error } => {
            format!(
                "The pickle data.pkl cannot be read at byte {}: {}",
                number(*at as u64),
                pickle(error)
            )
        }
        TinyTrainingError::UnknownKey { place, key } => format!(
            "{}: the field \"{key}\" is not known here, so what it asks for would be left out; \
             remove it if it does not change the network.",
            heading(*place)
        ),
        TinyTrainingError::Field {
            place,
            field,
            error,
        } => {
            format!(
                "{}, field \"{field}\": {}",
                heading(*place),
                self::field(error)
            )
        }
        TinyTrainingError::Network { place, error } => {
            format!("{}: it {}.", heading(*place), network_rule(error))
        }
    }
}

fn archive(error: &ArchiveError) -> String {
    match error {
        ArchiveError::NoDirectory => {
            "This is not a whole zip, as PyTorch writes it: it has no directory at its end. It was \
             cut off or is another kind of file; get it again."
                .into()
        }
        ArchiveError::Directory { entries } => format!(
            "The zip's directory is damaged after {}; get the file again.",
            counted(*entries, "entry", "entries")
        ),
        ArchiveError::NoPickle { entries } => format!(
            "The zip has {}, but none is called data.pkl; choose a file of tiny-training's \
             mcu_models.",
            counted(*entries, "entry", "entries")
        ),
        ArchiveError::SeveralPickles => {
            "The zip has several entries called data.pkl; leave the one of the network.".into()
        }
        ArchiveError::Encrypted => {
            "The entry data.pkl is encrypted; save the network without a password.".into()
        }
        ArchiveError::Method { method } => format!(
            "The entry data.pkl is packed by method {method}, but only 0 (stored) and 8 (deflate) \
             can be read; save the network again with PyTorch."
        ),
        ArchiveError::Entry { at, size } => format!(
            "The entry data.pkl should start at byte {} of the file and hold {}, but it does not \
             lie there; get the file again.",
            number(*at),
            bytes(*size)
        ),
        ArchiveError::Packed => {
            "The entry data.pkl cannot be unpacked, because it is damaged; get the file again."
                .into()
        }
        ArchiveError::TooLarge { size } => format!(
            "The entry data.pkl has {}, but at most {} can be read.",
            bytes(*size),
            bytes(MAX_DECODED as u64)
        ),
        ArchiveError::Size { expected, found } => format!(
            "The entry data.pkl should have {}, but has {} or more; get the file again.",
            bytes(*expected),
            bytes(*found)
        ),
        ArchiveError::Checksum { expected, found } => format!(
            "The entry data.pkl is damaged: its CRC-32 is {found:08x} instead of {expected:08x}; \
             get the file again."
        ),
    }
}

fn pickle(error: &PickleError) -> String {
    match error {
        PickleError::Truncated { needed, left } => format!(
            "{} should follow, but only {} are left; get the file again.",
            bytes(*needed),
            bytes(*left as u64)
        ),
        PickleError::Protocol { found: None } => {
            "it does not start with a protocol; save it again with protocol 2.".into()
        }
        PickleError::Protocol { found: Some(found) } => {
            format!("it is of protocol {found}, but 2 to 5 can be read; save it again.")
        }
        PickleError::Opcode { code } => format!(
            "the instruction {code:#04x} does more than put data together, so it is not carried \
             out; save the network as dictionaries of numbers and numpy arrays."
        ),
        PickleError::Outside => {
            "it refers to a tensor outside the pickle; turn the tensors into numpy arrays before \
             saving."
                .into()
        }
        PickleError::Name { name } => format!(
            "it asks for \"{name}\", but only numpy arrays, numbers and dictionaries are built, \
             and no code is run; save the network as these."
        ),
        PickleError::Line => {
            "the name of a function has no end within 256 B; get the file again.".into()
        }
        PickleError::Utf8 => "a text is not UTF-8; get the file again.".into(),
        PickleError::Latin1 => {
            "a text that stands for bytes has a character above U+00FF; get the file again.".into()
        }
        PickleError::Integer { bytes } => {
            format!("an integer of {bytes} B does not fit 64 bits with a sign; get the file again.")
        }
        PickleError::Stack => {
            "the instruction takes more values than there are; get the file again.".into()
        }
        PickleError::Memo { index } => {
            format!("slot {index} of the memo is empty; get the file again.")
        }
        PickleError::Operand { expected, found } => format!(
            "{} is needed, but {} is there; get the file again.",
            kind(*expected),
            kind(*found)
        ),
        PickleError::Arguments => {
            "the parts of an array or an element type are not those that numpy writes; save it \
             again with numpy 1 or 2."
                .into()
        }
        PickleError::Key { bytes } => format!(
            "a dictionary's key has {bytes} B, but the longest known one has 64 or less; remove it."
        ),
        PickleError::RepeatedKey { key } => {
            format!("a dictionary has the key \"{key}\" twice; remove one.")
        }
        PickleError::ElementType { name } => format!(
            "the element type \"{name}\" is not known here; convert the array to int8, int32 or \
             float32."
        ),
        PickleError::Dimensions { found } => {
            format!("an array has {found} dimensions, but at most 4 are possible; reshape it.")
        }
        PickleError::ArrayLength { expected, found } => format!(
            "an array's shape calls for {}, but its data has {}; get the file again.",
            bytes(*expected),
            bytes(*found as u64)
        ),
        PickleError::TooMany { limit } => format!(
            "it holds more than {} values or open containers, far more than a network needs; \
             leave only the network in it.",
            number(*limit as u64)
        ),
        PickleError::TooLarge => format!(
            "its arrays decode to more than {}; leave only the network in it.",
            bytes(MAX_DECODED as u64)
        ),
    }
}

fn field(error: &FieldError) -> String {
    match error {
        FieldError::Missing => "it is missing; add it.".into(),
        FieldError::Kind { expected, found } => {
            format!(
                "it must be {}, but is {}; convert it.",
                kind(*expected),
                kind(*found)
            )
        }
        FieldError::NotNone { found } => format!(
            "it holds {}, but this kind of layer is not supported; only None can be read.",
            kind(*found)
        ),
        FieldError::ConvShortcut => {
            "the shortcut has a convolution of its own, which is not supported; only shortcuts \
             that add the block's input as it is can be read."
                .into()
        }
        FieldError::Range { found, min, max } if min == max => {
            format!("it is {found}, but only {min} is possible here.")
        }
        FieldError::Range { found, min, max } => {
            format!("it is {found}, but must lie in {min}..{max}.")
        }
        FieldError::EvenKernel { found } => {
            format!("it is {found}, but a kernel needs an odd extent, so that it has a middle.")
        }
        FieldError::Number { expected, found } => format!(
            "it is {found}, but what comes before it calls for {expected}; the layers do not fit \
             together, so get the file again."
        ),
        FieldError::Scale { expected, found } => format!(
            "it is {found}, but the value that is read here has the scale {expected}; the layers \
             do not fit together, so quantize the network again."
        ),
        FieldError::NotAScale { found } => {
            format!("it is {found}, but a scale is a positive number of single precision.")
        }
        FieldError::ElementType { expected, found } => format!(
            "its elements are {}, but must be {}; convert them.",
            found.name(),
            expected.name()
        ),
        FieldError::Shape { expected, found } => format!(
            "its shape is {}, but the other fields call for {}.",
            shape(found),
            shape(expected)
        ),
        FieldError::Unfilled => "the array has no contents; save it again.".into(),
        FieldError::TooLarge { size } => format!(
            "its {} would bring what is decoded above {}; leave only the network in the file.",
            bytes(*size as u64),
            bytes(MAX_DECODED as u64)
        ),
    }
}

/// A place, as the start of a sentence: the file's own words, then ours.
fn heading(place: Place) -> String {
    match place {
        Place::Network => "The network".into(),
        Place::FirstConv => "first_conv".into(),
        Place::Block { block } => format!("Block {block}"),
        Place::Layer { block, layer } => {
            let name = match layer {
                Layer::Expand => "pointwise1 (expand)",
                Layer::Depthwise => "depthwise",
                Layer::Project => "pointwise2 (project)",
            };
            format!("Block {block}, {name}")
        }
        Place::Residual { block } => format!("Block {block}, residual"),
        Place::Pool => "The pool in front of the classifier".into(),
        Place::Classifier => "classifier".into(),
        Place::Logits => "The logits behind the classifier".into(),
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::None => "None",
        Kind::Bool => "True or False",
        Kind::Integer => "an integer",
        Kind::Float => "a float",
        Kind::Text => "a text",
        Kind::Bytes => "bytes",
        Kind::Tuple => "a tuple",
        Kind::List => "a list",
        Kind::Dictionary => "a dictionary",
        Kind::ElementType => "an element type",
        Kind::Array => "an array",
        Kind::Function => "a function",
    }
}

fn shape(shape: &ArrayShape) -> String {
    format!("{:?}", shape.extents())
}

fn counted(n: usize, one: &str, many: &str) -> String {
    let noun = if n == 1 { one } else { many };
    format!("{} {noun}", number(n as u64))
}
