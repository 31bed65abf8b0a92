//! The modules of a package: the file of each, its items, and the names that it has from elsewhere.

use crate::source::attributes::{is_for_tests, of_item};
use crate::source::package::Package;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse, UseTree, Visibility};

/// The index of a module in [`Tree::modules`].
pub type ModuleId = usize;

/// A name that a `use` brings into a module.
#[derive(Clone, Debug)]
pub struct Alias {
    /// Its name here; `None` for a glob.
    pub name: Option<String>,
    pub path: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Module {
    /// The file, relative to `src`.
    pub file: PathBuf,
    pub parent: Option<ModuleId>,
    /// The module that the crate starts with.
    pub root: ModuleId,
    pub children: BTreeMap<String, ModuleId>,
    /// The names of the types, functions, constants and macros that the module defines.
    pub items: BTreeSet<String>,
    pub aliases: Vec<Alias>,
}

/// All modules of a package, and the syntax of their files.
#[derive(Default)]
pub struct Tree {
    pub modules: Vec<Module>,
    /// Each file with the module that it is the body of.
    pub files: Vec<(ModuleId, syn::File)>,
    /// The modules that only tests have, as paths without an extension.
    for_tests: Vec<PathBuf>,
}

impl Tree {
    /// Follows the `mod` items from each root.
    pub fn of(package: &Package) -> Result<Self> {
        let mut tree = Self::default();
        for root in &package.roots {
            tree.add_file(package, root, None)?;
        }
        tree.add_files_of_macros(package)?;
        Ok(tree)
    }

    /// A macro may declare modules, one line a file in a registry. Their files are found by their places: each is a
    /// child of the module of its folder.
    fn add_files_of_macros(&mut self, package: &Package) -> Result<()> {
        loop {
            let known: BTreeSet<PathBuf> = self.modules.iter().map(|module| module.file.clone()).collect();
            let mut unknown =
                package.sources.keys().filter(|file| !known.contains(*file) && !self.is_for_tests(file));
            let Some((file, parent)) = unknown.find_map(|file| Some((file.clone(), self.parent_of(file)?)))
            else {
                return Ok(());
            };
            let module = self.add_file(package, &file, Some(parent))?;
            self.modules[parent].children.insert(name_of_module(&file), module);
        }
    }

    /// The module that a file belongs to by its folder.
    fn parent_of(&self, file: &Path) -> Option<ModuleId> {
        let is_folder = file.file_stem().is_some_and(|stem| stem == "mod");
        let folder = if is_folder { file.parent()?.parent()? } else { file.parent()? };
        self.files.iter().map(|&(module, _)| module).find(|&module| {
            let parent = &self.modules[module];
            parent.file != file && folder_of_children(&parent.file, parent.parent.is_none()) == folder
        })
    }

    fn is_for_tests(&self, file: &Path) -> bool {
        let module = if file.file_stem().is_some_and(|stem| stem == "mod") {
            file.parent().unwrap_or(file).to_owned()
        } else {
            file.with_extension("")
        };
        self.for_tests.iter().any(|tests| module.starts_with(tests))
    }

    /// Whether `module` is `ancestor` or lies below it.
    pub fn is_within(&self, module: ModuleId, ancestor: ModuleId) -> bool {
        let mut next = Some(module);
        while let Some(at) = next {
            if at == ancestor {
                return true;
            }
            next = self.modules[at].parent;
        }
        false
    }

    fn add_file(&mut self, package: &Package, file: &Path, parent: Option<ModuleId>) -> Result<ModuleId> {
        let text = package.sources.get(file);
        let text = text.with_context(|| format!("{} is not there", package.display(file)))?;
        let syntax =
            syn::parse_file(text).with_context(|| format!("cannot parse {}", package.display(file)))?;
        let module = self.add_module(file, parent);
        self.add_items(package, module, &syntax.items, &folder_of_children(file, parent.is_none()))?;
        self.files.push((module, syntax));
        Ok(module)
    }

    fn add_module(&mut self, file: &Path, parent: Option<ModuleId>) -> ModuleId {
        let module = self.modules.len();
        let root = parent.map_or(module, |parent| self.modules[parent].root);
        self.modules.push(Module { file: file.to_owned(), parent, root, ..Module::default() });
        module
    }

    fn add_items(
        &mut self,
        package: &Package,
        module: ModuleId,
        items: &[Item],
        folder: &Path,
    ) -> Result<()> {
        for item in items {
            if is_for_tests(of_item(item)) {
                if let Item::Mod(child) = item {
                    self.for_tests.push(folder.join(child.ident.to_string()));
                }
                continue;
            }
            if let Item::Mod(child) = item {
                let name = child.ident.to_string();
                let id = self.add_child(package, module, child, folder)?;
                self.modules[module].children.insert(name, id);
                continue;
            }
            if let Some(name) = defined_name(item) {
                self.modules[module].items.insert(name);
            }
            // A `use` inside a function counts for its module.
            let mut uses = Uses::default();
            uses.visit_item(item);
            self.modules[module].aliases.extend(uses.aliases);
        }
        Ok(())
    }

    fn add_child(
        &mut self,
        package: &Package,
        parent: ModuleId,
        child: &ItemMod,
        folder: &Path,
    ) -> Result<ModuleId> {
        let name = child.ident.to_string();
        if let Some((_, items)) = &child.content {
            let file = self.modules[parent].file.clone();
            let module = self.add_module(&file, Some(parent));
            self.add_items(package, module, items, &folder.join(&name))?;
            return Ok(module);
        }
        for file in [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")] {
            if package.sources.contains_key(&file) {
                return self.add_file(package, &file, Some(parent));
            }
        }
        bail!("{}: `mod {name}` has no file", package.display(&self.modules[parent].file))
    }
}

/// Where the children of a file's module lie: beside `lib.rs`, `main.rs` and `mod.rs`, else in the folder of its name.
fn folder_of_children(file: &Path, is_root: bool) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod") | None => folder,
        Some(_) if is_root => folder,
        Some(stem) => folder.join(stem),
    }
}

/// The name of a file's module: its own, or its folder's.
fn name_of_module(file: &Path) -> String {
    let named = match file.file_stem() {
        Some(stem) if stem == "mod" => file.parent().and_then(Path::file_name),
        stem => stem,
    };
    named.unwrap_or_default().to_string_lossy().into_owned()
}

fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// The names that a `use` item brings, with the path of each.
pub fn aliases_of(item: &ItemUse) -> Vec<Alias> {
    let mut aliases = Vec::new();
    if item.leading_colon.is_none() {
        flatten(&item.tree, &mut Vec::new(), &mut aliases);
    }
    aliases
}

/// Whether a `use` offers its names to others.
pub fn is_reexport(item: &ItemUse) -> bool {
    !matches!(item.vis, Visibility::Inherited)
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, aliases: &mut Vec<Alias>) {
    let mut add = |name: Option<String>, last: Option<String>| {
        let path = prefix.iter().cloned().chain(last).collect();
        aliases.push(Alias { name, path });
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, aliases);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => add(prefix.last().cloned(), None),
        UseTree::Name(name) => add(Some(name.ident.to_string()), Some(name.ident.to_string())),
        UseTree::Rename(rename) if rename.ident == "self" => add(Some(rename.rename.to_string()), None),
        UseTree::Rename(rename) => add(Some(rename.rename.to_string()), Some(rename.ident.to_string())),
        UseTree::Glob(_) => add(None, None),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, prefix, aliases);
            }
        }
    }
}

#[derive(Default)]
struct Uses {
    aliases: Vec<Alias>,
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.aliases.extend(aliases_of(item));
    }
}
