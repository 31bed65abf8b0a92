//! Sets `cfg(loom)` for this package alone, so that one plain `cargo test --workspace` runs the product's tests
//! and the models.

fn main() {
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
