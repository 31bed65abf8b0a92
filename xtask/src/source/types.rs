//! The package's own types: their fields, their methods, and the methods' results.

use crate::source::attributes::{is_for_tests, of_impl_item, of_item};
use crate::source::modules::{ModuleId, Tree};
use crate::source::resolve::{Target, resolve};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Fields, GenericArgument, ImplItem, Item, PathArguments, ReturnType, Signature, Type};

/// A type by the module that declares it, and its name there.
pub type TypeId = (ModuleId, String);

/// The type of a value, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: TypeId,
    /// Inside an `Option` or a `Result`.
    pub wrapped: bool,
}

#[derive(Clone, Debug)]
pub struct Method {
    /// The module of the `impl` block.
    pub module: ModuleId,
    pub result: Option<Known>,
}

/// All that is known of the types of a package.
#[derive(Debug, Default)]
pub struct Types {
    fields: BTreeMap<TypeId, BTreeMap<String, Known>>,
    methods: BTreeMap<TypeId, BTreeMap<String, Method>>,
    /// The types that have a method of a name, in an inherent `impl` or of a trait.
    owners: BTreeMap<String, BTreeSet<TypeId>>,
    functions: BTreeMap<TypeId, Known>,
}

impl Types {
    pub fn of(tree: &Tree) -> Self {
        let mut types = Self::default();
        for (module, file) in &tree.files {
            types.add_items(tree, *module, &file.items);
        }
        types
    }

    pub fn field(&self, id: &TypeId, name: &str) -> Option<&Known> {
        self.fields.get(id)?.get(name)
    }

    pub fn method(&self, id: &TypeId, name: &str) -> Option<&Method> {
        self.methods.get(id)?.get(name)
    }

    /// The result type of a free function.
    pub fn result(&self, function: &TypeId) -> Option<&Known> {
        self.functions.get(function)
    }

    /// The only type with a method of this name; `None` where several have one.
    pub fn only_owner(&self, name: &str) -> Option<&TypeId> {
        let owners = self.owners.get(name)?;
        (owners.len() == 1).then(|| owners.first())?
    }

    /// Methods in another file than their type, as (type, method).
    pub fn placed_away(&self, tree: &Tree) -> usize {
        let file = |module: ModuleId| &tree.modules[module].file;
        let is_away = |id: &TypeId, method: &Method| file(method.module) != file(id.0);
        self.methods
            .iter()
            .map(|(id, methods)| methods.values().filter(|method| is_away(id, method)).count())
            .sum()
    }

    fn add_items(&mut self, tree: &Tree, module: ModuleId, items: &[Item]) {
        for item in items.iter().filter(|item| !is_for_tests(of_item(item))) {
            match item {
                Item::Struct(item) => {
                    let known = match &item.fields {
                        Fields::Named(fields) => fields
                            .named
                            .iter()
                            .filter_map(|field| {
                                let known = known_type(tree, module, None, &field.ty)?;
                                Some((field.ident.as_ref()?.to_string(), known))
                            })
                            .collect(),
                        Fields::Unnamed(fields) => fields
                            .unnamed
                            .iter()
                            .enumerate()
                            .filter_map(|(at, field)| {
                                Some((at.to_string(), known_type(tree, module, None, &field.ty)?))
                            })
                            .collect(),
                        Fields::Unit => BTreeMap::new(),
                    };
                    self.fields.insert((module, item.ident.to_string()), known);
                }
                Item::Fn(item) => {
                    if let Some(known) = result_of(tree, module, None, &item.sig) {
                        self.functions.insert((module, item.sig.ident.to_string()), known);
                    }
                }
                Item::Trait(item) => {
                    let id = (module, item.ident.to_string());
                    for part in &item.items {
                        if let syn::TraitItem::Fn(function) = part {
                            self.owners.entry(function.sig.ident.to_string()).or_default().insert(id.clone());
                        }
                    }
                }
                Item::Impl(item) => {
                    let Some(own) = known_type(tree, module, None, &item.self_ty) else { continue };
                    for part in &item.items {
                        if let ImplItem::Fn(function) = part
                            && !is_for_tests(of_impl_item(part))
                        {
                            self.add_method(tree, module, &own, &function.sig, item.trait_.is_none());
                        }
                    }
                }
                Item::Mod(item) => {
                    if let Some((_, items)) = &item.content
                        && let Some(&child) = tree.modules[module].children.get(&item.ident.to_string())
                    {
                        self.add_items(tree, child, items);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_method(
        &mut self,
        tree: &Tree,
        module: ModuleId,
        own: &Known,
        signature: &Signature,
        inherent: bool,
    ) {
        let name = signature.ident.to_string();
        self.owners.entry(name.clone()).or_default().insert(own.id.clone());
        if inherent {
            let result = result_of(tree, module, Some(&own.id), signature);
            self.methods.entry(own.id.clone()).or_default().insert(name, Method { module, result });
        }
    }
}

fn result_of(tree: &Tree, module: ModuleId, own: Option<&TypeId>, signature: &Signature) -> Option<Known> {
    match &signature.output {
        ReturnType::Type(_, result) => known_type(tree, module, own, result),
        ReturnType::Default => None,
    }
}

/// The package's own type that `written` names, seen through references, pointers that own, `Option` and `Result`.
pub fn known_type(tree: &Tree, module: ModuleId, own: Option<&TypeId>, written: &Type) -> Option<Known> {
    match written {
        Type::Reference(reference) => known_type(tree, module, own, &reference.elem),
        Type::Paren(paren) => known_type(tree, module, own, &paren.elem),
        Type::Group(group) => known_type(tree, module, own, &group.elem),
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            let name = last.ident.to_string();
            let first_argument = || match &last.arguments {
                PathArguments::AngleBracketed(arguments) => {
                    arguments.args.iter().find_map(|argument| match argument {
                        GenericArgument::Type(inner) => known_type(tree, module, own, inner),
                        _ => None,
                    })
                }
                _ => None,
            };
            match name.as_str() {
                "Arc" | "Rc" | "Box" | "CachePadded" | "ManuallyDrop" | "MutexGuard" | "Ref" | "RefMut" => {
                    first_argument()
                }
                "Option" | "Result" => first_argument().map(|known| Known { wrapped: true, ..known }),
                "Self" => own.map(|id| Known { id: id.clone(), wrapped: false }),
                _ => {
                    let path: Vec<String> =
                        path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                    let id =
                        resolve(tree, module, &path).into_iter().find_map(|found| match found.target {
                            Target::Item { module, name, segments } if segments == path.len() => {
                                Some((module, name))
                            }
                            _ => None,
                        })?;
                    Some(Known { id, wrapped: false })
                }
            }
        }
        _ => None,
    }
}
