//! What the tests of this package share: models of other arithmetics, and records of golden
//! vectors. The tests lie in `tests/`, one file a suite.

pub mod policy_record;
pub mod tflm_model;
