//! Finds the places where an ordering is named, and its weakenings.
//!
//! | written | weakened to |
//! |---|---|
//! | Release, Acquire | Relaxed |
//! | AcqRel | Acquire, and Release: each half alone. Relaxed is weaker than both, so it is noticed if either is |
//! | `fence(SeqCst)` | `fence(AcqRel)`: it loses its place in the single order |
//! | any other fence, `light_barrier()`, `heavy_barrier()`, `sure_barrier()`, `pin::barrier(…)` | left out |
//!
//! The facade's own orderings (`sync/`, but for `sync/lock/`) are not sites: there loom's locks and futexes stand in for
//! the machine's. Every other ordering is a site, or is left out for a [`Reason`]. The test below reads the words of each file without
//! its syntax, and fails for an ordering that is neither.

#[cfg(test)]
mod orderings;

use anyhow::{Context, Result};
use proc_macro2::{LineColumn, Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A place where an ordering is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub number: usize,
    /// From `shm/src`: `memory/block_pool.rs`.
    pub file: String,
    pub line: usize,
    pub function: String,
    /// The call that the ordering is given to.
    pub operation: String,
    pub strong: Strong,
    /// Bytes of the file that name it.
    pub bytes: core::ops::Range<usize>,
}

/// The ordering that is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strong {
    Acquire,
    Release,
    AcqRel,
    SeqCst,
    /// A call that is a barrier, and the expression that replaces it.
    Barrier(&'static str),
}

/// One weakening of one site.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub site: Site,
    pub weak: &'static str,
}

impl Strong {
    fn of(name: &str) -> Option<Self> {
        match name {
            "Acquire" => Some(Self::Acquire),
            "Release" => Some(Self::Release),
            "AcqRel" => Some(Self::AcqRel),
            "SeqCst" => Some(Self::SeqCst),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "Acquire",
            Self::Release => "Release",
            Self::AcqRel => "AcqRel",
            Self::SeqCst => "SeqCst",
            Self::Barrier(_) => "barrier",
        }
    }

    fn weaker(self) -> &'static [&'static str] {
        match self {
            Self::Acquire | Self::Release => &["Relaxed"],
            Self::AcqRel => &["Acquire", "Release"],
            Self::SeqCst => &["AcqRel"],
            Self::Barrier(_) => &["none"],
        }
    }
}

/// An ordering that is not weakened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub file: String,
    pub line: usize,
    pub function: String,
    pub reason: Reason,
    bytes: core::ops::Range<usize>,
}

/// Why it is not weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is under `cfg(test)`, `cfg(loom)` or `cfg(not(loom))`: not in the code of both the product and the models.
    Configured,
    /// A compiler fence: the models have no compiler that moves accesses.
    Compiler,
    /// It is written `Ordering::…`: of an atomic of `core`'s in private memory, which loom does not watch.
    PrivateMemory,
}

impl Reason {
    pub fn text(self) -> &'static str {
        match self {
            Self::Configured => "only tests, only the product or only the models compile it",
            Self::Compiler => "a compiler fence",
            Self::PrivateMemory => "of private memory, outside loom",
        }
    }
}

/// All sites, and the orderings that are none.
#[derive(Debug, Default)]
pub struct Sources {
    pub sites: Vec<Site>,
    pub exceptions: Vec<Exception>,
}

impl Sources {
    pub fn mutants(&self) -> Vec<Mutant> {
        let weakenings = |site: &Site| {
            let site = site.clone();
            site.strong.weaker().iter().map(move |weak| Mutant { site: site.clone(), weak })
        };
        self.sites.iter().flat_map(weakenings).collect()
    }

    pub fn summary(&self, mutants: &[Mutant]) -> String {
        let files: std::collections::BTreeSet<_> = self.sites.iter().map(|site| &site.file).collect();
        format!(
            "{} orderings in {} files, {} weakenings of them; {} other orderings are not weakened",
            self.sites.len(),
            files.len(),
            mutants.len(),
            self.exceptions.len()
        )
    }
}

/// Reads every file below `folder` but the facade's.
pub fn read(folder: &Path) -> Result<Sources> {
    let mut files = BTreeMap::new();
    gather(folder, folder, &mut files)?;
    let mut off = Vec::new();
    for (file, text) in &files {
        let syntax = syn::parse_file(text).with_context(|| file.display().to_string())?;
        for item in syntax.items {
            if let syn::Item::Mod(module) = &item
                && is_off(module.to_token_stream())
            {
                off.push(children(file).join(module.ident.to_string()));
            }
        }
    }
    let mut sources = Sources::default();
    for (file, text) in &files {
        let is_off = off.iter().any(|module| file.with_extension("").starts_with(module));
        let name = file.display().to_string();
        read_file(&name, text, is_off, &mut sources).with_context(|| name.clone())?;
    }
    Ok(sources)
}

/// The Rust sources below `folder`, by their paths from `root`, without the facade: that is `sync/` but for the private
/// lock, which has models of its own.
fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.to_owned();
        if path.is_dir() {
            let within = if name == Path::new("sync") { path.join("lock") } else { path };
            gather(root, &within, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The folder of a file's child modules.
fn children(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    match file.file_stem() {
        Some(stem) if stem != "mod" && stem != "lib" => folder.join(stem),
        _ => folder.to_owned(),
    }
}

fn read_file(file: &str, text: &str, is_off: bool, sources: &mut Sources) -> Result<()> {
    let syntax = syn::parse_file(text)?;
    let off = usize::from(is_off);
    let mut finder = Finder { file, text, function: Vec::new(), operation: Vec::new(), off, sources };
    finder.visit_file(&syntax);
    Ok(())
}

struct Finder<'a> {
    file: &'a str,
    text: &'a str,
    function: Vec<String>,
    operation: Vec<String>,
    /// How many attributes around this place leave it out of the models.
    off: usize,
    sources: &'a mut Sources,
}

impl Finder<'_> {
    fn found(&mut self, strong: Strong, place: Span) {
        if self.off > 0 {
            self.leave_out(Reason::Configured, place);
            return;
        }
        self.sources.sites.push(Site {
            number: self.sources.sites.len(),
            file: self.file.to_owned(),
            line: place.start().line,
            function: self.function.last().cloned().unwrap_or_default(),
            operation: self.operation.last().cloned().unwrap_or_default(),
            strong,
            bytes: self.bytes(place),
        });
    }

    fn leave_out(&mut self, reason: Reason, place: Span) {
        self.sources.exceptions.push(Exception {
            file: self.file.to_owned(),
            line: place.start().line,
            function: self.function.last().cloned().unwrap_or_default(),
            reason,
            bytes: self.bytes(place),
        });
    }

    fn bytes(&self, place: Span) -> core::ops::Range<usize> {
        offset(self.text, place.start())..offset(self.text, place.end())
    }

    /// Visits the parts of `node`. Where its attributes leave it out, its orderings are counted and not listed.
    fn within(&mut self, node: &impl ToTokens, visit: impl FnOnce(&mut Self)) {
        let off = is_off(node.to_token_stream());
        self.off += usize::from(off);
        visit(self);
        self.off -= usize::from(off);
    }

    fn in_function(&mut self, name: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        self.function.push(name.to_string());
        visit(self);
        self.function.pop();
    }

    fn in_operation(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.operation.push(name);
        visit(self);
        self.operation.pop();
    }
}

/// Whether the attributes in front leave this out of the code that both loom and the product compile.
fn is_off(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter();
    while let Some(TokenTree::Punct(hash)) = tokens.next()
        && hash.as_char() == '#'
        && let Some(TokenTree::Group(attribute)) = tokens.next()
    {
        let attribute = attribute.stream().to_string().replace(' ', "");
        if ["cfg(test)", "cfg(loom)", "cfg(not(loom))"].contains(&attribute.as_str()) {
            return true;
        }
    }
    false
}

/// Where in the text a place is.
fn offset(text: &str, at: LineColumn) -> usize {
    let before: usize = text.split_inclusive('\n').take(at.line - 1).map(str::len).sum();
    let line = &text[before..];
    before + line.char_indices().nth(at.column).map_or(line.len(), |(offset, _)| offset)
}

impl Visit<'_> for Finder<'_> {
    fn visit_item(&mut self, item: &syn::Item) {
        self.within(item, |finder| visit::visit_item(finder, item));
    }

    fn visit_impl_item(&mut self, item: &syn::ImplItem) {
        self.within(item, |finder| visit::visit_impl_item(finder, item));
    }

    fn visit_stmt(&mut self, statement: &syn::Stmt) {
        self.within(statement, |finder| visit::visit_stmt(finder, statement));
    }

    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.in_function(&function.sig.ident, |finder| visit::visit_item_fn(finder, function));
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.in_function(&function.sig.ident, |finder| visit::visit_impl_item_fn(finder, function));
    }

    fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let method = call.method.to_string();
        for (index, argument) in call.args.iter().enumerate() {
            let name = match (method.as_str(), index) {
                ("compare_exchange", 2) => "compare_exchange".to_owned(),
                ("compare_exchange", 3) => "compare_exchange, failed".to_owned(),
                _ => method.clone(),
            };
            self.in_operation(name, |finder| finder.visit_expr(argument));
        }
    }

    fn visit_expr_call(&mut self, call: &syn::ExprCall) {
        let name = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let is_weak = call.to_token_stream().to_string().replace(' ', "") != "fence(SeqCst)";
        if name.as_deref() == Some("compiler_fence") {
            self.leave_out(Reason::Compiler, call.span());
            return;
        }
        let left_out = match name.as_deref() {
            Some("fence") if is_weak => Some("()"),
            Some("light_barrier") => Some("()"),
            Some("heavy_barrier") => Some("true"),
            Some("sure_barrier") => Some("()"),
            // `handle/pin.rs`: a heavy barrier, and what is done where the kernel refuses it.
            Some("barrier") => Some("Ok(true)"),
            _ => None,
        };
        if let Some(left_out) = left_out {
            let name = name.unwrap_or_default();
            self.in_operation(name, |finder| {
                finder.found(Strong::Barrier(left_out), call.span());
            });
            return;
        }
        self.in_operation(name.unwrap_or_default(), |finder| visit::visit_expr_call(finder, call));
    }

    fn visit_expr_path(&mut self, path: &syn::ExprPath) {
        let segments = &path.path.segments;
        let Some(strong) = segments.last().and_then(|last| Strong::of(&last.ident.to_string())) else {
            return;
        };
        if segments.iter().rev().nth(1).is_some_and(|module| module.ident == "Ordering") {
            self.leave_out(Reason::PrivateMemory, path.span());
        } else {
            self.found(strong, path.span());
        }
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        // A macro's tokens need not be an expression: look at its words one by one.
        let mut streams = vec![call.tokens.clone()];
        while let Some(stream) = streams.pop() {
            for token in stream {
                match token {
                    TokenTree::Group(group) => streams.push(group.stream()),
                    TokenTree::Ident(word) => {
                        if let Some(strong) = Strong::of(&word.to_string()) {
                            self.found(strong, word.span());
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The calls that are barriers, and name no ordering.
    const BARRIERS: [&str; 4] = ["barrier", "heavy_barrier", "light_barrier", "sure_barrier"];

    /// The places of the words that name an ordering, and of calls of barriers, but not those of imports. It knows words
    /// and brackets only, so that it does not miss what [`Finder`] misses.
    fn words(tokens: TokenStream, places: &mut Vec<LineColumn>) {
        let mut before = String::new();
        let mut imports = false;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Group(group) if !imports => words(group.stream(), places),
                TokenTree::Ident(word) => {
                    let name = word.to_string();
                    imports |= name == "use";
                    let is_call = matches!(tokens.peek(), Some(TokenTree::Group(_))) && before != "fn";
                    let is_barrier = is_call && BARRIERS.contains(&name.as_str());
                    if !imports && (Strong::of(&name).is_some() || is_barrier) {
                        places.push(word.span().start());
                    }
                    before = name;
                }
                TokenTree::Punct(point) => imports &= point.as_char() != ';',
                _ => {}
            }
        }
    }

    #[test]
    fn each_ordering_is_listed_or_excepted() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shm/src");
        let sources = read(&folder).unwrap();
        let mut files = BTreeMap::new();
        gather(&folder, &folder, &mut files).unwrap();
        let mut missing = Vec::new();
        for (file, text) in &files {
            let name = file.display().to_string();
            let known: BTreeSet<_> = (sources.sites.iter().map(|site| (&site.file, &site.bytes)))
                .chain(sources.exceptions.iter().map(|exception| (&exception.file, &exception.bytes)))
                .filter(|(file, _)| **file == name)
                .map(|(_, bytes)| (bytes.start, bytes.end))
                .collect();
            let mut places = Vec::new();
            words(text.parse().unwrap(), &mut places);
            for place in places {
                let at = offset(text, place);
                if !known.iter().any(|(start, end)| (*start..*end).contains(&at)) {
                    missing.push(format!("{name}:{}", place.line));
                }
            }
        }
        assert!(missing.is_empty(), "neither listed nor excepted: {missing:#?}");
    }

    fn listed(text: &str) -> Vec<(String, &'static str)> {
        let mut sources = Sources::default();
        read_file("a.rs", text, false, &mut sources).unwrap();
        sources.sites.iter().map(|site| (site.operation.clone(), site.strong.name())).collect()
    }

    #[test]
    fn orderings_are_found_however_written() {
        let text = "const ORDER: Order = Release;
            fn f(word: &AtomicU64) -> Result<()> {
                pin::barrier(thread)?;
                sync::fence(Acquire);
                word.load(sync::Acquire);
                assert_eq!(word.swap(1, AcqRel), 0);
                private.load(Ordering::SeqCst);
            }";
        let found = listed(text);
        let expected = [
            ("", "Release"),
            ("barrier", "barrier"),
            ("fence", "barrier"),
            ("load", "Acquire"),
            ("", "AcqRel"),
        ];
        assert_eq!(found, expected.map(|(call, name)| (call.to_owned(), name)));
    }
}
