//! The walk over all items of a package that collects its arrows: which file needs which, where, and for which name.

use crate::source::attributes::{is_for_tests, of_impl_item, of_item};
use crate::source::infer::Scope;
use crate::source::modules::{ModuleId, Tree, aliases_of, is_reexport};
use crate::source::package::Package;
use crate::source::resolve::{Found, Target, resolve};
use crate::source::tokens::{Mention, mentions};
use crate::source::types::{TypeId, Types};
use anyhow::Result;
use proc_macro2::TokenStream;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ImplItem, Item, Token};

/// Methods that the standard library's types have too: only a known receiver tells which type is meant.
const COMMON: &[&str] = &[
    "add",
    "all",
    "and",
    "any",
    "append",
    "as_mut",
    "as_ref",
    "as_slice",
    "borrow",
    "chain",
    "clear",
    "clone",
    "close",
    "cmp",
    "collect",
    "commit",
    "contains",
    "copy",
    "count",
    "drain",
    "drop",
    "each",
    "enter",
    "entry",
    "enumerate",
    "eq",
    "expect",
    "extend",
    "fill",
    "filter",
    "find",
    "finish",
    "first",
    "flush",
    "fold",
    "get",
    "get_mut",
    "index",
    "insert",
    "into",
    "into_iter",
    "is_empty",
    "is_some",
    "iter",
    "join",
    "keys",
    "kill",
    "last",
    "leave",
    "len",
    "load",
    "lock",
    "map",
    "max",
    "min",
    "name",
    "new",
    "next",
    "notify",
    "parse",
    "path",
    "peek",
    "poll",
    "pop",
    "position",
    "push",
    "read",
    "record",
    "recv",
    "remove",
    "replace",
    "reserve",
    "retain",
    "reverse",
    "run",
    "send",
    "set",
    "signal",
    "skip",
    "sort",
    "spawn",
    "split",
    "start",
    "status",
    "step",
    "store",
    "sum",
    "swap",
    "sync",
    "take",
    "then",
    "to_string",
    "truncate",
    "unlock",
    "unwrap",
    "update",
    "values",
    "wait",
    "wake",
    "with",
    "write",
    "zip",
];

/// How one file needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It names an item of the other.
    Import,
    /// It calls a method that the other has for a type that neither need name.
    Call,
}

/// One place where a file needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    pub from: PathBuf,
    pub to: PathBuf,
    pub line: usize,
    /// The name: `Thread`, `Thread::wake`.
    pub name: String,
    pub need: Need,
}

/// All arrows of a package.
#[derive(Debug, Default)]
pub struct References {
    pub arrows: BTreeSet<Arrow>,
    /// Names that a file of the crate has through a re-export of the crate root: file and name, with the first line
    /// and the file that defines it.
    pub through_root: BTreeMap<(PathBuf, String), (usize, PathBuf)>,
    /// Methods in another file than their type.
    pub placed_away: usize,
}

impl References {
    pub fn of(package: &Package) -> Result<Self> {
        let tree = Tree::of(package)?;
        let types = Types::of(&tree);
        let mut references = Self { placed_away: types.placed_away(&tree), ..Self::default() };
        for (module, file) in &tree.files {
            let mut walk = Walk { scope: Scope::new(&tree, &types, *module), references: &mut references };
            walk.visit_file(file);
        }
        Ok(references)
    }
}

struct Walk<'a> {
    scope: Scope<'a>,
    references: &'a mut References,
}

impl Walk<'_> {
    fn file(&self, module: ModuleId) -> PathBuf {
        self.scope.tree.modules[module].file.clone()
    }

    fn add(&mut self, to: ModuleId, line: usize, name: &str, need: Need) {
        let (from, to) = (self.file(self.scope.module), self.file(to));
        if from != to {
            self.references.arrows.insert(Arrow { from, to, line, name: name.to_owned(), need });
        }
    }

    /// Adds the file of the item that a path names, and the files that re-export it on the way.
    fn add_found(&mut self, found: &Found, line: usize) {
        let Target::Item { module, name, .. } = &found.target else { return };
        self.add(*module, line, name, Need::Import);
        for &through in &found.through {
            self.add(through, line, name, Need::Import);
            let tree = self.scope.tree;
            let is_root = tree.modules[through].root == through;
            let (here, defined) = (self.file(self.scope.module), self.file(*module));
            if is_root && here != self.file(through) && here != defined {
                let first =
                    self.references.through_root.entry((here, name.clone())).or_insert((line, defined));
                first.0 = first.0.min(line);
            }
        }
    }

    fn add_path(&mut self, path: &[String], line: usize) {
        for found in resolve(self.scope.tree, self.scope.module, path) {
            self.add_found(&found, line);
            if let Target::Item { module, name, segments } = found.target
                && let Some(method) = path.get(segments)
            {
                self.add_method(&(module, name), method, line);
            }
        }
        if let ([first, method, ..], Some(own)) = (path, self.scope.own.clone())
            && first == "Self"
        {
            self.add_method(&own, method, line);
        }
    }

    /// A method of a known type: an arrow where it is placed away from the type.
    fn add_method(&mut self, id: &TypeId, name: &str, line: usize) -> bool {
        let Some(method) = self.scope.types.method(id, name) else { return false };
        let module = method.module;
        if self.file(module) != self.file(id.0) {
            self.add(module, line, &format!("{}::{name}", id.1), Need::Call);
        }
        true
    }

    fn add_method_by_name(&mut self, name: &str, line: usize) {
        if !COMMON.contains(&name)
            && let Some(id) = self.scope.types.only_owner(name).cloned()
        {
            self.add_method(&id, name, line);
        }
    }

    /// A macro's tokens: expressions or statements where they parse as such, else each part that looks like a path.
    fn add_tokens(&mut self, tokens: &TokenStream) {
        if let Ok(expressions) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            for expression in &expressions {
                self.visit_expr(expression);
            }
        } else if let Ok(statements) = Block::parse_within.parse2(tokens.clone()) {
            for statement in &statements {
                self.visit_stmt(statement);
            }
        } else {
            for mention in mentions(tokens.clone()) {
                match mention {
                    Mention::Path { path, line } => self.add_path(&path, line),
                    Mention::Method { name, of_self, line } => {
                        let own = self.scope.own.clone().filter(|_| of_self);
                        if !own.is_some_and(|own| self.add_method(&own, &name, line)) {
                            self.add_method_by_name(&name, line);
                        }
                    }
                }
            }
        }
    }

    /// A macro that is in scope by its text: an ancestor defines it above the `mod` item.
    fn add_textual_macro(&mut self, name: &str, line: usize) {
        let mut next = self.scope.tree.modules[self.scope.module].parent;
        while let Some(at) = next {
            if self.scope.tree.modules[at].items.contains(name) {
                return self.add(at, line, name, Need::Import);
            }
            next = self.scope.tree.modules[at].parent;
        }
    }
}

fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !is_for_tests(of_impl_item(item)) {
            visit::visit_impl_item(self, item);
        }
    }

    // Attributes and visibilities make no arrows.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_some() {
            let outer = self.scope.module;
            if let Some(&module) = self.scope.tree.modules[outer].children.get(&item.ident.to_string()) {
                self.scope.module = module;
                visit::visit_item_mod(self, item);
                self.scope.module = outer;
            }
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let line = item.span().start().line;
        let here = self.scope.module;
        for alias in aliases_of(item) {
            for found in resolve(self.scope.tree, here, &alias.path) {
                // A folder's first file offers the names of the files below it.
                if is_reexport(item) && self.scope.tree.is_within(found.module(), here) {
                    continue;
                }
                match found.target {
                    Target::Module(module) if alias.name.is_none() => {
                        self.add(module, line, "*", Need::Import)
                    }
                    _ => self.add_found(&found, line),
                }
            }
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let own = crate::source::types::known_type(self.scope.tree, self.scope.module, None, &item.self_ty);
        let outer = core::mem::replace(&mut self.scope.own, own.map(|known| known.id));
        visit::visit_item_impl(self, item);
        self.scope.own = outer;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.scope.enter(&item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.scope.enter(&item.sig);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        visit::visit_local(self, local);
        self.scope.note_local(local);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        for input in &closure.inputs {
            self.scope.note(input, None);
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.add_path(&segments(path), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        let line = call.method.span().start().line;
        match self.scope.infer(&call.receiver) {
            Some(known) if !known.wrapped && self.add_method(&known.id, &name, line) => {}
            // A method of the wrapping type.
            Some(known) if known.wrapped => {}
            _ => self.add_method_by_name(&name, line),
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        let path = segments(&invoked.path);
        let line = invoked.span().start().line;
        let found = resolve(self.scope.tree, self.scope.module, &path);
        for found in &found {
            self.add_found(found, line);
        }
        if let ([name], true) = (&path[..], found.is_empty()) {
            self.add_textual_macro(name, line);
        }
        self.add_tokens(&invoked.tokens);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.ident.is_none() {
            return visit::visit_item_macro(self, item);
        }
        // A definition: where its names lead is known only for those that say so.
        for mention in mentions(item.mac.tokens.clone()) {
            if let Mention::Path { path, line } = mention
                && matches!(path[0].as_str(), "crate" | "$crate")
            {
                self.add_path(&path, line);
            }
        }
    }
}
