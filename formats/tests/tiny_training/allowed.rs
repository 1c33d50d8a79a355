//! What the reader makes of files in every form that is allowed.

use quartermeg_core::network::{Clamp, Conv, Network, NodeKind, Shape};
use quartermeg_core::quant::QuantParams;
use quartermeg_formats::tiny_training::{is_archive, read};

use super::builder::{Entry, Item, global, write, write_bytes, write_dtype, zip, zip_of};
use super::small;

fn network(file: &[u8]) -> Network {
    read("small", file).expect("a network")
}

fn conv(network: &Network, index: usize) -> &Conv {
    let convs = network.nodes().iter().filter_map(|node| match &node.kind {
        NodeKind::Conv(conv) => Some(conv),
        _ => None,
    });
    convs.into_iter().nth(index).expect("a convolution")
}

#[test]
fn the_small_network_comes_in_whole() {
    let file = small::network().file();
    assert!(is_archive(&file));
    assert!(!is_archive(b"QMEGPROG"));
    let network = network(&file);
    assert_eq!(network.name(), "small");
    assert_eq!(network.classes(), ["0", "1", "2", "3", "4"]);
    let nodes: Vec<_> = network
        .nodes()
        .iter()
        .map(|node| (node.name.as_str(), node.inputs.clone()))
        .collect();
    assert_eq!(
        nodes,
        [
            ("first", vec![0]),
            ("block0.depthwise", vec![1]),
            ("block0.project", vec![2]),
            ("block1.expand", vec![3]),
            ("block1.depthwise", vec![4]),
            ("block1.project", vec![5]),
            ("block1.add", vec![3, 6]),
            ("pool", vec![7]),
            ("classifier", vec![8]),
            ("logits", vec![9]),
        ]
    );
    assert_eq!(network.input().shape, Shape { h: 8, w: 8, c: 3 });
    assert_eq!(network.values()[1].shape, Shape { h: 4, w: 4, c: 6 });
    assert_eq!(network.values()[10].shape, Shape { h: 1, w: 1, c: 5 });
    assert_eq!(network.nodes()[9].kind, NodeKind::Logits { softmax: None });

    let first = conv(&network, 0);
    assert_eq!(first.kernel, [3, 3]);
    assert_eq!(first.stride, [2, 2]);
    assert_eq!(first.padding, [1, 1, 1, 1]);
    assert_eq!(first.bias, [-7, 993, 1993, 2993, 3993, 4993]);
    assert_eq!(
        first.weight_scale[2].to_bits(),
        (0.001_f32 + 2.0 / 1024.0).to_bits()
    );
    assert_eq!(
        first.output,
        QuantParams {
            scale: 6.0 / 255.0,
            zero_point: -128
        }
    );
    assert_eq!(
        first.clamp,
        Clamp {
            min: -128,
            max: 127
        }
    );
    // In the file, the input channel comes before the rows; here it comes last.
    let in_file = small::codes(6 * 3 * 3 * 3);
    let mut here = Vec::new();
    for out in 0..6 {
        for tap in 0..9 {
            for channel in 0..3 {
                here.push(in_file[(out * 3 + channel) * 9 + tap]);
            }
        }
    }
    assert_eq!(first.weight, here);

    let depthwise = conv(&network, 4);
    assert!(depthwise.depthwise);
    assert_eq!(depthwise.padding, [2, 2, 2, 2]);
    assert_eq!(depthwise.weight, small::codes(8 * 25));
    let NodeKind::Add { output, .. } = network.nodes()[6].kind else {
        panic!("no shortcut");
    };
    assert_eq!((output.scale, output.zero_point), (0.06, 1));
    network
        .with_new_classifier(3, 1)
        .expect("its classifier can be replaced");
}

#[test]
fn every_protocol_and_both_packings_give_the_same_network() {
    let small = small::network();
    let expected = network(&small.file());
    for protocol in 2..=5 {
        assert_eq!(
            network(&zip(&small.pickle(protocol))),
            expected,
            "{protocol}"
        );
    }
    let pickle = small.pickle(2);
    for entries in [
        vec![Entry::deflated("mcunet/data.pkl", &pickle)],
        vec![
            Entry::stored("version", b"3\n"),
            Entry::stored("data.pkl", &pickle),
        ],
    ] {
        assert_eq!(network(&zip_of(&entries)), expected);
    }
    // A frame is a hint, and what follows the end mark is not looked at.
    let mut framed = vec![0x80, 4, 0x95];
    let body = &pickle[2..];
    framed.extend((body.len() as u64).to_le_bytes());
    framed.extend(body);
    framed.extend(b"rest");
    assert_eq!(network(&zip(&framed)), expected);
}

#[test]
fn the_order_of_bytes_and_elements_is_the_files_own() {
    let expected = network(&small::network().file());
    let mut small = small::network();
    for path in ["first_conv.params.bias", "classifier.params.w_scales"] {
        let array = small.array(path);
        array.order = ">";
        for word in array.data.chunks_exact_mut(4) {
            word.reverse();
        }
    }
    // Column major: the first index runs fastest.
    let array = small.array("first_conv.params.weight");
    array.column_major = true;
    let row_major = array.data.clone();
    let at = |out: usize, channel: usize, tap: usize| row_major[(out * 3 + channel) * 9 + tap];
    array.data.clear();
    for col in 0..3 {
        for row in 0..3 {
            for channel in 0..3 {
                for out in 0..6 {
                    array.data.push(at(out, channel, row * 3 + col));
                }
            }
        }
    }
    for protocol in 2..=5 {
        assert_eq!(
            network(&zip(&small.pickle(protocol))),
            expected,
            "{protocol}"
        );
    }
}

/// `numpy.core.multiarray.scalar(dtype, bytes)`.
fn scalar(dtype: &str, order: &str, data: &[u8]) -> Item {
    let mut raw = Vec::new();
    global("numpy._core.multiarray", "scalar", 2, &mut raw);
    write_dtype(dtype, order, 2, &mut raw);
    write_bytes(data, 2, &mut raw);
    raw.extend([0x86, b'R']);
    Item::Raw(raw)
}

#[test]
fn numbers_may_be_numpys_own() {
    let expected = network(&small::network().file());
    for (path, item) in [
        (
            "first_conv.params.y_scale",
            scalar("f8", "<", &(6.0_f64 / 255.0).to_le_bytes()),
        ),
        ("first_conv.params.y_zero", scalar("i1", "|", &[0x80])),
        (
            "first_conv.params.y_zero",
            scalar("i4", ">", &(-128_i32).to_be_bytes()),
        ),
        (
            "first_conv.params.y_zero",
            scalar("i8", "<", &(-128_i64).to_le_bytes()),
        ),
        ("first_conv.stride", scalar("u2", "<", &[2, 0])),
        ("first_conv.depthwise", scalar("b1", "|", &[0])),
        // A LONG1 of two bytes, then of none, which is 0.
        (
            "first_conv.params.y_zero",
            Item::Raw(vec![0x8a, 2, 0x80, 0xff]),
        ),
        ("first_conv.params.x_zero", Item::Raw(vec![0x8a, 0])),
        (
            "first_conv.in_shape",
            Item::List(vec![Item::Int(8), Item::Int(8)]),
        ),
        ("first_conv.kernel_size", Item::Int(3)),
        ("first_conv.stride", Item::Raw(vec![b'M', 2, 0])),
    ] {
        let mut small = small::network();
        small.set(path, item);
        assert_eq!(network(&small.file()), expected, "{path}");
    }
    // Single precision has fewer digits, and they show in the effective scale.
    let short = 6.0_f32 / 255.0;
    let [mut of_scalar, mut of_float] = [small::network(), small::network()];
    let path = "first_conv.params.y_scale";
    of_scalar.set(path, scalar("f4", ">", &short.to_be_bytes()));
    of_float.set(path, Item::Float(f64::from(short)));
    assert_eq!(network(&of_scalar.file()), network(&of_float.file()));
}

#[test]
fn dictionaries_may_be_ordered_and_filled_one_by_one() {
    let expected = network(&small::network().file());
    let Item::Dict(entries) = small::network() else {
        panic!("a dictionary");
    };
    let mut raw = Vec::new();
    global("collections", "OrderedDict", 2, &mut raw);
    raw.extend(b")R");
    for (key, item) in entries {
        write(&Item::Text(key), 2, &mut raw);
        write(&item, 2, &mut raw);
        raw.push(b's');
    }
    assert_eq!(network(&Item::Raw(raw).file()), expected);

    // Blocks appended one by one, and each kept in the memo.
    let mut small = small::network();
    let blocks = small.at("blocks").clone();
    let Item::List(items) = blocks else {
        panic!("a list");
    };
    let mut raw = Vec::new();
    raw.push(b']');
    for (slot, item) in (40_u8..).zip(&items) {
        write(item, 2, &mut raw);
        raw.extend([b'q', slot]);
        raw.push(b'a');
    }
    small.set("blocks", Item::Raw(raw));
    assert_eq!(network(&small.file()), expected);

    // The same dictionary used twice: the second block is the first one again.
    let mut twice = small::network();
    let mut raw = vec![b']', b'('];
    let mut item = items[1].clone();
    for (field, value) in [("y_scale", Item::Float(0.05)), ("y_zero", Item::Int(3))] {
        item.set(&format!("residual.params.{field}"), value);
    }
    write(&items[0], 2, &mut raw);
    write(&item, 2, &mut raw);
    raw.extend([b'q', 9, b'h', 9, b'e']);
    twice.set("blocks", Item::Raw(raw));
    for (field, value) in [("x_scale", Item::Float(0.05)), ("x_zero", Item::Int(3))] {
        twice.set(&format!("classifier.params.{field}"), value);
    }
    let network = network(&twice.file());
    assert_eq!(network.convs().count(), 9);
    assert_eq!(conv(&network, 3), conv(&network, 6));
    assert_eq!(network.nodes()[10].name, "block2.add");
}
