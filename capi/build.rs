//! Tells the linker what cargo does not know of a shared library for C.

fn main() {
    // The library has threads and thread-local values: `dlclose` must not unmap the code they will run.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // It exports its calls and nothing else: not the ends of its sections either.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,start-stop-visibility=hidden");
    println!("cargo::rerun-if-changed=build.rs");
}
