//! The operations at which victims are killed: every public one, by object.
//!
//! An object's operations are one file, or one folder, and one line of the registry below. Each file has a function
//! `operations`.

pub mod c_interface;
pub mod fixture;
pub mod guarantee;
pub mod outcome;
pub mod spec;

use spec::OperationSpec;

/// Declares the modules, and the function that collects their operations.
macro_rules! registry {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// All operations.
        pub fn all() -> Vec<OperationSpec> {
            let mut all = Vec::new();
            $(all.extend($module::operations());)*
            all
        }
    };
}

// The longest jobs first: a run ends sooner then.
registry! {
    channel,
    process,
    memory,
    handle,
    event,
    eventpair,
    timer,
    fifo,
    socket,
    vmo,
    wait,
    port,
    directory,
    listener,
    contention,
}

/// The operation of this name.
pub fn find(name: &str) -> Option<OperationSpec> {
    all().into_iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn operations_have_distinct_names() {
        let all = all();
        let names: HashSet<_> = all.iter().map(|operation| &operation.name).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn variants_do_not_exercise_recovery() {
        let both = all().into_iter().find(|operation| operation.is_variant && operation.exercises_recovery);
        assert!(both.is_none(), "{:?}", both.map(|operation| operation.name));
    }
}
