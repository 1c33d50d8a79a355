//! Zips and dictionaries that are refused, one by one.

use quartermeg_core::network::NetworkError;
use quartermeg_formats::explain;
use quartermeg_formats::tiny_training::{
    ArchiveError, ElementType, FieldError, Kind, Layer, Place, TinyTrainingError, read,
};

use super::builder::{Entry, Item, dict, text, write, zip, zip_of};
use super::memory::measured;
use super::small;

fn error_of(file: &[u8]) -> TinyTrainingError {
    read("small", file).expect_err("refused")
}

#[test]
fn zips() {
    let pickle = small::network().pickle(2);
    let good = Entry::stored("archive/data.pkl", &pickle);
    let with = |change: &dyn Fn(&mut Entry)| {
        let mut entry = good.clone();
        change(&mut entry);
        zip_of(&[entry])
    };
    let size = pickle.len() as u64;
    let file = zip_of(std::slice::from_ref(&good));
    let end = file.len() - 22;
    let directory = end - 46 - good.name.len();
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let mut damaged = Entry::deflated("data.pkl", &pickle);
    damaged.packed[0] |= 6;
    for (file, expected, words) in [
        (Vec::new(), ArchiveError::NoDirectory, "not a whole zip"),
        (pickle.clone(), ArchiveError::NoDirectory, "not a whole zip"),
        (
            file[..file.len() - 30].to_vec(),
            ArchiveError::NoDirectory,
            "cut off",
        ),
        (
            changed(directory, b"PK\x07\x07"),
            ArchiveError::Directory { entries: 0 },
            "directory is damaged after 0 entries",
        ),
        (
            with(&|entry| entry.name = "archive/xdata.pkl"),
            ArchiveError::NoPickle { entries: 1 },
            "has 1 entry",
        ),
        (
            zip_of(&[good.clone(), good.clone()]),
            ArchiveError::SeveralPickles,
            "several entries",
        ),
        (
            with(&|entry| entry.flags = 1),
            ArchiveError::Encrypted,
            "encrypted",
        ),
        (
            with(&|entry| entry.method = 12),
            ArchiveError::Method { method: 12 },
            "method 12",
        ),
        (
            changed(directory + 42, &[1]),
            ArchiveError::Entry { at: 1, size },
            "should start at byte 1 ",
        ),
        (
            zip_of(&[damaged]),
            ArchiveError::Packed,
            "cannot be unpacked",
        ),
        (
            with(&|entry| entry.size = 0x1000_0000),
            ArchiveError::TooLarge { size: 0x1000_0000 },
            "at most 64.0 MiB",
        ),
        (
            with(&|entry| entry.size -= 1),
            ArchiveError::Size {
                expected: size - 1,
                found: size,
            },
            "should have",
        ),
        (
            with(&|entry| entry.crc ^= 1),
            ArchiveError::Checksum {
                expected: good.crc ^ 1,
                found: good.crc,
            },
            "its CRC-32 is",
        ),
    ] {
        let error = error_of(&file);
        assert_eq!(error, TinyTrainingError::Archive(expected));
        let sentence = explain::tiny_training(&error);
        assert!(sentence.contains(words), "{sentence}");
    }
}

/// Reads the small network with a change, and gives what is wrong with which field, and the
/// sentence.
fn field(change: impl FnOnce(&mut Item)) -> (Place, &'static str, FieldError, String) {
    let mut small = small::network();
    change(&mut small);
    let error = error_of(&small.file());
    let sentence = explain::tiny_training(&error);
    match error {
        TinyTrainingError::Field {
            place,
            field,
            error,
        } => (place, field, error, sentence),
        other => panic!("{other:?}"),
    }
}

const EXPAND: Place = Place::Layer {
    block: 1,
    layer: Layer::Expand,
};
const DEPTHWISE: Place = Place::Layer {
    block: 1,
    layer: Layer::Depthwise,
};
const PROJECT: Place = Place::Layer {
    block: 0,
    layer: Layer::Project,
};
const RESIDUAL: Place = Place::Residual { block: 1 };

#[test]
fn values_of_fields() {
    let one_to = |max, found| FieldError::Range { found, min: 1, max };
    let number = |expected, found| FieldError::Number { expected, found };
    for (path, item, place, error, words) in [
        (
            "feature_mix",
            dict([]),
            Place::Network,
            FieldError::NotNone {
                found: Kind::Dictionary,
            },
            "The network, field \"feature_mix\": it holds a dictionary",
        ),
        (
            "blocks.1.se",
            dict([]),
            Place::Block { block: 1 },
            FieldError::NotNone {
                found: Kind::Dictionary,
            },
            "Block 1, field \"se\"",
        ),
        (
            "blocks.1.depthwise.act",
            text("relu6"),
            DEPTHWISE,
            FieldError::NotNone { found: Kind::Text },
            "Block 1, depthwise, field \"act\": it holds a text",
        ),
        (
            "blocks.1.pointwise1.params.x_scale",
            Item::Float(0.25),
            EXPAND,
            FieldError::Scale {
                expected: 0.05,
                found: 0.25,
            },
            "Block 1, pointwise1 (expand), field \"x_scale\": it is 0.25, but the value that is \
             read here has the scale 0.05",
        ),
        (
            "blocks.1.pointwise1.params.x_zero",
            Item::Int(4),
            EXPAND,
            number(3, 4),
            "field \"x_zero\": it is 4, but what comes before it calls for 3",
        ),
        (
            "blocks.1.residual.params.x_scale",
            Item::Float(0.25),
            RESIDUAL,
            FieldError::Scale {
                expected: 0.05,
                found: 0.25,
            },
            "Block 1, residual, field \"x_scale\"",
        ),
        (
            "blocks.1.residual.params.x_zero",
            Item::Int(-3),
            RESIDUAL,
            number(3, -3),
            "it is -3",
        ),
        (
            "blocks.1.residual.in_channel",
            Item::Int(8),
            RESIDUAL,
            number(4, 8),
            "calls for 4",
        ),
        (
            "blocks.1.residual.in_shape",
            Item::Int(8),
            RESIDUAL,
            number(4, 8),
            "calls for 4",
        ),
        (
            "classifier.params.x_zero",
            Item::Int(0),
            Place::Classifier,
            number(1, 0),
            "classifier, field",
        ),
        (
            "first_conv.params.x_zero",
            Item::Int(128),
            Place::FirstConv,
            FieldError::Range {
                found: 128,
                min: -128,
                max: 127,
            },
            "first_conv, field \"x_zero\": it is 128, but must lie in -128..127",
        ),
        (
            "first_conv.in_shape",
            Item::Int(4097),
            Place::FirstConv,
            one_to(4096, 4097),
            "1..4096",
        ),
        (
            "first_conv.in_channel",
            Item::Int(0),
            Place::FirstConv,
            one_to(4096, 0),
            "it is 0",
        ),
        (
            "first_conv.out_channel",
            Item::Int(-1),
            Place::FirstConv,
            one_to(4096, -1),
            "it is -1",
        ),
        (
            "first_conv.out_shape",
            Item::Int(8),
            Place::FirstConv,
            number(4, 8),
            "calls for 4",
        ),
        (
            "first_conv.stride",
            Item::Int(3),
            Place::FirstConv,
            one_to(2, 3),
            "must lie in 1..2",
        ),
        (
            "first_conv.groups",
            Item::Int(3),
            Place::FirstConv,
            number(1, 3),
            "it is 3",
        ),
        (
            "blocks.1.depthwise.groups",
            Item::Int(4),
            DEPTHWISE,
            number(8, 4),
            "it is 4",
        ),
        (
            "blocks.1.depthwise.out_channel",
            Item::Int(16),
            DEPTHWISE,
            number(8, 16),
            "it is 16",
        ),
        (
            "blocks.1.depthwise.depthwise",
            Item::Bool(false),
            DEPTHWISE,
            number(1, 0),
            "it is 0",
        ),
        (
            "blocks.1.depthwise.in_channel",
            Item::Int(4),
            DEPTHWISE,
            number(8, 4),
            "it is 4",
        ),
        (
            "blocks.1.depthwise.in_shape",
            Item::Int(5),
            DEPTHWISE,
            number(4, 5),
            "it is 5",
        ),
        (
            "blocks.1.depthwise.kernel_size",
            Item::Tuple(vec![Item::Int(5), Item::Int(4)]),
            DEPTHWISE,
            FieldError::EvenKernel { found: 4 },
            "needs an odd extent",
        ),
        (
            "blocks.0.pointwise2.kernel_size",
            Item::Int(3),
            PROJECT,
            one_to(1, 3),
            "Block 0, pointwise2 (project), field \"kernel_size\": it is 3, but only 1 is possible",
        ),
        (
            "blocks",
            Item::List(vec![]),
            Place::Network,
            one_to(256, 0),
            "The network, field \"blocks\"",
        ),
        (
            "blocks",
            Item::List(vec![Item::None; 257]),
            Place::Network,
            one_to(256, 257),
            "it is 257",
        ),
        (
            "first_conv.params.y_scale",
            Item::Float(-1.0),
            Place::FirstConv,
            FieldError::NotAScale { found: -1.0 },
            "positive number",
        ),
        (
            "first_conv.params.y_scale",
            Item::Float(1e-40),
            Place::FirstConv,
            FieldError::NotAScale { found: 1e-40 },
            "positive number",
        ),
    ] {
        let (at, key, found, sentence) = field(|small| small.set(path, item));
        assert_eq!((at, found), (place, error), "{path}");
        assert_eq!(Some(key), path.rsplit('.').next());
        assert!(sentence.contains(words), "{sentence}");
    }
}

#[test]
fn kinds_of_fields() {
    for (path, item, place, expected, found) in [
        (
            "first_conv",
            Item::None,
            Place::Network,
            Kind::Dictionary,
            Kind::None,
        ),
        (
            "blocks",
            dict([]),
            Place::Network,
            Kind::List,
            Kind::Dictionary,
        ),
        (
            "blocks.1",
            Item::Int(1),
            Place::Block { block: 1 },
            Kind::Dictionary,
            Kind::Integer,
        ),
        (
            "blocks.1.depthwise",
            Item::None,
            Place::Block { block: 1 },
            Kind::Dictionary,
            Kind::None,
        ),
        (
            "blocks.1.depthwise.params",
            Item::None,
            DEPTHWISE,
            Kind::Dictionary,
            Kind::None,
        ),
        (
            "first_conv.stride",
            Item::Float(1.0),
            Place::FirstConv,
            Kind::Integer,
            Kind::Float,
        ),
        (
            "first_conv.groups",
            Item::Bool(true),
            Place::FirstConv,
            Kind::Integer,
            Kind::Bool,
        ),
        (
            "first_conv.kernel_size",
            Item::Tuple(vec![Item::Int(3); 3]),
            Place::FirstConv,
            Kind::Integer,
            Kind::Tuple,
        ),
        (
            "first_conv.depthwise",
            Item::Int(0),
            Place::FirstConv,
            Kind::Bool,
            Kind::Integer,
        ),
        (
            "first_conv.params.x_scale",
            Item::Int(1),
            Place::FirstConv,
            Kind::Float,
            Kind::Integer,
        ),
        (
            "first_conv.params.bias",
            Item::List(vec![]),
            Place::FirstConv,
            Kind::Array,
            Kind::List,
        ),
    ] {
        let (at, _, error, sentence) = field(|small| small.set(path, item));
        assert_eq!(at, place, "{path}");
        assert_eq!(error, FieldError::Kind { expected, found }, "{path}");
        assert!(sentence.contains("convert it"), "{sentence}");
    }
    let (place, key, error, _) = field(|small| *small = Item::List(vec![]));
    assert_eq!((place, key), (Place::Network, "data.pkl"));
    assert!(matches!(error, FieldError::Kind { .. }));
}

#[test]
fn keys() {
    for (path, key, place) in [
        ("", "classifier", Place::Network),
        ("", "blocks", Place::Network),
        ("first_conv", "in_shape", Place::FirstConv),
        ("blocks.1", "pointwise2", Place::Block { block: 1 }),
        ("blocks.1.depthwise", "kernel_size", DEPTHWISE),
        ("blocks.1.depthwise.params", "w_scales", DEPTHWISE),
        ("blocks.1.residual.params", "y_zero", RESIDUAL),
    ] {
        let (at, found, error, sentence) = field(|small| small.remove(path, key));
        assert_eq!((at, found, error), (place, key, FieldError::Missing));
        assert!(sentence.contains("it is missing"), "{sentence}");
    }
    for (path, place) in [
        ("", Place::Network),
        ("first_conv", Place::FirstConv),
        ("blocks.1", Place::Block { block: 1 }),
        ("blocks.1.depthwise.params", DEPTHWISE),
        ("blocks.1.residual", RESIDUAL),
        ("blocks.1.residual.params", RESIDUAL),
    ] {
        let mut small = small::network();
        small.add(path, "dilation", Item::Int(2));
        let error = error_of(&small.file());
        let TinyTrainingError::UnknownKey { place: at, key } = error else {
            panic!("{error:?}");
        };
        assert_eq!((at, key.to_string().as_str()), (place, "dilation"));
        assert!(explain::tiny_training(&error).contains("\"dilation\" is not known here"));
    }
}

#[test]
fn arrays() {
    let shape = |path: &str, shape: &[i32], words: &str| {
        let (_, _, error, sentence) = field(|small| {
            let array = small.array(path);
            array.shape = shape.to_vec();
        });
        assert!(matches!(error, FieldError::Shape { .. }), "{error:?}");
        assert!(sentence.contains(words), "{sentence}");
    };
    shape(
        "first_conv.params.weight",
        &[3, 6, 3, 3],
        "its shape is [3, 6, 3, 3], but the other fields call for [6, 3, 3, 3]",
    );
    shape("first_conv.params.bias", &[2, 3], "call for [6]");
    shape(
        "blocks.1.depthwise.params.weight",
        &[1, 8, 5, 5],
        "call for [8, 1, 5, 5]",
    );
    let (_, key, error, sentence) =
        field(|small| small.array("first_conv.params.w_scales").dtype = "i4");
    assert_eq!(key, "w_scales");
    assert_eq!(
        error,
        FieldError::ElementType {
            expected: ElementType::F32,
            found: ElementType::I32,
        }
    );
    assert!(
        sentence.contains("its elements are int32, but must be float32"),
        "{sentence}"
    );
    // Announced, but never filled.
    let empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n)C\x01b\x87R";
    let (_, _, error, sentence) =
        field(|small| small.set("first_conv.params.bias", Item::Raw(empty.to_vec())));
    assert_eq!(error, FieldError::Unfilled);
    assert!(sentence.contains("no contents"), "{sentence}");
}

#[test]
fn shortcuts_with_a_convolution() {
    for key in ["kernel_size", "stride"] {
        let (place, field, error, sentence) =
            field(|small| small.add("blocks.1.residual", key, Item::Int(1)));
        assert_eq!((place, field), (Place::Block { block: 1 }, "residual"));
        assert_eq!(error, FieldError::ConvShortcut);
        assert!(sentence.contains("a convolution of its own"), "{sentence}");
    }
}

/// Reads the small network with a change, and gives the rule that it breaks.
fn rule(change: impl FnOnce(&mut Item)) -> (Place, NetworkError, String) {
    let mut small = small::network();
    change(&mut small);
    let error = error_of(&small.file());
    let sentence = explain::tiny_training(&error);
    match error {
        TinyTrainingError::Network { place, error } => (place, error, sentence),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_of_the_core() {
    // Output channel 2, input channel 1, row 0, column 2: the input channel moves to the end.
    let (place, error, sentence) =
        rule(|small| small.array("first_conv.params.weight").data[(2 * 3 + 1) * 9 + 2] = 0x80);
    assert_eq!(place, Place::FirstConv);
    let position = (2 * 9 + 2) * 3 + 1;
    assert_eq!(error, NetworkError::WeightCode { node: 0, position });
    assert!(
        sentence.starts_with("first_conv: it has the weight code -128 at position 61"),
        "{sentence}"
    );

    let (place, error, sentence) = rule(|small| {
        let array = small.array("blocks.1.depthwise.params.w_scales");
        array.data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert_eq!((place, error), (DEPTHWISE, NetworkError::Scale { node: 4 }));
    assert!(
        sentence.starts_with("Block 1, depthwise: it has a scale"),
        "{sentence}"
    );

    // A shortcut around a layer with stride 2.
    let (place, error, _) = rule(|small| {
        small.set("blocks.1.depthwise.stride", Item::Int(2));
        small.set("blocks.1.depthwise.out_shape", Item::Int(2));
        for field in ["in_shape", "out_shape"] {
            small.set(&format!("blocks.1.pointwise2.{field}"), Item::Int(2));
        }
    });
    assert_eq!(
        (place, error),
        (RESIDUAL, NetworkError::AddShapes { node: 6 })
    );

    // More pixels than a mean can take.
    let (place, error, _) = rule(|small| {
        small.set("first_conv.in_shape", Item::Int(1024));
        small.set("first_conv.out_shape", Item::Int(512));
        for layer in [
            "0.depthwise",
            "0.pointwise2",
            "1.pointwise1",
            "1.depthwise",
            "1.pointwise2",
        ] {
            for field in ["in_shape", "out_shape"] {
                small.set(&format!("blocks.{layer}.{field}"), Item::Int(512));
            }
        }
        small.set("blocks.1.residual.in_shape", Item::Int(512));
    });
    assert_eq!(
        (place, error),
        (Place::Pool, NetworkError::TooLarge { node: 7 })
    );
}

#[test]
fn one_array_used_many_times() {
    // 250 blocks of one layer of 1,000,000 weights, which lies in the file once.
    let mut small = small::network();
    let array = small::int8s(&[1000, 1000, 1, 1], &small::codes(1_000_000));
    let blocks = small.at("blocks").clone();
    let Item::List(mut items) = blocks else {
        panic!("a list");
    };
    let mut block = items.remove(1);
    block.set("residual", Item::None);
    let mut raw = vec![b']', b'('];
    // Expand to 1,000 channels from 1,000, so that every block fits the one before.
    for (layer, n_in) in [
        ("pointwise1", 1000),
        ("depthwise", 1000),
        ("pointwise2", 1000),
    ] {
        for (field, n) in [("in_channel", n_in), ("out_channel", 1000)] {
            block.set(&format!("{layer}.{field}"), Item::Int(n));
        }
        for (field, dtype) in [("bias", "i4"), ("w_scales", "f4")] {
            let one = if dtype == "i4" {
                1_i32.to_le_bytes()
            } else {
                0.01_f32.to_le_bytes()
            };
            let array = block.array(&format!("{layer}.params.{field}"));
            array.shape = vec![1000];
            array.data = one.repeat(1000);
        }
        for (field, value) in [
            ("x_scale", Item::Float(0.05)),
            ("x_zero", Item::Int(3)),
            ("y_scale", Item::Float(0.05)),
            ("y_zero", Item::Int(3)),
        ] {
            block.set(&format!("{layer}.params.{field}"), value);
        }
    }
    block.set("depthwise.groups", Item::Int(1000));
    let depthwise = small::int8s(&[1000, 1, 5, 5], &small::codes(25_000));
    block.set("depthwise.params.weight", Item::Array(depthwise));
    let mut weights = Vec::new();
    write(&Item::Array(array), 3, &mut weights);
    weights.extend([b'q', 1]);
    block.set("pointwise1.params.weight", Item::Raw(weights));
    block.set("pointwise2.params.weight", Item::Raw(vec![b'h', 1]));
    // The first convolution makes the 1,000 channels.
    let weights = small::int8s(&[1000, 3, 3, 3], &small::codes(27_000));
    small.set("first_conv.params.weight", Item::Array(weights));
    small.set("first_conv.out_channel", Item::Int(1000));
    for field in ["bias", "w_scales"] {
        let array = block.array(&format!("pointwise1.params.{field}")).clone();
        small.set(&format!("first_conv.params.{field}"), Item::Array(array));
    }
    small.set("first_conv.params.y_scale", Item::Float(0.05));
    small.set("first_conv.params.y_zero", Item::Int(3));
    write(&block, 3, &mut raw);
    raw.extend([b'q', 2]);
    raw.extend([b'h', 2].repeat(249));
    raw.push(b'e');
    small.set("blocks", Item::Raw(raw));
    let file = zip(&small.pickle(3));

    let (result, memory) = measured(|| read("", &file));
    let error = result.expect_err("too large");
    assert!(
        matches!(
            error,
            TinyTrainingError::Field {
                field: "weight",
                error: FieldError::TooLarge { size: 1_000_000 },
                ..
            }
        ),
        "{error:?}"
    );
    assert!(explain::tiny_training(&error).contains("above 64.0 MiB"));
    assert!(memory.peak <= 64 << 20, "{memory:?}");
}
