//! What a person chooses: the part of a link, a configuration and a page that decides which
//! weights come out.

use quartermeg_core::policy::Policy;
use quartermeg_core::program::Settings;

/// Smallest and largest memory budget, in bytes.
pub const BUDGET_RANGE: [u32; 2] = [16 * 1024, u32::MAX];
/// Smallest and largest learning rate.
pub const LEARNING_RATE_RANGE: [f32; 2] = [1e-6, 10.0];
/// Largest number of steps after which training may stop.
pub const MAX_STEPS: u32 = 10_000_000;

/// Scenario, device, training settings and policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Id of the scenario.
    pub scenario: String,
    /// Id of the device.
    pub device: String,
    /// Bytes that the one block may use.
    pub budget_bytes: u32,
    /// Learning rate.
    pub learning_rate: f32,
    /// Whether gradients are scaled by QAS.
    pub qas: bool,
    /// Seed of rounding noise and sample order.
    pub seed: u64,
    /// Steps after which training stops.
    pub stop_after: u32,
    /// What learns.
    pub policy: Policy,
}

impl Setup {
    /// The settings that go into a program.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            learning_rate: self.learning_rate,
            qas: self.qas,
            seed: self.seed,
        }
    }
}
