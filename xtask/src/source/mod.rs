//! Rust sources, read far enough to say which file needs which.
//!
//! | file | contents |
//! |---|---|
//! | `package` | the sources of one package, by path |
//! | `attributes` | which items only tests have |
//! | `modules` | the tree of modules, and the names in each |
//! | `resolve` | from a path in one module to the module that defines it |
//! | `types` | fields, methods and results of the package's types |
//! | `infer` | the type of a method's receiver, where that is easy |
//! | `tokens` | paths and method calls inside macros |
//! | `references` | the walk over all items that collects the arrows |

mod attributes;
mod infer;
pub mod modules;
pub mod package;
pub mod references;
mod resolve;
mod tokens;
mod types;
