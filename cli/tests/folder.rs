//! `quartermeg train MODEL --data FOLDER`: samples as a folder with one sub-folder a class.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

/// Rows and columns of the Keyboard network's input, which is grey.
const EXTENT: usize = 48;
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../static/models/keyboard.safetensors"
);

fn train(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quartermeg"))
        .args([&["train", "--json"], arguments].concat())
        .output()
        .expect("the program runs")
}

fn summary(arguments: &[&str]) -> Value {
    let output = train(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON")
}

/// What the program says when it refuses.
fn refusal(arguments: &[&str]) -> String {
    let output = train(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An empty folder of this name.
fn fresh(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // From an earlier run.
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("created");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Puts a file into a folder, which is made if it is missing.
fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    fs::write(path, bytes).expect("written");
}

/// Grey values of a white bar on black, each `at` another place: upright for class 0, lying for 1.
fn bar(class: usize, at: usize) -> Vec<u8> {
    let place = 4 + (at * 7) % 36;
    let inside = |along: usize, across: usize| {
        (place..place + 6).contains(&across) && (4..EXTENT - 4).contains(&along)
    };
    (0..EXTENT * EXTENT)
        .map(|pixel| {
            let (y, x) = (pixel / EXTENT, pixel % EXTENT);
            let is_white = if class == 0 {
                inside(y, x)
            } else {
                inside(x, y)
            };
            // Not black alone, so that a wrong order of pixels is seen.
            if is_white {
                255
            } else {
                u8::try_from(x).expect("small")
            }
        })
        .collect()
}

/// An image file of grey values in the middle of a wider canvas, `scale` times as large.
fn picture(grey: &[u8], scale: usize, margin: usize, format: ImageFormat) -> Vec<u8> {
    let side = EXTENT * scale;
    let size = |side: usize| u32::try_from(side).expect("small");
    let image = RgbaImage::from_fn(size(side + 2 * margin), size(side), |x, y| {
        let (x, y) = (x as usize, y as usize);
        if x < margin || x >= side + margin {
            return Rgba([10, 200, 30, 255]);
        }
        match grey[y / scale * EXTENT + (x - margin) / scale] {
            // White is what is transparent, too.
            255 => Rgba([0, 0, 0, 0]),
            grey => Rgba([grey, grey, grey, 255]),
        }
    });
    let image = DynamicImage::ImageRgba8(image);
    let image = match format {
        ImageFormat::Png => image,
        _ => white_bar(image),
    };
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, format).expect("encoded");
    file.into_inner()
}

/// The same for formats that know no transparency.
fn white_bar(image: DynamicImage) -> DynamicImage {
    let mut image = image.into_rgba8();
    for pixel in image.pixels_mut().filter(|pixel| pixel.0[3] == 0) {
        *pixel = Rgba([255; 4]);
    }
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(image).into_rgb8())
}

/// An array of numpy.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).expect("short").to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// Samples as safetensors; codes are the grey values minus 128.
fn samples(path: &Path, all: &[(i32, Vec<u8>)]) {
    let codes: Vec<u8> = all
        .iter()
        .flat_map(|(_, grey)| grey.iter().map(|value| value ^ 0x80))
        .collect();
    let labels: Vec<u8> = all
        .iter()
        .flat_map(|(label, _)| label.to_le_bytes())
        .collect();
    let tensors = [
        (
            "x",
            TensorView::new(Dtype::I8, vec![all.len(), 1, EXTENT, EXTENT], &codes),
        ),
        ("y", TensorView::new(Dtype::I32, vec![all.len()], &labels)),
    ]
    .map(|(name, tensor)| (name, tensor.expect("fits")));
    put(path, safetensors::serialize(tensors, None).expect("fits"));
}

/// The same samples as images, arrays, rows and safetensors: the same weights to the last bit, so
/// that white is +127, nothing is scaled that has the size, and the fifth of a class is held out.
#[test]
fn however_samples_are_stored_the_weights_are_the_same() {
    let per_class = 6;
    let folder = fresh("stored");
    let (png, mixed) = (folder.join("png"), folder.join("mixed"));
    let (mut learn, mut test) = (Vec::new(), Vec::new());
    for (class, name) in ["lying", "upright"].into_iter().enumerate() {
        for at in 0..per_class {
            let grey = bar(class, at);
            put(
                &png.join(name).join(format!("{at}.png")),
                picture(&grey, 1, 9, ImageFormat::Png),
            );
            let part = if at == 4 { &mut test } else { &mut learn };
            part.push((i32::try_from(class).expect("small"), grey));
        }
    }
    let all = |class: usize| (0..per_class).flat_map(move |at| bar(class, at));
    let pixels: Vec<u8> = all(0).collect();
    let array = npy("|u1", "(6, 48, 48)", &pixels);
    put(&mixed.join("lying/bars.npy"), array);
    let rows: Vec<String> = (0..per_class)
        .map(|at| {
            let codes: Vec<String> = bar(1, at)
                .iter()
                .map(|&grey| (i32::from(grey) - 128).to_string())
                .collect();
            format!("{},upright\n", codes.join(","))
        })
        .collect();
    // Rows that name a class belong to it, wherever they lie.
    put(
        &mixed.join("lying/rows.csv"),
        format!("# int8 codes\n{}", rows.concat()),
    );
    put(&mixed.join("upright/.DS_Store"), "not a sample");
    put(&mixed.join("upright/empty_labels.npy"), "");
    put(&mixed.join("README.txt"), "not a class");
    let (x, y) = (folder.join("x.safetensors"), folder.join("y.safetensors"));
    samples(&x, &learn);
    samples(&y, &test);

    let from =
        |arguments: &[&str]| summary(&[&[MODEL, "--epochs", "2", "--data"], arguments].concat());
    let expected = from(&[text(&x), "--eval", text(&y), "--classes", "2"]);
    assert_eq!(expected["learn_samples"], 10);
    assert_eq!(expected["test_samples"], 2);
    assert_eq!(expected["steps"], 20);
    assert_eq!(from(&[text(&png)]), expected);
    let sentence = refusal(&[MODEL, "--data", text(&mixed)]);
    assert!(
        sentence.contains("empty.npy, which is not there"),
        "{sentence}"
    );
    assert!(sentence.contains("README.txt is left out"), "{sentence}");
    fs::remove_file(mixed.join("upright/empty_labels.npy")).expect("removed");
    let sentence = refusal(&[MODEL, "--data", text(&mixed)]);
    assert!(sentence.contains("upright holds no sample"), "{sentence}");
    fs::rename(mixed.join("lying/rows.csv"), mixed.join("upright/rows.csv")).expect("moved");
    assert_eq!(from(&[text(&mixed)]), expected);
    // The same folder to measure on: nothing is held out.
    let measured = from(&[text(&mixed), "--eval", text(&png)]);
    assert_eq!(measured["learn_samples"], 12);
    assert_eq!(measured["test_samples"], 12);
}

/// Arrays with labels say the class of each sample, by the names of the folders.
#[test]
fn labels_of_an_array_are_names_of_folders() {
    let folder = fresh("labelled");
    let pixels: Vec<u8> = [bar(0, 0), bar(1, 0), bar(0, 1)].concat();
    put(
        &folder.join("3/all.npy"),
        npy("|u1", "(3, 48, 48, 1)", &pixels),
    );
    put(
        &folder.join("3/all_labels.npy"),
        npy("|u1", "(3,)", &[3, 8, 3]),
    );
    put(
        &folder.join("8/more.npy"),
        npy("|u1", "(1, 2304)", &bar(1, 1)),
    );
    let found = summary(&[MODEL, "--data", text(&folder), "--steps", "8"]);
    assert_eq!(found["learn_samples"], 4);
    // No class has five samples.
    assert_eq!(
        (&found["test_samples"], &found["accuracy"]),
        (&0.into(), &Value::Null)
    );
    let files = folder.with_file_name("labelled.safetensors");
    samples(
        &files,
        &[
            (0, bar(0, 0)),
            (0, bar(0, 1)),
            (1, bar(1, 0)),
            (1, bar(1, 1)),
        ],
    );
    let same = summary(&[
        MODEL,
        "--classes",
        "2",
        "--data",
        text(&files),
        "--steps",
        "8",
    ]);
    assert_eq!(found["weights_digest"], same["weights_digest"]);

    put(
        &folder.join("3/all_labels.npy"),
        npy("|u1", "(3,)", &[3, 9, 3]),
    );
    let sentence = refusal(&[MODEL, "--data", text(&folder)]);
    assert!(
        sentence.contains("class \"9\"") && sentence.contains("3, 8"),
        "{sentence}"
    );
}

/// Photographs are larger than the input, have margins and come in several formats.
#[test]
fn images_are_cropped_and_scaled_and_learned() {
    let folder = fresh("pictures");
    let formats = [
        (ImageFormat::Png, "png"),
        (ImageFormat::Jpeg, "jpg"),
        (ImageFormat::Bmp, "bmp"),
    ];
    for (class, name) in ["a", "b"].into_iter().enumerate() {
        for at in 0..15 {
            let (format, ending) = formats[at % 3];
            let file = picture(&bar(class, at), 1 + at % 3, 11 * at, format);
            put(&folder.join(name).join(format!("{at:02}.{ending}")), file);
        }
    }
    let before = summary(&[MODEL, "--data", text(&folder), "--steps", "0"]);
    let after = summary(&[
        MODEL,
        "--data",
        text(&folder),
        "--scheme",
        "last:4",
        "--steps",
        "200",
    ]);
    assert_eq!(after["learn_samples"], 24);
    assert_eq!(after["test_samples"], 6);
    assert_eq!(after["accuracy"], 1.0, "{before} {after}");
}

/// A link about a network of one's own says how to train; network and samples are named beside it.
#[test]
fn a_link_about_an_own_network_trains_the_one_that_is_named() {
    let folder = fresh("linked");
    for (class, name) in ["a", "b"].into_iter().enumerate() {
        let pixels: Vec<u8> = (0..5).flat_map(|at| bar(class, at)).collect();
        put(
            &folder.join(name).join("all.npy"),
            npy("|u1", "(5, 48, 48)", &pixels),
        );
    }
    let data = text(&folder);
    let frozen = "-".repeat(30);
    let by_link = |rest: &str| {
        let link = format!("https://x.test/#v=1&scenario=own{rest}");
        summary(&[MODEL, "--link", &link, "--data", data, "--steps", "9"])
    };
    let by_options =
        |more: &[&str]| summary(&[&[MODEL, "--data", data, "--steps", "9"], more].concat());
    assert_eq!(
        by_link(&format!("&lr=0.002&seed=6&policy={frozen}")),
        by_options(&["--lr", "0.002", "--seed", "6"]),
    );
    // Without a policy, that which the page offers first.
    assert_eq!(
        by_link(""),
        by_options(&["--scheme", "----------------------bbbbbbbb"]),
    );
    assert_ne!(
        by_link("&head=2:5")["weights_digest"],
        by_link("")["weights_digest"]
    );
    // The network's own classifier knows ten classes, of which these are the first.
    assert!(by_link("&head=own")["loss"].is_number());

    for (link, arguments, words) in [
        (
            "#scenario=own&head=3",
            &[MODEL, "--data", data][..],
            "head=2",
        ),
        (
            "#scenario=own",
            &["--data", data],
            "name the network's file",
        ),
        ("#scenario=own", &[MODEL], "--data"),
        (
            "#scenario=keyboard",
            &[MODEL, "--data", data],
            "leave MODEL out",
        ),
        ("#scenario=own&policy=b", &[MODEL, "--data", data], "30"),
        (
            "#scenario=own&budget=16384&policy=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            &[MODEL, "--data", data],
            "16,384 B",
        ),
        (
            "#scenario=own",
            &[MODEL, "--data", data, "--classes", "2"],
            "--classes",
        ),
    ] {
        let sentence = refusal(&[&["--link", link], arguments].concat());
        assert!(sentence.contains(words), "{link}: {sentence}");
    }
}

#[test]
fn folders_that_cannot_be_used_are_refused_in_a_sentence() {
    let folder = fresh("refused");
    let data = text(&folder);
    let sentence = |more: &[&str]| refusal(&[&[MODEL, "--data", data], more].concat());
    let check = |more: &[&str], words: &str| {
        let sentence = sentence(more);
        assert!(sentence.contains(words), "{sentence}");
        assert!(sentence.trim_end().ends_with('.'), "{sentence}");
    };
    check(&[], "no folder of a class");
    put(&folder.join("a/1.png"), "no image");
    check(&[], "alone, \"a\"");
    put(
        &folder.join("b/1.png"),
        picture(&bar(1, 0), 1, 0, ImageFormat::Png),
    );
    let unreadable = sentence(&[]);
    let path = folder.join("a/1.png");
    assert!(unreadable.contains(text(&path)), "{unreadable}");
    assert!(unreadable.contains("PNG, JPEG and BMP"), "{unreadable}");
    check(&["--classes", "3"], "leave --classes out");

    put(&path, picture(&bar(0, 0), 1, 0, ImageFormat::Png));
    put(
        &folder.join("a/2.npy"),
        npy("|u1", "(1, 28, 28)", &[0; 784]),
    );
    let size = sentence(&[]);
    assert!(
        size.contains("2.npy") && size.contains("[n, 48, 48, 1]"),
        "{size}"
    );
    fs::remove_file(folder.join("a/2.npy")).expect("removed");
    put(&folder.join("a/more/1.png"), "");
    check(&[], "inside the folder of a class");
    fs::remove_dir_all(folder.join("a/more")).expect("removed");

    // The Watch network's input has six channels, which no image has.
    let watch = refusal(&["--scenario", "watch", "--data", data]);
    assert!(watch.contains("reads 6 channels"), "{watch}");

    let other = fresh("refused-eval");
    put(
        &other.join("c/1.png"),
        picture(&bar(0, 0), 1, 0, ImageFormat::Png),
    );
    check(&["--eval", text(&other)], "class \"c\"");

    for class in 0..19 {
        put(&folder.join(format!("more{class}/1.png")), "");
    }
    check(&[], "at most 20");
    let keyboard = fresh("refused-keyboard");
    for class in 0..11 {
        put(&keyboard.join(format!("{class}/1.png")), "");
    }
    let sentence = refusal(&["--scenario", "keyboard", "--data", text(&keyboard)]);
    assert!(sentence.contains("knows 10 classes"), "{sentence}");
}
