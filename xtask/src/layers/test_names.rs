//! The names of tests: a claim in a few words.

use core::ops::RangeInclusive;
use proc_macro2::{LexError, TokenStream, TokenTree};

/// The words of a test's name, at least and at most.
pub const WORDS: RangeInclusive<usize> = 3..=7;

/// A process that a test starts again runs only the test of this name: it makes no claim.
const ENTRY_POINT: &str = "child_main";

#[derive(Debug, PartialEq, Eq)]
pub struct TestName {
    pub line: usize,
    pub name: String,
}

impl TestName {
    pub fn words(&self) -> usize {
        self.name.split('_').filter(|word| !word.is_empty()).count()
    }

    pub fn is_allowed(&self) -> bool {
        self.name == ENTRY_POINT || WORDS.contains(&self.words())
    }
}

/// The functions with `#[test]` in a source, also those that a macro's invocation contains.
pub fn of_source(text: &str) -> Result<Vec<TestName>, LexError> {
    let mut found = Vec::new();
    collect(text.parse()?, &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut Vec<TestName>) {
    let mut after_attribute = false;
    let mut after_fn = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                after_attribute |= group.stream().to_string() == "test";
                collect(group.stream(), found);
            }
            TokenTree::Ident(ident) if after_fn => {
                if after_attribute {
                    found.push(TestName { line: ident.span().start().line, name: ident.to_string() });
                }
                (after_attribute, after_fn) = (false, false);
            }
            TokenTree::Ident(ident) => after_fn = ident == "fn",
            _ => after_fn = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> Vec<String> {
        let names = of_source(source).unwrap().into_iter();
        names.filter(|test| !test.is_allowed()).map(|test| test.name).collect()
    }

    #[test]
    fn names_have_three_to_seven_words() {
        assert!(
            refused("#[test] fn a_name_fits() {} #[test] fn one_two_three_four_five_six_seven() {}")
                .is_empty()
        );
        assert_eq!(refused("#[test] fn it_works() {}"), ["it_works"]);
        assert_eq!(
            refused("#[test] #[ignore] fn one_two_three_four_five_six_seven_eight() {}"),
            ["one_two_three_four_five_six_seven_eight"]
        );
    }

    #[test]
    fn modules_and_macros_contain_tests() {
        assert_eq!(refused("mod tests { #[test] fn short() {} }"), ["short"]);
        assert_eq!(refused("explore! { #[test] fn short() {} }"), ["short"]);
    }

    #[test]
    fn other_functions_have_any_name() {
        assert!(refused("#[test] fn a_name_fits() {} fn play() {} #[test] fn child_main() {}").is_empty());
        assert!(refused("const SOURCE: &str = \"#[test] fn f() {}\";").is_empty());
    }
}
