//! File formats of Quartermeg: bytes become core types and back.
//!
//! No reader runs code from a file, allocates by a length that it has not checked, or panics;
//! each refuses with an error that names the part of the file that is wrong.
// What does not run in every step is compiled for size where it is compiled with kernels.
#![cfg_attr(page, feature(optimize_attribute))]

pub mod board;
mod cause;
pub mod checkpoint;
pub mod config;
pub mod csv_samples;
pub mod describe;
pub mod explain;
pub mod export;
pub mod fit;
mod gzip;
pub mod image;
pub mod input_range;
pub mod link;
pub mod memory;
pub mod model;
pub mod motion;
pub mod network_file;
pub mod npy;
pub mod numerics;
pub mod own;
pub mod peak;
pub mod program_file;
pub mod reproduce;
pub mod runs;
pub mod sample_file;
pub mod scenario;
pub mod setup;
pub mod table;
mod tensors;
pub mod tflite;
pub mod tiny_training;
pub mod tinyengine;
pub mod verified;
pub mod waterfall;
