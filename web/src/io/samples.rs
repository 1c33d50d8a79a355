//! Files with samples: images are decoded and brought to the size of a network's input, folders
//! are looked through, other files are read as they are.

use js_sys::{Array, Promise, Reflect};
use quartermeg_formats::table;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
    ImageBitmap,
};

use super::cut::cut;
use crate::state::{Gathered, GatheredFile, Target};

/// Time between two messages about files that were read, in milliseconds.
const BATCH_MILLIS: f64 = 200.0;
/// Files that are looked for in dropped folders at most.
const MAX_FILES: usize = 10_000;

/// A file and the folder that it lies in, where that is known.
pub struct Picked {
    file: File,
    folder: Option<String>,
}

/// Where files come from.
pub enum Source {
    /// A person chose them.
    Chosen(Vec<Picked>),
    /// A person dropped them, perhaps with folders.
    Dropped(Vec<FileSystemEntry>),
}

impl Source {
    /// What was chosen. The list is that of its field, and empties with it.
    #[must_use]
    pub fn of_list(files: &FileList) -> Self {
        Self::Chosen(chosen(files))
    }

    /// What was dropped. It has to be asked for while the event is under way.
    #[must_use]
    pub fn of_drop(transfer: &DataTransfer) -> Self {
        let items = transfer.items();
        let entries = (0..items.length())
            .filter_map(|index| items.get(index)?.webkit_get_as_entry().ok()?)
            .collect::<Vec<_>>();
        match transfer.files() {
            // What comes from another page has no place in a file system.
            Some(files) if entries.is_empty() => Self::of_list(&files),
            _ => Self::Dropped(entries),
        }
    }
}

/// Reads files for a network whose input has this height, width and number of channels. What was
/// read is handed over a few files at a time.
pub fn gather(source: Source, target: Target, input: [u32; 3], done: impl Fn(Gathered) + 'static) {
    spawn_local(async move {
        let picked = match source {
            Source::Chosen(picked) => picked,
            Source::Dropped(entries) => walk(entries).await,
        };
        let empty = |n_announced| Gathered {
            target,
            n_announced,
            n_done: 0,
            images: Vec::new(),
            tables: Vec::new(),
            failed: Vec::new(),
        };
        let mut batch = empty(picked.len());
        let mut began = now();
        for Picked { file, folder } in picked {
            // Elsewhere a class was chosen, and folders do not matter.
            let folder = folder.filter(|_| target == Target::Folders);
            batch.n_done += 1;
            let name = file.name();
            let is_table = table::is_table(&name);
            let read = if is_table {
                super::open::read(file).await.map(|(_, bytes)| bytes)
            } else {
                image(&file, input).await
            };
            match read {
                Ok(bytes) => {
                    let files = if is_table {
                        &mut batch.tables
                    } else {
                        &mut batch.images
                    };
                    files.push(GatheredFile {
                        name,
                        folder,
                        bytes,
                    });
                }
                Err(sentence) => batch.failed.push(sentence),
            }
            // Tables wait for each other, so that labels find their samples.
            if now() - began > BATCH_MILLIS {
                let tables = std::mem::take(&mut batch.tables);
                batch.n_done -= tables.len();
                done(std::mem::replace(&mut batch, empty(0)));
                batch.n_done = tables.len();
                batch.tables = tables;
                began = now();
            }
        }
        done(batch);
    });
}

fn now() -> f64 {
    super::window()
        .performance()
        .map_or(0.0, |performance| performance.now())
}

fn chosen(files: &FileList) -> Vec<Picked> {
    (0..files.length())
        .filter_map(|index| files.get(index))
        .filter(|file| !table::is_of_the_system(&file.name()))
        .map(|file| {
            let path = Reflect::get(&file, &JsValue::from_str("webkitRelativePath"))
                .ok()
                .and_then(|path| path.as_string())
                .unwrap_or_default();
            let folder = path
                .rsplit_once('/')
                .map(|(folders, _)| folders.rsplit('/').next().unwrap_or(folders).to_owned());
            Picked { file, folder }
        })
        .collect()
}

/// All files of the entries and of the folders among them.
async fn walk(entries: Vec<FileSystemEntry>) -> Vec<Picked> {
    let mut waiting: Vec<(FileSystemEntry, Option<String>)> =
        entries.into_iter().rev().map(|it| (it, None)).collect();
    let mut picked = Vec::new();
    while let Some((entry, folder)) = waiting.pop() {
        if table::is_of_the_system(&entry.name()) || picked.len() >= MAX_FILES {
            continue;
        }
        // What cannot be read any more was taken away meanwhile.
        if entry.is_directory() {
            let name = Some(entry.name());
            let inside = entries_of(entry.unchecked_ref()).await.unwrap_or_default();
            waiting.extend(inside.into_iter().rev().map(|it| (it, name.clone())));
        } else if let Ok(file) = file_of(entry.unchecked_ref()).await {
            picked.push(Picked { file, folder });
        }
    }
    picked
}

async fn file_of(entry: &FileSystemFileEntry) -> Result<File, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    });
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

async fn entries_of(folder: &FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut all: Vec<FileSystemEntry> = Vec::new();
    loop {
        // Browsers hand over a hundred at a time.
        let promise = Promise::new(&mut |resolve, reject| {
            if let Err(error) = reader.read_entries_with_callback_and_callback(&resolve, &reject) {
                // It fails only for what is no function.
                let _ = reject.call1(&JsValue::UNDEFINED, &error);
            }
        });
        let some: Array = JsFuture::from(promise).await?.unchecked_into();
        if some.length() == 0 || all.len() >= MAX_FILES {
            break;
        }
        all.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
    all.sort_by_key(FileSystemEntry::name);
    Ok(all)
}

/// The values of an image in the size of the input.
async fn image(file: &File, input: [u32; 3]) -> Result<Vec<u8>, String> {
    let name = file.name();
    if !matches!(input[2], 1 | 3) {
        return Err(format!(
            "\"{name}\" was left out: the network reads {} channels, an image has 1 or 3; use CSV \
             or .npy.",
            input[2]
        ));
    }
    decode(file, input).await.map_err(|_undecodable| {
        format!("\"{name}\" is no image that this browser can read, and was left out.")
    })
}

async fn decode(file: &File, input: [u32; 3]) -> Result<Vec<u8>, JsValue> {
    let promise = super::window().create_image_bitmap_with_blob(file)?;
    let bitmap: ImageBitmap = JsFuture::from(promise).await?.dyn_into()?;
    let size = [bitmap.width(), bitmap.height()];
    let pixels = cut(size, input, |context, [x, y, w, h], [to_w, to_h]| {
        context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
            &bitmap, x, y, w, h, 0.0, 0.0, to_w, to_h,
        )
    })?;
    bitmap.close();
    Ok(pixels)
}
