//! Tables as the terminal has them: one rule below the header, and numbers to the right. Where the output is not a terminal,
//! tables are Markdown.

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use std::io::IsTerminal as _;
use std::ops::Range;

/// A table without rows. The columns in `numbers` are aligned to the right.
pub fn table(header: &[&str], numbers: Range<usize>) -> Table {
    let mut table = Table::new();
    style(&mut table);
    table.set_header(header);
    for column in table.column_iter_mut().take(numbers.end).skip(numbers.start) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Gives a table this look.
pub fn style(table: &mut Table) {
    if !is_terminal() {
        table.load_preset(presets::ASCII_MARKDOWN);
        return;
    }
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections);
}

/// Whether the output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}
