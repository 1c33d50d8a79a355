//! Updates as people see them.

use quartermeg_core::program::Program;
use quartermeg_core::runtime::{Parameter, UpdateTrace};

use quartermeg_web::protocol::UpdateView;

/// What an update did, with the name of its parameter.
pub(crate) fn update_view<B: AsRef<[u8]>>(
    program: &Program<B>,
    update: &UpdateTrace,
) -> UpdateView {
    let of_layer = |layer: u32| program.name(program.layer(layer).name);
    let (name, layer, bias) = match update.parameter {
        Parameter::Weight(layer) => (format!("{} weight", of_layer(layer)), Some(layer), false),
        Parameter::Bias(layer) => (format!("{} bias", of_layer(layer)), Some(layer), true),
        Parameter::ClassifierWeight => ("classifier weight".to_owned(), None, false),
        Parameter::ClassifierBias => ("classifier bias".to_owned(), None, true),
    };
    UpdateView {
        name,
        layer,
        bias,
        log_ratios: update
            .squares
            .map_or([None; 3], |squares| squares.log_ratios()),
        n_elements: update.n_elements,
        n_moved: update.n_moved,
        n_vanished: update.n_vanished,
    }
}
