//! The type of an expression, where it is easy: `self`, fields, parameters, `let` bindings, results of own functions.

use crate::source::modules::{ModuleId, Tree};
use crate::source::resolve::{Target, resolve};
use crate::source::types::{Known, TypeId, Types, known_type};
use std::collections::BTreeMap;
use syn::{Expr, FnArg, Local, Member, Pat, Signature};

/// The known types inside one function.
pub struct Scope<'a> {
    pub tree: &'a Tree,
    pub types: &'a Types,
    pub module: ModuleId,
    /// The type of the `impl` block around.
    pub own: Option<TypeId>,
    variables: BTreeMap<String, Known>,
}

impl<'a> Scope<'a> {
    pub fn new(tree: &'a Tree, types: &'a Types, module: ModuleId) -> Self {
        Self { tree, types, module, own: None, variables: BTreeMap::new() }
    }

    /// Starts a function: the types of its parameters are known.
    pub fn enter(&mut self, signature: &Signature) {
        self.variables.clear();
        for input in &signature.inputs {
            if let FnArg::Typed(typed) = input {
                let known = known_type(self.tree, self.module, self.own.as_ref(), &typed.ty);
                self.note(&typed.pat, known);
            }
        }
    }

    /// A `let` or a closure's parameter: the name is known from here on, or no longer.
    pub fn note(&mut self, pattern: &Pat, known: Option<Known>) {
        match pattern {
            Pat::Type(typed) => {
                let known = known_type(self.tree, self.module, self.own.as_ref(), &typed.ty);
                self.note(&typed.pat, known);
            }
            Pat::Ident(ident) => {
                let name = ident.ident.to_string();
                match known {
                    Some(known) => self.variables.insert(name, known),
                    None => self.variables.remove(&name),
                };
            }
            _ => {}
        }
    }

    pub fn note_local(&mut self, local: &Local) {
        let known = local.init.as_ref().and_then(|init| self.infer(&init.expr));
        // `let … else` and patterns take a value out of its wrapping; only plain names are followed.
        self.note(&local.pat, known);
    }

    pub fn infer(&self, expression: &Expr) -> Option<Known> {
        let bare = |id: &TypeId| Known { id: id.clone(), wrapped: false };
        match expression {
            Expr::Path(path) if path.path.is_ident("self") => self.own.as_ref().map(bare),
            Expr::Path(path) => self.variables.get(&path.path.get_ident()?.to_string()).cloned(),
            Expr::Reference(reference) => self.infer(&reference.expr),
            Expr::Paren(paren) => self.infer(&paren.expr),
            Expr::Group(group) => self.infer(&group.expr),
            Expr::Unary(unary) => self.infer(&unary.expr),
            Expr::Try(tried) => self.infer(&tried.expr).map(|known| Known { wrapped: false, ..known }),
            Expr::Field(field) => {
                let base = self.infer(&field.base).filter(|base| !base.wrapped)?;
                let name = match &field.member {
                    Member::Named(name) => name.to_string(),
                    Member::Unnamed(index) => index.index.to_string(),
                };
                self.types.field(&base.id, &name).cloned()
            }
            Expr::MethodCall(call) => {
                let base = self.infer(&call.receiver)?;
                let name = call.method.to_string();
                if base.wrapped {
                    let opens = ["unwrap", "expect", "unwrap_or_default"].contains(&name.as_str());
                    return opens.then(|| bare(&base.id));
                }
                match self.types.method(&base.id, &name) {
                    Some(method) => method.result.clone(),
                    None => {
                        ["clone", "as_ref", "borrow", "borrow_mut"].contains(&name.as_str()).then_some(base)
                    }
                }
            }
            Expr::Call(call) => {
                let Expr::Path(function) = &*call.func else { return None };
                let path: Vec<String> =
                    function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                self.result_of(&path)
            }
            Expr::Struct(built) => {
                let path: Vec<String> =
                    built.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                self.type_named(&path).as_ref().map(bare)
            }
            _ => None,
        }
    }

    /// The type that a path names: `Self`, or one of the package's.
    pub fn type_named(&self, path: &[String]) -> Option<TypeId> {
        if path.first().is_some_and(|first| first == "Self") {
            return self.own.clone();
        }
        resolve(self.tree, self.module, path).into_iter().find_map(|found| match found.target {
            Target::Item { module, name, .. } => Some((module, name)),
            Target::Module(_) => None,
        })
    }

    fn result_of(&self, path: &[String]) -> Option<Known> {
        let id = self.type_named(path)?;
        let last = path.last()?;
        match self.types.method(&id, last) {
            Some(method) => method.result.clone(),
            None => self.types.result(&id).cloned(),
        }
    }
}
