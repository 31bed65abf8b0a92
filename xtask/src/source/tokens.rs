//! Inside a macro's parentheses there is no syntax yet, only tokens: the paths and method calls among them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

#[derive(Debug, PartialEq, Eq)]
pub enum Mention {
    /// `crate::a::X`, `name`.
    Path { path: Vec<String>, line: usize },
    /// `.name(`; whether the receiver is a bare `self`.
    Method { name: String, of_self: bool, line: usize },
}

/// All parts of `tokens` that may be a path or a method call.
pub fn mentions(tokens: TokenStream) -> Vec<Mention> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<Mention>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_punct = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Ident(ident) => {
                let line = ident.span().start().line;
                let after_dot = at > 0 && is_punct(at - 1, '.') && !(at > 1 && is_punct(at - 2, '.'));
                if after_dot {
                    let is_call = matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                    if is_call {
                        let of_self = at > 1
                            && matches!(&tokens[at - 2], TokenTree::Ident(ident) if ident == "self")
                            && !(at > 2 && is_punct(at - 3, '.'));
                        found.push(Mention::Method { name: ident.to_string(), of_self, line });
                    }
                } else {
                    let dollar = at > 0 && is_punct(at - 1, '$');
                    let mut path = vec![if dollar { format!("${ident}") } else { ident.to_string() }];
                    while is_punct(at + 1, ':') && is_punct(at + 2, ':') {
                        let Some(TokenTree::Ident(next)) = tokens.get(at + 3) else { break };
                        path.push(next.to_string());
                        at += 3;
                    }
                    found.push(Mention::Path { path, line });
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_are_found() {
        let found = mentions("f(crate::a::X, self.go(1), other.field.stop())".parse().unwrap());
        let path = |path: &[&str]| Mention::Path {
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            line: 1,
        };
        assert!(found.contains(&path(&["crate", "a", "X"])));
        assert!(found.contains(&Mention::Method { name: "go".to_owned(), of_self: true, line: 1 }));
        assert!(found.contains(&Mention::Method { name: "stop".to_owned(), of_self: false, line: 1 }));
        assert!(!found.contains(&path(&["field"])));
    }
}
