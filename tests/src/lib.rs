//! Models of other arithmetics, for the tests of this package, which lie in `tests/`, one file a
//! suite.

pub mod tflm_model;
