//! Compiles the `.proto` files with protox: no `protoc` is needed.

use std::{env, path::PathBuf};

const FILES: [&str; 5] = ["error", "filter", "frame", "pipeline", "process"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("proto");
    let files = FILES.map(|name| root.join(format!("ocelli/v1/{name}.proto")));
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(files, [&root])?;
    prost_build::Config::new()
        // `bytes` fields become `Bytes`: the pixels of a received message are not copied.
        .bytes(["."])
        // Maps in key order, so that the same message always has the same bytes.
        .btree_map(["."])
        // A request that cannot be decoded is refused by the name of its message.
        .enable_type_names()
        .compile_fds(descriptors)?;
    Ok(())
}
