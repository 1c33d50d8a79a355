//! Nothing: the tests of this package lie in `tests/`, one file a suite.
