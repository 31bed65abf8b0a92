//! The layout of structures and the sizes of numbers, as Rust has them.

use crate::c;
use jacinth_capi_calls::types;

/// A structure that both sides have.
#[derive(Debug)]
pub struct Structure {
    /// Its name.
    pub name: &'static str,
    /// Assertions of C that the structure has Rust's size, alignment, offsets and member sizes.
    pub assertions: String,
}

/// The length of a member.
pub fn size_of_member<S, M>(_: fn(&S) -> &M) -> usize {
    size_of::<M>()
}

/// `structures! { zx_name_t { member … } … }`: structures, with the members that C has too.
macro_rules! structures {
    ($( $Type:ident { $( $member:ident )+ } )+) => {
        vec![$({
            use jacinth_capi_calls::types::$Type;
            use $crate::structure::{Structure, is, size_of_member};

            let name = stringify!($Type);
            let mut assertions = is(format!("sizeof({name})"), size_of::<$Type>());
            assertions += &is(format!("alignof({name})"), align_of::<$Type>());
            $(
                let member = stringify!($member).trim_start_matches("r#");
                let size = size_of_member(|of: &$Type| &of.$member);
                assertions += &is(format!("offsetof({name}, {member})"), std::mem::offset_of!($Type, $member));
                assertions += &is(format!("sizeof((({name}*)0)->{member})"), size);
            )+
            Structure { name, assertions }
        },)+]
    };
}
pub(crate) use structures;

/// `member_names! { limit: Type, … }`: the names.
macro_rules! member_names {
    ($( $member:ident: $Type:ty, )+) => { [$( stringify!($member) ),+] };
}

/// The limits of an arena, in the order of the Rust table.
pub const LIMITS: &[&str] = &jacinth::with_limits!(member_names);

/// Each type that is a number.
macro_rules! numbers {
    ($( $Type:ident )+) => {
        /// Their names.
        pub const NUMBERS: &[&str] = &[$( stringify!($Type) ),+];

        /// That C gives them the size and the sign that Rust does.
        pub fn numbers() -> String {
            let mut text = String::new();
            $(
                let name = stringify!($Type);
                text += &is(format!("sizeof({name})"), size_of::<types::$Type>());
                text += &is(format!("({name})-1 < ({name})1"), usize::from(types::$Type::MIN != 0));
            )+
            text
        }
    };
}

/// An assertion of C that an expression has this value.
pub fn is(expression: String, value: usize) -> String {
    c::is(&expression, i64::try_from(value).expect("a small number"))
}

numbers! {
    zx_clock_t zx_duration_t zx_handle_t zx_koid_t zx_obj_type_t zx_rights_t zx_signals_t zx_status_t zx_ticks_t
    zx_time_t
}
