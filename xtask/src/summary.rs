//! Counting tests over runners that each report in their own form.

use std::fmt;
use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde::Deserialize;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// One test that failed.
    pub(crate) const ONE_FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };

    /// Counts one test.
    pub(crate) fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// How many tests ran.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Sums the result lines of `cargo test`, whose form the runner for wasm shares.
pub(crate) fn tally_from_cargo(stdout: &str) -> Tally {
    let mut tally = Tally::default();
    for line in stdout.lines() {
        let Some((_, counts)) = line.split_once("test result: ") else {
            continue;
        };
        tally.passed += count(counts, "passed");
        tally.failed += count(counts, "failed");
        tally.skipped += count(counts, "ignored");
    }
    tally
}

/// Reads the number that stands before `word`, as in `12 passed;`.
fn count(counts: &str, word: &str) -> u64 {
    let mut previous = "";
    for token in counts.split([' ', ';', '.']).filter(|t| !t.is_empty()) {
        if token == word {
            return previous.parse().unwrap_or(0);
        }
        previous = token;
    }
    0
}

#[derive(Deserialize)]
struct PlaywrightReport {
    stats: PlaywrightStats,
    #[serde(default)]
    errors: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct PlaywrightStats {
    expected: u64,
    unexpected: u64,
    flaky: u64,
    skipped: u64,
}

/// Reads the report that Playwright writes as JSON.
///
/// A test that passed only when repeated counts as failed, and so does an error outside any test.
pub(crate) fn tally_from_playwright(report: &str) -> Result<Tally> {
    let report: PlaywrightReport =
        serde_json::from_str(report).context("Playwright reported in an unknown form")?;
    let errors = u64::try_from(report.errors.len()).unwrap_or(u64::MAX);
    Ok(Tally {
        passed: report.stats.expected,
        failed: report.stats.unexpected + report.stats.flaky + errors,
        skipped: report.stats.skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_every_result_line_of_cargo() {
        let stdout = "\
running 2 tests
test a ... ok
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.50s
test says_passed ... ok
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let expected = Tally {
            passed: 15,
            failed: 2,
            skipped: 1,
        };
        assert_eq!(tally_from_cargo(stdout), expected);
    }

    #[test]
    fn reads_the_result_line_of_the_runner_for_wasm() {
        let line =
            "test result: ok. 4 passed; 0 failed; 2 ignored; 0 filtered out; finished in 0.03s";
        let expected = Tally {
            passed: 4,
            failed: 0,
            skipped: 2,
        };
        assert_eq!(tally_from_cargo(line), expected);
    }

    #[test]
    fn no_result_line_is_no_test() {
        assert_eq!(tally_from_cargo("no tests to run!\n"), Tally::default());
        assert_eq!(Tally::default().ran(), 0);
    }

    #[test]
    fn reads_what_playwright_reports() {
        let report = r#"{
            "config": {},
            "suites": [],
            "errors": [{ "message": "the server did not start" }],
            "stats": { "startTime": "", "duration": 1.5, "expected": 7, "skipped": 1, "unexpected": 2, "flaky": 1 }
        }"#;
        let expected = Tally {
            passed: 7,
            failed: 4,
            skipped: 1,
        };
        assert_eq!(tally_from_playwright(report).unwrap(), expected);
        assert!(tally_from_playwright("{}").is_err());
    }

    #[test]
    fn the_last_line_has_its_agreed_form() {
        let mut tally = Tally::ONE_FAILED;
        tally.count(true);
        tally += tally;
        assert_eq!(tally.to_string(), "2 passed, 2 failed, 0 skipped");
    }
}
