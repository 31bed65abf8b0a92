//! The words of directories and listeners: `object/directory` and `object/listener` use them.

pub(crate) mod commit;
pub(crate) mod name;
