//! Items that only tests have: they make no arrows.

use syn::punctuated::Punctuated;
use syn::{Attribute, ImplItem, Item, Meta, Token};

/// Whether one of these attributes keeps an item out of all builds but those of tests.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<Meta>().is_ok_and(|predicate| needs_test(&predicate)))
    })
}

/// Whether the predicate of a `cfg` can hold in tests only.
fn needs_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let Ok(parts) = parts else { return false };
            match &list.path {
                path if path.is_ident("all") => parts.iter().any(needs_test),
                path if path.is_ident("any") => !parts.is_empty() && parts.iter().all(needs_test),
                _ => false,
            }
        }
        _ => false,
    }
}

pub fn of_item(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

pub fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_tests(attribute: &str) -> bool {
        let item: Item = syn::parse_str(&format!("{attribute} mod x {{}}")).unwrap();
        is_for_tests(of_item(&item))
    }

    #[test]
    fn only_test_predicates_are_for_tests() {
        assert!(for_tests("#[cfg(test)]"));
        assert!(for_tests("#[test]"));
        assert!(for_tests("#[cfg(all(test, not(loom)))]"));
        assert!(!for_tests("#[cfg(any(loom, test))]"));
        assert!(!for_tests("#[cfg(not(test))]"));
        assert!(!for_tests("#[cfg(loom)]"));
    }
}
