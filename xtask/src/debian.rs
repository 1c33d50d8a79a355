//! Programs of the system: installed by apt where that is ours to do, otherwise named.

use std::fs;

use anyhow::{Result, bail};

use crate::{process, report};

/// A program that must be on the search path.
pub(crate) struct Need {
    /// The names that it goes by.
    pub(crate) programs: &'static [&'static str],
    /// Debian's package that holds it.
    pub(crate) package: &'static str,
}

impl Need {
    fn is_met(&self) -> bool {
        self.programs.iter().any(|name| which::which(name).is_ok())
    }
}

/// Installs what is missing, as root on Debian; elsewhere says what is missing and fails.
pub(crate) fn provide(needs: &[&Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().copied().filter(|n| !n.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if is_debian() && is_root() {
        return install(&packages);
    }
    let programs: Vec<&str> = missing
        .iter()
        .filter_map(|need| need.programs.first().copied())
        .collect();
    bail!(
        "the tests need {}, which PATH does not hold; on Debian get it with `apt-get install {}`",
        programs.join(" and "),
        packages.join(" ")
    )
}

fn install(packages: &[&str]) -> Result<()> {
    report::step(format_args!("Installing {} by apt", packages.join(", ")));
    let apt = || {
        let mut apt = process::command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        apt
    };
    let failure = format!(
        "the tests need packages that could not be installed; get them with `apt-get install {}`",
        packages.join(" ")
    );
    process::run(apt().arg("update"), &failure)?;
    process::run(
        apt()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
        &failure,
    )
}

fn is_debian() -> bool {
    fs::read_to_string("/etc/os-release")
        .is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

fn is_root() -> bool {
    process::output(process::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
