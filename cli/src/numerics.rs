//! The option `--numerics`.

use anyhow::anyhow;
use quartermeg_core::quant::Rules;
use quartermeg_formats::{explain, numerics};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Numerics {
    /// Arithmetic: device, simulator, tinyengine or tflm, with single rules changed as in
    /// device,update:nearest,gradient:int8.
    #[arg(long, default_value = "device")]
    numerics: String,
}

impl Numerics {
    pub(crate) fn rules(&self) -> anyhow::Result<Rules> {
        numerics::parse(&self.numerics).map_err(|error| anyhow!(explain::numerics(&error)))
    }
}
