//! Columns, as in `rch workers list`.

use console::measure_text_width;

/// Lines of `rows` under `head`, each column as wide as its widest cell, two spaces between; columns of `right` are right-aligned.
pub(crate) fn table<const N: usize>(head: [&str; N], right: &[usize], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = head.map(measure_text_width);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell));
        }
    }
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (index, cell) in cells.into_iter().enumerate() {
            let padding = " ".repeat(widths[index].saturating_sub(measure_text_width(cell)));
            let padded = if right.contains(&index) { format!("{padding}{cell}") } else { format!("{cell}{padding}") };
            text.push_str(if index == 0 { "" } else { "  " });
            text.push_str(&padded);
        }
        text.trim_end().to_owned()
    };
    std::iter::once(line(head)).chain(rows.iter().map(|row| line(std::array::from_fn(|index| row[index].as_str())))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["macmini-01".to_owned(), "9".to_owned()], ["앱".to_owned(), "1,024".to_owned()]];
        assert_eq!(table(["WORKER", "N"], &[1], &rows), ["WORKER          N", "macmini-01      9", "앱          1,024"]);
    }
}
