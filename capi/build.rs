//! Linker arguments for a shared library of C.

fn main() {
    // The library has threads and thread-local values: `dlclose` must not unmap the code they will run.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // It exports only its calls, and not the ends of its sections.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,start-stop-visibility=hidden");
    println!("cargo::rerun-if-changed=build.rs");
}
