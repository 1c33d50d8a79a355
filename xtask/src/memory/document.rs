//! The text of `docs/memory.md`.

use std::fmt::Write as _;

use crate::report::grouped;

use super::{Both, Peak, Published, Recomputed, Step};

const HEAD: &str = "\
# Memory

This file is written by `cargo xtask memory`; the folder that `QUARTERMEG_REFERENCE_DIR` names must have MIT's networks under `models/`.
All figures but those of the paper are what `quartermeg memory --passes --peak --json` states. Steps have the rules of the profile `device`, batch 1 and an f32 classifier; activation gradients are f32, as in the profile, or int8 (`device,gradient:int8`), which was not seen to cost accuracy ([reproduction](reproduction.md)).
";

const PUBLISHED: &str = "
## The paper's networks and schemes

Images of 128 x 128, 10 classes. The bytes are everything that is written at run time but the stack (`sram_total_bytes`): the one block, forward pass and classifier included, and the state beside it. The reach is what the project wants to get by with, the aim what it would like to.
The released demo is that of TinyEngine for the first row: arena, scratch and trainable parameters added up. The measured figures are those of the paper (figures 1 and 10), which does not say which scheme a bar is; the rows are those of the same network, so they are beside each other for their size and no more.

| network | scheme | paper | reach | aim | f32 gradients | met | int8 gradients | met |
|---|---|---|---:|---:|---:|---|---:|---|
";

const WATERFALL: &str = "
## What the passes save

*No pass* is the step as differentiation writes it: gradients and masks of everything, every gradient of a parameter a tensor, updates at the end; lifetimes and offsets are planned all the same. *Prune* leaves out gradients and masks that no parameter that learns needs. *Reorder* updates a parameter as soon as its gradient exists and its old value was used for the last time, and *fuse* makes gradient and update one operation, tile by tile. *In place* lets an output take the place of an input that dies there, *row by row* runs frozen layers together through line buffers where that makes the block smaller, and *hidden channel by hidden channel* runs the backward pass of an inverted-residual block in tiles of 4 to 8 of its hidden channels where that does, so that no gradient of an expanded activation exists as a whole. The weights that come out are the same.
A pass that does not lower the block of a row may still lower one of its two peaks: the block is as large as the larger.

| scheme | gradients | pass | block (B) | saved (B) | forward peak (B) | backward peak (B) |
|---|---|---|---:|---:|---:|---:|
";

const MISSED: &str = "
## Where a reach or an aim is missed

What would lower the bytes at the peak lowers the block until the next highest operation holds the peak.
";

const RECOMPUTED: &str = "
## Computing inputs again

A policy may say of a convolution that its input is computed again for the gradient of its weights instead of being kept (`--scheme \"full;recompute=all\"`, or a list of layers). No weight changes by it. It saves where what is kept holds the peak, and costs bytes where what it is computed from has to be kept longer. Every input that can be, with f32 gradients:

| scenario | preset | kept: block (B) | again: block (B) | saved (B) | multiply-accumulates of a step | more |
|---|---|---:|---:|---:|---:|---:|
";

const PRESETS: &str = "
## How close the plan is to its lower bound

No placement of an order of operations can need less than the most bytes that are live at once. Every preset of every scenario that ships:

| scenario | preset | f32: block (B) | lower bound (B) | above it | int8: block (B) | lower bound (B) | above it |
|---|---|---:|---:|---:|---:|---:|---:|
";

/// The whole document.
pub(super) fn text(
    published: &[(Published, Both)],
    recomputed: &[Recomputed],
    presets: &[(&str, &str, Both)],
) -> String {
    let mut text = [HEAD, PUBLISHED].concat();
    for (row, both) in published {
        let step = |step: &Step| {
            let over = |limit: u32| step.sram_total_bytes.saturating_sub(limit);
            let met = match [row.reach_bytes, row.aim_bytes].map(over) {
                [0, 0] => "both".to_owned(),
                [0, over] => format!("reach; {} above the aim", bytes(over)),
                [over, _] => format!("no: {} above the reach", bytes(over)),
            };
            format!("{} | {met}", bytes(step.sram_total_bytes))
        };
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} KiB | {} KiB | {} | {} |",
            row.network,
            row.scheme,
            row.figures,
            row.reach_bytes / 1024,
            row.aim_bytes / 1024,
            step(&both.float),
            step(&both.int8)
        );
    }
    text += WATERFALL;
    for (row, both) in published {
        for (gradients, step) in both.each() {
            text += &waterfall(row.scheme, gradients, step);
        }
    }
    text += MISSED;
    let mut all_met = true;
    for (row, both) in published {
        for (gradients, step) in both.each() {
            if above_aim(row, step) > 0 {
                all_met = false;
                text += &missed(row, gradients, step);
            }
        }
    }
    if all_met {
        text += "\nNowhere.\n";
    }
    text += RECOMPUTED;
    for row in recomputed {
        text += &again(row);
    }
    text += PRESETS;
    let mut most = 0.0_f64;
    for (scenario, preset, both) in presets {
        let step = |step: &Step| {
            format!(
                "{} | {} | {:.2} %",
                number(step.arena_bytes),
                number(step.lower_bound_bytes),
                above(step)
            )
        };
        let _ = writeln!(
            text,
            "| {scenario} | {preset} | {} | {} |",
            step(&both.float),
            step(&both.int8)
        );
        for (_, step) in both.each() {
            most = most.max(above(step));
        }
    }
    let _ = writeln!(
        text,
        "\nThe largest difference is {most:.2} %; a test fails above 5 % (`formats/tests/shipped/memory_passes.rs`). Where there is one, neither first fit in several orders nor the exact search, which gives up after some thousands of attempts, found a plan at the bound; whether there is any is not known."
    );
    text
}

impl Both {
    fn each(&self) -> [(&'static str, &Step); 2] {
        [("f32", &self.float), ("int8", &self.int8)]
    }
}

/// Bytes beyond the aim.
fn above_aim(row: &Published, step: &Step) -> u32 {
    step.sram_total_bytes.saturating_sub(row.aim_bytes)
}

/// How far the block is above its lower bound, in percent.
fn above(step: &Step) -> f64 {
    100.0 * (f64::from(step.arena_bytes) / f64::from(step.lower_bound_bytes) - 1.0)
}

fn waterfall(scheme: &str, gradients: &str, step: &Step) -> String {
    let mut text = String::new();
    let mut before = None;
    for pass in &step.passes {
        let saved = before.map_or_else(String::new, |before| saved(before, pass.arena_bytes));
        let _ = writeln!(
            text,
            "| `{scheme}` | {gradients} | {} | {} | {saved} | {} | {} |",
            pass.name,
            number(pass.arena_bytes),
            number(pass.forward_peak_bytes),
            number(pass.backward_peak_bytes)
        );
        before = Some(pass.arena_bytes);
    }
    text
}

/// Bytes that are fewer, with a sign where they are more.
fn saved(before: u32, after: u32) -> String {
    let sign = if after > before { "-" } else { "" };
    format!("{sign}{}", number(before.abs_diff(after)))
}

/// The row of a step that computes inputs again.
fn again(row: &Recomputed) -> String {
    let Recomputed {
        scenario,
        preset,
        kept,
        again,
    } = row;
    format!(
        "| {scenario} | {preset} | {} | {} | {} | {} | {} % |\n",
        number(kept.arena_bytes),
        number(again.arena_bytes),
        saved(kept.arena_bytes, again.arena_bytes),
        grouped(again.macs),
        100 * again.macs_again / kept.macs
    )
}

/// Which operation holds the peak of a step that needs too much, what is live there, and what would
/// lower it.
fn missed(row: &Published, gradients: &str, step: &Step) -> String {
    let peak = &step.peak;
    let half = if step.backward_peak_bytes > step.forward_peak_bytes {
        "backward"
    } else {
        "forward"
    };
    let mut text = format!(
        "\n### `{}`, {gradients} gradients\n\n\
         {} above the aim. The {half} pass holds the peak, at operation {} ({}), with {} live:\n\n\
         | role | tensor | bytes | share |\n|---|---|---:|---:|\n",
        row.scheme,
        bytes(above_aim(row, step)),
        peak.op,
        peak.name,
        bytes(peak.bytes)
    );
    // What is small is one line, or the many masks would hide what matters.
    let is_small = |bytes: u32| u64::from(bytes) * 50 < u64::from(peak.bytes);
    let share = |bytes: u32| 100.0 * f64::from(bytes) / f64::from(peak.bytes);
    let mut rest = (0, 0);
    for tensor in &peak.tensors {
        if is_small(tensor.bytes) {
            rest = (rest.0 + 1, rest.1 + tensor.bytes);
            continue;
        }
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.1} % |",
            tensor.role,
            tensor.name,
            number(tensor.bytes),
            share(tensor.bytes)
        );
    }
    if rest.0 > 0 {
        let _ = writeln!(
            text,
            "| | {} more of less than 2 % each | {} | {:.1} % |",
            rest.0,
            number(rest.1),
            share(rest.1)
        );
    }
    text + "\n" + &remedy(peak, row.aim_bytes)
}

/// What would lower a peak: parameters and the input image are given, the working space is not.
fn remedy(peak: &Peak, aim_bytes: u32) -> String {
    let scratch = peak.tensors.iter().filter(|it| it.role == "scratch");
    let scratch: u32 = scratch.map(|it| it.bytes).sum();
    let rest = peak.bytes - scratch;
    let kept = if rest <= aim_bytes {
        "within the aim"
    } else {
        "beyond the aim all the same"
    };
    let how = if peak.name.contains("row by row") {
        " Its line buffers hold whole rows; going over the image in stripes of half its width would need about half of them."
    } else if peak.name.contains("hidden channel") {
        " It holds the sum of the block's input gradient, as the order of that sum asks for, and the gradients of a few hidden channels; one channel at a time would need less, and several times as long."
    } else {
        ""
    };
    format!(
        "The working space of the operation is {}; without it {} would be live here, {kept}.{how}\n",
        bytes(scratch),
        bytes(rest)
    )
}

/// Bytes as the command line program shows them, for the sizes of this document.
fn bytes(value: u32) -> String {
    if value < 1024 {
        return format!("{} B", number(value));
    }
    let tenths = (u64::from(value) * 10 + 512) / 1024;
    format!("{}.{} KiB ({} B)", tenths / 10, tenths % 10, number(value))
}

/// Digits in groups of three.
fn number(value: u32) -> String {
    grouped(u64::from(value))
}

#[cfg(test)]
mod tests {
    use super::super::{LiveTensor, Pass};
    use super::*;

    fn step(tensors: &[(&str, &str, u32)]) -> Step {
        let tensors: Vec<LiveTensor> = tensors
            .iter()
            .map(|&(role, name, bytes)| LiveTensor {
                name: name.to_owned(),
                role: role.to_owned(),
                bytes,
            })
            .collect();
        let bytes = tensors.iter().map(|tensor| tensor.bytes).sum();
        let pass = |name: &str, arena_bytes| Pass {
            name: name.to_owned(),
            arena_bytes,
            forward_peak_bytes: 0,
            backward_peak_bytes: arena_bytes,
        };
        Step {
            arena_bytes: bytes + 40,
            lower_bound_bytes: bytes,
            forward_peak_bytes: 0,
            backward_peak_bytes: bytes,
            sram_total_bytes: bytes + 240,
            macs: 2000,
            macs_again: 500,
            passes: vec![pass("whole", bytes + 1024), pass("less", bytes)],
            peak: Peak {
                op: 7,
                name: "b: forward, row by row".to_owned(),
                bytes,
                tensors,
            },
        }
    }

    fn document(reach_bytes: u32, aim_bytes: u32) -> String {
        let step = || {
            step(&[
                ("scratch", "scratch of b.expand", 3000),
                ("trainable weight", "2 tensors", 940),
                ("clamp mask", "clamp mask of b.expand", 30),
                ("clamp mask", "clamp mask of b.project", 30),
            ])
        };
        let both = || Both {
            float: step(),
            int8: step(),
        };
        let row = Published {
            network: "n",
            scheme: "s",
            figures: "f",
            reach_bytes,
            aim_bytes,
        };
        let recomputed = Recomputed {
            scenario: "keyboard",
            preset: "full",
            kept: step(),
            again: step(),
        };
        let presets = [("keyboard", "full", both())];
        text(&[(row, both())], &[recomputed], &presets)
    }

    #[test]
    fn a_missed_aim_says_what_is_live_and_what_would_help() {
        let text = document(1024, 1024);
        for part in [
            "| `n` | `s` | f | 1 KiB | 1 KiB | 4.1 KiB (4,240 B) | no: 3.1 KiB (3,216 B) above the reach |",
            "| `s` | int8 | less | 4,000 | 1,024 | 0 | 4,000 |",
            "at operation 7 (b: forward, row by row), with 3.9 KiB (4,000 B) live",
            "| scratch | scratch of b.expand | 3,000 | 75.0 % |",
            "| keyboard | full | 4,040 | 4,040 | 0 | 2,000 | 25 % |",
            "| | 2 more of less than 2 % each | 60 | 1.5 % |",
            "without it 1,000 B would be live here, within the aim. Its line buffers",
            "The largest difference is 1.00 %",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("Nowhere."));
        assert!(document(5000, 1024).contains("reach; 3.1 KiB (3,216 B) above the aim"));
    }

    #[test]
    fn an_aim_that_is_met_is_not_explained() {
        let text = document(4240, 4240);
        assert!(text.contains("4.1 KiB (4,240 B) | both |"), "{text}");
        assert!(text.contains("Nowhere."), "{text}");
    }

    #[test]
    fn bytes_read_as_elsewhere() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1,000 B");
        assert_eq!(bytes(1280), "1.3 KiB (1,280 B)");
        assert_eq!(bytes(1_234_056), "1205.1 KiB (1,234,056 B)");
    }
}
