//! Compiles the `.proto` files with protox, so no `protoc` is needed.

use std::{env, path::PathBuf};

const FILES: [&str; 6] = ["control", "error", "filter", "frame", "pipeline", "process"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("proto");
    let files = FILES.map(|name| root.join(format!("ocelli/v1/{name}.proto")));
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(files, [&root])?;
    prost_build::Config::new()
        // `bytes` fields become `Bytes`, so the pixels of a received message are not copied.
        .bytes(["."])
        // Maps are encoded in key order, so the same message always has the same bytes.
        .btree_map(["."])
        // The error for a request that cannot be decoded names its message type.
        .enable_type_names()
        .compile_fds(descriptors)?;
    Ok(())
}
