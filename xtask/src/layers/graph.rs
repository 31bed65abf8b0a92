//! The arrows as a graph: its circles, and its picture.

use crate::source::references::{Arrow, Need, References};
use petgraph::algo::{greedy_feedback_arc_set, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Files that all need each other.
#[derive(Debug)]
pub struct Circle {
    pub files: Vec<PathBuf>,
    /// Arrows without which there is no circle: few, though perhaps not the fewest.
    pub cuts: Vec<Arrow>,
}

/// The circles among the arrows that `counts` lets through, the largest first.
pub fn circles(references: &References, counts: impl Fn(&Arrow) -> bool) -> Vec<Circle> {
    let arrows: Vec<&Arrow> = references.arrows.iter().filter(|arrow| counts(arrow)).collect();
    let graph = graph_of(&arrows);
    let mut circles: Vec<Circle> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let files: BTreeSet<PathBuf> = component.iter().map(|&node| graph[node].to_owned()).collect();
            let inside: Vec<&Arrow> = arrows
                .iter()
                .filter(|arrow| files.contains(&arrow.from) && files.contains(&arrow.to))
                .copied()
                .collect();
            let part = graph_of(&inside);
            let mut cut = BTreeSet::new();
            for edge in greedy_feedback_arc_set(&part) {
                cut.insert((part[edge.source()], part[edge.target()]));
            }
            let is_cut = |arrow: &&Arrow| cut.contains(&(arrow.from.as_path(), arrow.to.as_path()));
            let cuts = inside.iter().copied().filter(is_cut).cloned().collect();
            Circle { files: files.into_iter().collect(), cuts }
        })
        .collect();
    circles.sort_by_key(|circle| core::cmp::Reverse(circle.files.len()));
    circles
}

fn graph_of<'a>(arrows: &[&'a Arrow]) -> DiGraph<&'a Path, ()> {
    let mut graph = DiGraph::new();
    let mut nodes: BTreeMap<&Path, NodeIndex> = BTreeMap::new();
    for arrow in arrows {
        let mut node = |file: &'a Path| *nodes.entry(file).or_insert_with(|| graph.add_node(file));
        let (from, to) = (node(&arrow.from), node(&arrow.to));
        graph.update_edge(from, to, ());
    }
    graph
}

/// The arrows in the language of Graphviz. Those that only calls make are dashed.
pub fn dot(package: &str, references: &References) -> String {
    let mut between: BTreeMap<(&Path, &Path), Vec<&Arrow>> = BTreeMap::new();
    for arrow in &references.arrows {
        between.entry((&arrow.from, &arrow.to)).or_default().push(arrow);
    }
    let mut text = format!("digraph \"{package}\" {{\n  rankdir=BT; node [shape=box];\n");
    for ((from, to), arrows) in between {
        let names: BTreeSet<&str> = arrows.iter().map(|arrow| arrow.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let style = if arrows.iter().all(|arrow| arrow.need == Need::Call) { "dashed" } else { "solid" };
        let (from, to, names) = (from.display(), to.display(), names.join(" "));
        let _ = writeln!(text, "  \"{from}\" -> \"{to}\" [style={style}, tooltip=\"{names}\"];");
    }
    text.push_str("}\n");
    text
}
