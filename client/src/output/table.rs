//! Columns, as in `rch workers list`.

/// Lines of `rows` under `head`, each column as wide as its widest cell, two spaces between; columns of `right` are right-aligned.
pub(crate) fn table<const N: usize>(head: [&str; N], right: &[usize], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = head.map(|name| name.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (index, cell) in cells.into_iter().enumerate() {
            let width = widths[index];
            let padded = if right.contains(&index) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
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
        let rows = [["macmini-01".to_owned(), "9".to_owned()], ["b".to_owned(), "1,024".to_owned()]];
        assert_eq!(table(["WORKER", "N"], &[1], &rows), ["WORKER          N", "macmini-01      9", "b           1,024"]);
    }
}
