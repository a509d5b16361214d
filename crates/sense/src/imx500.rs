//! Which models fit on an IMX500: a sensor that runs a network on its own chip, with its memory and no other.
//!
//! The chip has [`MEMORY`] bytes for firmware, weights and working memory together, and weights and activations have 8 bits
//! there. What a model needs is found out by whoever can read it; here it is judged, before it is sent anywhere. The list
//! of operators is a cautious one: those that networks for pictures consist of. The maker's converter, which
//! makes the chip's own format, has the last word, and may take more than these.

/// Bytes for firmware, weights and working memory together.
pub const MEMORY: u64 = 8_388_480;

/// Operators (as ONNX names them) that a model may consist of. In alphabetical order.
pub const OPERATORS: [&str; 37] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "DequantizeLinear",
    "Dropout",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "MaxPool",
    "Mul",
    "PRelu",
    "Pad",
    "QuantizeLinear",
    "ReduceMean",
    "Relu",
    "Relu6",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

/// What a model needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// How many weights it has: a byte each on the chip.
    pub weights: u64,
    /// How many values have to be in memory at a time, at most: a byte each on the chip.
    pub working: u64,
    /// Its operators, as ONNX names them.
    pub operators: Vec<String>,
}

/// Why a model does not run there. Each says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has operators that the chip does not have.
    #[error(
        "this sensor's chip does not have {}; export the model without, or end it before them and decode its outputs on the server",
        .0.join(", ")
    )]
    Operators(Vec<String>),
    /// It is too large.
    #[error(
        "the model takes {weights} bytes for weights and {working} to work in; with {firmware} of firmware that is {over} \
         more than the {MEMORY} bytes of this sensor's chip; take fewer channels or a smaller input"
    )]
    TooLarge {
        /// Bytes of the firmware.
        firmware: u64,
        /// Bytes of the weights.
        weights: u64,
        /// Bytes of working memory.
        working: u64,
        /// Bytes too many.
        over: u64,
    },
}

impl Needs {
    /// Whether the model runs on a chip whose firmware takes so many bytes.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self, firmware: u64) -> Result<(), Refused> {
        let mut foreign: Vec<String> =
            self.operators.iter().filter(|name| !OPERATORS.contains(&name.as_str())).cloned().collect();
        foreign.sort_unstable();
        foreign.dedup();
        if !foreign.is_empty() {
            return Err(Refused::Operators(foreign));
        }
        let (weights, working) = (self.weights, self.working);
        let all = firmware.saturating_add(weights).saturating_add(working);
        match all.saturating_sub(MEMORY) {
            0 => Ok(()),
            over => Err(Refused::TooLarge { firmware, weights, working, over }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(weights: u64, working: u64, operators: &[&str]) -> Needs {
        Needs { weights, working, operators: operators.iter().map(|&name| name.to_owned()).collect() }
    }

    #[test]
    fn a_model_that_fits_to_the_byte_is_taken_and_one_byte_more_is_not() {
        let fits = needs(4_000_000, 3_388_480, &["Conv", "Relu"]);
        assert_eq!(fits.check(1_000_000), Ok(()));
        let error = fits.check(1_000_001).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the model takes 4000000 bytes for weights and 3388480 to work in; with 1000001 of firmware that is 1 more \
             than the 8388480 bytes of this sensor's chip; take fewer channels or a smaller input"
        );
    }

    #[test]
    fn operators_that_the_chip_does_not_have_are_named_once_each() {
        let error = needs(1, 1, &["Conv", "TopK", "NonMaxSuppression", "TopK"]).check(0).unwrap_err();
        assert_eq!(error, Refused::Operators(vec!["NonMaxSuppression".into(), "TopK".into()]));
        assert!(error.to_string().contains("does not have NonMaxSuppression, TopK; export"), "{error}");
    }

    #[test]
    fn numbers_beyond_all_bounds_are_too_large() {
        assert!(matches!(needs(u64::MAX, u64::MAX, &[]).check(1), Err(Refused::TooLarge { .. })));
    }

    #[test]
    fn the_list_of_operators_is_in_order() {
        assert!(OPERATORS.is_sorted());
    }
}
