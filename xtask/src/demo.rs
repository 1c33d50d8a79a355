//! `cargo xtask demo`: from a fresh clone to the running page in one command.

use std::process::Stdio;

use anyhow::Result;
use clap::Args;

use crate::dist::{self, Optimized};
use crate::workspace::Workspace;
use crate::{process, report, serve};

#[derive(Args)]
pub(crate) struct Options {
    /// The port to serve on; by default a free one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
}

/// Builds the page, serves it, prints its address and stays until the user ends it.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let dist = dist::build(workspace, Optimized::WhereNodeIs)?;
    let served = serve::start(&dist, options.port)?;
    let url = served.url();
    report::step("Serving the page on this machine alone; Ctrl+C ends it");
    report::result(&url);
    if !options.no_open && has_desktop() {
        open(&url);
    }
    served.wait();
    Ok(())
}

/// Whether there is a screen that a browser could open on.
fn has_desktop() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Asks the desktop to open the page. If it does not, the address is on the screen anyway.
fn open(url: &str) {
    let (program, arguments): (&str, &[&str]) = if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let opened = process::command(program)
        .args(arguments)
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if opened.is_err() {
        report::note("no browser could be opened; open the address yourself");
    }
}
