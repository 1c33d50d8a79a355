//! Words for what stands in a program: names of tensors and operations, as the page, the command
//! line and reports show them.

use quartermeg_core::program::{DType, Op, Program, Role, TensorIdx, TensorRecord};

/// Name of a role.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Input => "input",
        Role::Label => "label",
        Role::TrainableWeight => "trainable weight",
        Role::TrainableBias => "trainable bias",
        Role::Classifier => "classifier",
        Role::OptimizerState => "optimizer state",
        Role::Activation => "activation",
        Role::SavedActivation => "saved activation",
        Role::Mask => "clamp mask",
        Role::Gradient => "gradient",
        Role::Scratch => "scratch",
    }
}

/// Name of an element type.
#[must_use]
pub fn dtype(dtype: DType) -> &'static str {
    match dtype {
        DType::Bit => "bit",
        DType::I8 => "int8",
        DType::I16 => "int16",
        DType::I32 => "int32",
        DType::F32 => "float32",
        DType::ScaledI8 => "int8 and scale",
    }
}

/// Name of a tensor, for example `clamp mask of block3.expand`.
#[must_use]
#[cfg_attr(page, optimize(size))]
pub fn tensor<B: AsRef<[u8]>>(program: &Program<B>, tensor: TensorIdx) -> String {
    let record = program.tensor(tensor);
    let owner = program.name(record.name);
    let what = match record.role {
        Role::Input => return "input image".to_owned(),
        Role::Label => return "label".to_owned(),
        Role::TrainableWeight => "weight",
        Role::TrainableBias => "bias",
        Role::Classifier => classifier_part(&record),
        Role::OptimizerState => optimizer_part(&record),
        Role::Activation => "output",
        Role::SavedActivation => "saved activation",
        Role::Mask => "clamp mask",
        Role::Gradient => "gradient at the output",
        Role::Scratch => "scratch",
    };
    format!("{what} of {owner}")
}

/// Which of the classifier's two tensors this is.
fn classifier_part(record: &TensorRecord) -> &'static str {
    if record.shape[2] > 1 {
        "weight"
    } else {
        "bias"
    }
}

/// What an update keeps beside a parameter: an int8 remainder or a momentum buffer.
fn optimizer_part(record: &TensorRecord) -> &'static str {
    if record.dtype == DType::I8 {
        "remainder of the weight"
    } else if record.shape[2] > 1 {
        "momentum of the weight"
    } else {
        "momentum of the bias"
    }
}

/// Element type and extents, for example `int8 12 x 12 x 48`.
#[must_use]
pub fn layout(record: &TensorRecord) -> String {
    let [h, w, c] = record.shape;
    format!("{} {h} x {w} x {c}", dtype(record.dtype))
}

/// Name of an operation, and a sentence that says what it does.
#[must_use]
#[cfg_attr(page, optimize(size))]
pub fn op<B: AsRef<[u8]>>(program: &Program<B>, op: Op) -> (String, &'static str) {
    let layer = op
        .layer()
        .map_or("", |layer| program.name(program.layer(layer).name));
    let of_output = |output: TensorIdx| program.name(program.tensor(output).name);
    match op {
        Op::Conv { again: true, .. } => (
            format!("{layer}: forward, again"),
            "Computes once more what was not kept from the forward pass.",
        ),
        Op::Conv { .. } => (
            format!("{layer}: forward"),
            "Convolves int8 codes, adds the bias, requantizes and clamps.",
        ),
        Op::Add { y, .. } => (
            format!("{}: forward", of_output(y)),
            "Adds shortcut and branch, requantizes and clamps.",
        ),
        Op::AveragePool { y, .. } => (
            format!("{}: forward", of_output(y)),
            "Averages each channel over all pixels.",
        ),
        Op::Pool { y, .. } => (
            format!("{}: forward", of_output(y)),
            "Keeps the mean or the maximum of every window.",
        ),
        Op::PoolBackward { .. } => (
            "pool: input gradient".to_owned(),
            "Passes the gradient to the codes of each window.",
        ),
        Op::Logits { .. } => (
            "logits".to_owned(),
            "Dequantizes the codes of the int8 classifier.",
        ),
        Op::LogitsBackward { .. } => (
            "logits: input gradient".to_owned(),
            "Passes the gradient to the int8 classifier's codes.",
        ),
        Op::Stream { first, y, .. } => (
            format!(
                "{} to {}: forward, row by row",
                program.name(program.layer(first).name),
                of_output(y)
            ),
            "Runs frozen layers together, keeping only the rows that the next one reads.",
        ),
        Op::SaveChannels { .. } => (
            format!("{layer}: save channels"),
            "Keeps the input channels that the weight gradient will need.",
        ),
        Op::Classifier { .. } => (
            "classifier: forward".to_owned(),
            "Computes one float logit per class.",
        ),
        Op::Loss { .. } => (
            "loss".to_owned(),
            "Softmax cross-entropy and its gradient at the logits.",
        ),
        Op::ClassifierBackwardInput { .. } => (
            "classifier: input gradient".to_owned(),
            "Passes the gradient to the features.",
        ),
        Op::ClassifierUpdate { .. } => (
            "classifier: update".to_owned(),
            "Changes the float classifier.",
        ),
        Op::AveragePoolBackward { .. } => (
            "pool: input gradient".to_owned(),
            "Spreads the gradient over all pixels.",
        ),
        Op::MaskScale { .. } => (
            format!("{layer}: mask and scale"),
            "Drops the gradient where the clamp was active and scales it to the accumulator.",
        ),
        Op::BiasUpdate { .. } => (
            format!("{layer}: bias update"),
            "Sums the gradient over pixels and changes the biases.",
        ),
        Op::BiasGradient { .. } => (
            format!("{layer}: bias gradient"),
            "Sums the gradient over pixels.",
        ),
        Op::BiasApply { .. } => (
            format!("{layer}: bias update"),
            "Changes the biases by their gradient.",
        ),
        Op::ConvBackwardInput { .. } => (
            format!("{layer}: input gradient"),
            "Passes the gradient through the old weights to the layer's input.",
        ),
        Op::WeightUpdate { .. } => (
            format!("{layer}: weight update"),
            "Forms the weight gradient tile by tile and changes the weights.",
        ),
        Op::WeightGradient { .. } => (
            format!("{layer}: weight gradient"),
            "Forms the whole gradient of the weights.",
        ),
        Op::WeightApply { .. } => (
            format!("{layer}: weight update"),
            "Changes the weights by their gradient.",
        ),
        Op::BlockBackward { first, .. } => (
            format!(
                "{} to {}: backward, hidden channel by hidden channel",
                program.name(program.layer(first + 2).name),
                program.name(program.layer(first).name)
            ),
            "Passes the gradient through a block and changes its layers, a few hidden channels at \
             a time, so that the gradients of the expanded activations never exist as a whole.",
        ),
        Op::AddBackward { gradient, .. } => (
            format!("{}: input gradients", of_output(gradient)),
            "Passes the gradient to shortcut and branch.",
        ),
    }
}
