//! Pickles that ask for what is not done, or that are damaged, instruction by instruction.

use quartermeg_formats::explain;
use quartermeg_formats::tiny_training::{Kind, MAX_DECODED, PickleError, TinyTrainingError, read};

use super::builder::{Array, Entry, Item, global, write, write_bytes, write_dtype, zip, zip_of};
use super::memory::measured;

/// How `instructions`, after a mark of protocol 2, are refused: where, and why.
fn refused(instructions: &[u8]) -> (usize, PickleError) {
    let mut pickle = vec![0x80, 2];
    pickle.extend(instructions);
    match read("", &zip(&pickle)) {
        Err(TinyTrainingError::Pickle { at, error }) => (at, error),
        other => panic!("{instructions:x?} is not refused as a pickle: {other:?}"),
    }
}

fn sentence(at: usize, error: PickleError) -> String {
    explain::tiny_training(&TinyTrainingError::Pickle { at, error })
}

fn called(module: &str, name: &str, args: &Item) -> Vec<u8> {
    let mut raw = Vec::new();
    global(module, name, 2, &mut raw);
    write(args, 2, &mut raw);
    raw.push(b'R');
    raw
}

#[test]
fn no_name_but_the_known_ones_is_taken() {
    for (module, name) in [
        ("os", "system"),
        ("builtins", "eval"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "_reconstruct_"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("_codecs", "decode"),
        ("collections", "defaultdict"),
        ("", ""),
    ] {
        for protocol in [2, 4] {
            let mut raw = Vec::new();
            global(module, name, protocol, &mut raw);
            let (at, error) = refused(&raw);
            let PickleError::Name { name: found } = error else {
                panic!("{module}.{name}: {error:?}");
            };
            assert_eq!(found.to_string(), format!("{module}.{name}"));
            let sentence = sentence(at, error);
            assert!(sentence.contains("no code is run"), "{sentence}");
        }
    }
    // A long name is cut, and what could control a terminal does not reach it.
    let (_, error) = refused(format!("cos\n\u{1b}[2J{}\n", "é".repeat(100)).as_bytes());
    let PickleError::Name { name } = error else {
        panic!("{error:?}");
    };
    assert_eq!(name.to_string(), format!("os.?[2J{}", "?".repeat(41)));
}

#[test]
fn only_instructions_for_data_are_carried_out() {
    // All of protocol 0 and 1 that is not data, objects, extensions, sets, long integers.
    let known = b"(.NJKMGXBCR)t]ae}suqhrjcb";
    for code in 0..=u8::MAX {
        let is_known = known.contains(&code)
            || matches!(code, 0x80 | 0x85..=0x8a | 0x8c..=0x8e | 0x93..=0x97)
            || matches!(code, b'P' | b'Q');
        if !is_known {
            let (at, error) = refused(&[code]);
            assert_eq!((at, error), (2, PickleError::Opcode { code }));
            assert!(sentence(at, error).contains(&format!("{code:#04x}")));
        }
    }
    for reference in [&b"P1\n"[..], b"NQ", b"\x97"] {
        let (at, error) = refused(reference);
        assert_eq!(error, PickleError::Outside);
        assert!(sentence(at, error).contains("tensor outside the pickle"));
    }
}

#[test]
fn protocols_are_two_to_five() {
    for (pickle, found) in [
        (&b"(lp0\n."[..], None),
        (b"\x80\x01N.", Some(1)),
        (b"\x80\x06N.", Some(6)),
    ] {
        let error = read("", &zip(pickle)).expect_err("refused");
        let expected = PickleError::Protocol { found };
        assert_eq!(
            error,
            TinyTrainingError::Pickle {
                at: 0,
                error: expected
            }
        );
        assert!(explain::tiny_training(&error).contains("protocol"));
    }
}

#[test]
fn lengths_are_held_against_the_bytes_that_are_there() {
    let cases: [(&[u8], u64, usize); 12] = [
        (b"", 1, 0),
        (b"J\x01\x02", 4, 2),
        (b"G\x01\x02\x03\x04\x05\x06\x07", 8, 7),
        (b"M\x01", 2, 1),
        (b"\x8a\x05\x01", 5, 1),
        (b"X\xff\xff\xff\xffabc", 0xffff_ffff, 3),
        (b"\x8c\x04abc", 4, 3),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab", u64::MAX, 2),
        (b"B\x00\x00\x00\x80abc", 0x8000_0000, 3),
        (b"\x8e\x00\x00\x00\x00\x00\x00\x00\x01a", 1 << 56, 1),
        (b"\x96\x09\x00\x00\x00\x00\x00\x00\x00a", 9, 1),
        (b"\x95\x03\x00\x00\x00\x00\x00\x00\x00N.", 3, 2),
    ];
    for (raw, needed, left) in cases {
        let ((at, error), memory) = measured(|| refused(raw));
        assert_eq!((at, error), (2, PickleError::Truncated { needed, left }));
        assert!(sentence(at, error).contains("are left"));
        assert!(memory.peak < 10_000, "{memory:?}");
    }
}

#[test]
fn texts_and_numbers_are_what_they_say() {
    assert_eq!(refused(b"X\x02\0\0\0\xff\xfe."), (2, PickleError::Utf8));
    assert_eq!(
        refused(&[&b"c"[..], &[b'a'; 300]].concat()),
        (2, PickleError::Line)
    );
    assert_eq!(refused(b"cos"), (2, PickleError::Line));
    let wide = [&b"\x8a\x09"[..], &[1; 9]].concat();
    assert_eq!(refused(&wide), (2, PickleError::Integer { bytes: 9 }));
    let text = Item::Text("a\u{100}".into());
    let args = Item::Tuple(vec![text, Item::Text("latin1".into())]);
    assert_eq!(
        refused(&called("_codecs", "encode", &args)).1,
        PickleError::Latin1
    );
}

#[test]
fn the_stack_holds_what_an_instruction_takes() {
    for raw in [
        &b"."[..],
        b"N(.",
        b"N\x86",
        b"K\x01(\x85",
        b"t",
        b"(a",
        b"]a",
        b"(e",
        b"e",
        b"]((e",
        b"}(X\x01\0\0\0au",
        b"}X\x01\0\0\0as",
        b"(u",
        b"R",
        b"NR",
        b"b",
        b"Nb",
        b"q\0",
        b"N(q\0",
        b"\x94",
        b"\x93",
        b"X\x01\0\0\0a\x93",
    ] {
        assert_eq!(refused(raw).1, PickleError::Stack, "{raw:x?}");
    }
    for (raw, index) in [
        (&b"h\x07"[..], 7),
        (b"j\0\0\0\x80", 0x8000_0000),
        (b"Nq\x03h\x02", 2),
    ] {
        assert_eq!(refused(raw).1, PickleError::Memo { index });
    }
    for (raw, expected, found) in [
        (&b"NNa"[..], Kind::List, Kind::None),
        (b"](N(e", Kind::List, Kind::None),
        (b"](NNu", Kind::Dictionary, Kind::List),
        (b"}NNs", Kind::Text, Kind::None),
        (b"N)R", Kind::Function, Kind::None),
        (b"cnumpy\ndtype\n]R", Kind::Tuple, Kind::List),
        (b"N}b", Kind::Tuple, Kind::Dictionary),
        (b"X\x01\0\0\0aK\x01\x93", Kind::Text, Kind::Integer),
    ] {
        let (at, error) = refused(raw);
        assert_eq!(error, PickleError::Operand { expected, found }, "{raw:x?}");
        assert!(sentence(at, error).contains("is needed"));
    }
}

#[test]
fn dictionaries_have_short_keys_that_differ() {
    let (_, error) = refused(b"}(X\x01\0\0\0aNX\x01\0\0\0aNu");
    let PickleError::RepeatedKey { key } = error else {
        panic!("{error:?}");
    };
    assert_eq!(key.to_string(), "a");
    let long = [&b"}X\x41\0\0\0"[..], &[b'a'; 65], b"Ns"].concat();
    assert_eq!(refused(&long).1, PickleError::Key { bytes: 65 });
}

#[test]
fn arrays_are_those_of_numpy() {
    let array = Array {
        dtype: "i2",
        order: "<",
        shape: vec![2, 3],
        column_major: false,
        data: vec![0; 12],
    };
    let error_of = |change: &dyn Fn(&mut Array)| {
        let mut array = array.clone();
        change(&mut array);
        [2, 3, 5].map(|protocol| {
            let mut raw = Vec::new();
            write(&Item::Array(array.clone()), protocol, &mut raw);
            refused(&raw).1
        })
    };
    let short = PickleError::ArrayLength {
        expected: 12,
        found: 11,
    };
    assert_eq!(error_of(&|array| array.data.truncate(11)), [short; 3]);
    let huge = PickleError::ArrayLength {
        expected: 0x7fff_ffff * 0x7fff_ffff * 2,
        found: 12,
    };
    assert_eq!(
        error_of(&|array| array.shape = vec![i32::MAX; 2]),
        [huge; 3]
    );
    assert_eq!(
        error_of(&|array| array.shape = vec![i32::MAX; 4]),
        [PickleError::TooLarge; 3]
    );
    assert_eq!(
        error_of(&|array| array.shape = vec![1; 5]),
        [PickleError::Dimensions { found: 5 }; 3]
    );
    assert_eq!(
        error_of(&|array| array.shape = vec![-2, 3]),
        [PickleError::Arguments; 3]
    );
    for error in error_of(&|array| array.dtype = "O8") {
        let PickleError::ElementType { name } = error else {
            panic!("{error:?}");
        };
        assert_eq!(name.to_string(), "O8");
    }
    assert_eq!(
        error_of(&|array| array.order = "="),
        [PickleError::Arguments; 3]
    );
}

#[test]
fn functions_take_only_the_arguments_that_numpy_gives() {
    let mut calls = vec![
        called("numpy", "ndarray", &Item::Tuple(vec![])),
        called(
            "numpy",
            "dtype",
            &Item::Tuple(vec![Item::Text("i1".into())]),
        ),
        called(
            "collections",
            "OrderedDict",
            &Item::Tuple(vec![Item::List(vec![])]),
        ),
        called(
            "numpy.core.multiarray",
            "_reconstruct",
            &Item::Tuple(vec![Item::None; 3]),
        ),
        called(
            "numpy.core.multiarray",
            "scalar",
            &Item::Tuple(vec![Item::None; 2]),
        ),
        called(
            "numpy.core.numeric",
            "_frombuffer",
            &Item::Tuple(vec![Item::None; 4]),
        ),
        b"})b".to_vec(),
    ];
    let codec = Item::Tuple(vec![Item::Text("a".into()), Item::Text("utf-8".into())]);
    calls.push(called("_codecs", "encode", &codec));
    for raw in calls {
        let (at, error) = refused(&raw);
        assert_eq!(error, PickleError::Arguments, "{raw:x?}");
        assert!(sentence(at, error).contains("numpy writes"));
    }
    // A number of the wrong length, and one that a signed one cannot hold.
    for (dtype, data, expected) in [
        (
            "i4",
            &[0; 3][..],
            PickleError::ArrayLength {
                expected: 4,
                found: 3,
            },
        ),
        ("u8", &[0xff; 8], PickleError::Integer { bytes: 8 }),
    ] {
        let mut raw = Vec::new();
        global("numpy.core.multiarray", "scalar", 2, &mut raw);
        write_dtype(dtype, "<", 2, &mut raw);
        write_bytes(data, 2, &mut raw);
        raw.extend([0x86, b'R']);
        assert_eq!(refused(&raw).1, expected);
    }
}

#[test]
fn nothing_grows_without_end() {
    let endless: [(Vec<u8>, usize); 7] = [
        // Values on the stack, open containers, slots of the memo, entries of a dictionary.
        (vec![b'N'; 100_000], 1 << 16),
        (vec![b'('; 10_000], 1 << 10),
        (b"Nr\0\0\x01\0".to_vec(), 1 << 16),
        (
            std::iter::once(b'}')
                .chain((0..100).flat_map(|key| [b'X', 1, 0, 0, 0, key, b'N', b's']))
                .collect(),
            64,
        ),
        // Values in lists and tuples, and the lists themselves: short instructions, used often.
        ([&b"]q\0"[..], &b"Na".repeat(300_000)].concat(), 1 << 18),
        ([&b"Nq\0"[..], &b"\x85".repeat(300_000)].concat(), 1 << 18),
        ([&b"]"[..], &b"]a".repeat(200_000)].concat(), 1 << 18),
    ];
    for (raw, limit) in endless {
        let ((_, error), memory) = measured(|| refused(&raw));
        assert_eq!(error, PickleError::TooMany { limit }, "{:x?}", &raw[..8]);
        assert!(memory.largest <= 16 << 20, "{memory:?}");
        assert!(memory.peak <= 32 << 20, "{memory:?}");
    }
    // The same long text as bytes, again and again: the limit is on what is decoded in all.
    let mut raw = Vec::new();
    global("_codecs", "encode", 2, &mut raw);
    raw.extend(b"q\0X\0\0\x10\0");
    raw.extend(vec![b'a'; 1 << 20]);
    write(&Item::Text("latin1".into()), 2, &mut raw);
    raw.extend([0x86, b'q', 1, b'R']);
    raw.extend(b"h\0h\x01R".repeat(100));
    let ((at, error), memory) = measured(|| refused(&raw));
    assert_eq!(error, PickleError::TooLarge);
    assert!(sentence(at, error).contains("64.0 MiB"));
    assert!(memory.peak <= 8 << 20, "{memory:?}");
}

#[test]
fn deep_and_circular_pickles_do_no_harm() {
    // A list in a list in a list, 60,000 deep.
    let mut raw = b"]".repeat(60_000);
    raw.extend(b"a".repeat(59_999));
    raw.push(b'.');
    let mut pickle = vec![0x80, 2];
    pickle.extend(&raw);
    let error = read("", &zip(&pickle)).expect_err("a list is no network");
    assert!(explain::tiny_training(&error).contains("must be a dictionary, but is a list"));
    // A dictionary whose blocks are a list that holds itself.
    let raw = b"\x80\x02}X\x06\0\0\0blocks]q\0h\0as.";
    let error = read("", &zip(raw)).expect_err("a list is no block");
    assert!(explain::tiny_training(&error).contains("first_conv"));
}

#[test]
fn a_bomb_is_not_unpacked() {
    let mut bomb = Entry::deflated("archive/data.pkl", &vec![0; 70 << 20]);
    let file = zip_of(&[bomb.clone()]);
    let (result, memory) = measured(|| read("", &file));
    let error = result.expect_err("too large");
    assert!(explain::tiny_training(&error).contains("at most 64.0 MiB"));
    assert!(memory.peak < 10_000, "{memory:?}");
    // The directory lies about it.
    bomb.size = 1000;
    let file = zip_of(&[bomb]);
    let (result, memory) = measured(|| read("", &file));
    let error = result.expect_err("longer than it says");
    assert!(explain::tiny_training(&error).contains("should have 1,000 B"));
    assert!(memory.peak < 200_000, "{memory:?}");
    assert_eq!(MAX_DECODED, 64 << 20);
}
