//! A command line with marks under some of its words.

use std::ops::Range;

use console::measure_text_width;

/// Columns of a row: a terminal that is not wider than most would else break it, and no mark would stand under its word.
const COLUMNS: usize = 80;
/// Before every row but the first.
const INDENT: &str = "    ";
/// After every row but the last.
const ENDING: &str = " \\";
/// Rows shown of a line; rows without a mark are left out of a longer one.
const ROWS_MAX: usize = 40;

/// A row: its words, by place.
type Row = Range<usize>;

/// The words in rows that a shell reads as one line, with marks beneath those of `marks`, which are ranges of places in `words`.
pub(crate) fn marked(words: &[String], marks: &[Range<usize>]) -> Vec<String> {
    let rows = rows(words, marks, COLUMNS);
    let is_long = rows.len() > ROWS_MAX;
    let mut lines = Vec::new();
    let mut left_out = 0;
    for (number, row) in rows.iter().enumerate() {
        let marks = marks_of(row, words, marks);
        if is_long && marks.is_none() && number > 0 {
            left_out += row.len();
            continue;
        }
        if left_out > 0 {
            lines.push(left_out_row(left_out));
            left_out = 0;
        }
        lines.push(written(words, row, number == 0));
        lines.extend(marks.map(|marks| format!("{}{marks}", if number == 0 { "" } else { INDENT })));
    }
    if left_out > 0 {
        lines.push(left_out_row(left_out));
    }
    lines
}

fn left_out_row(words: usize) -> String {
    format!("{INDENT}.. {words} words without a mistake")
}

/// The words in rows of at most `columns`.
pub(crate) fn wrapped(words: &[String], columns: usize) -> Vec<String> {
    rows(words, &[], columns).iter().enumerate().map(|(number, row)| written(words, row, number == 0)).collect()
}

fn written(words: &[String], row: &Row, is_first: bool) -> String {
    let end = if row.end < words.len() { ENDING } else { "" };
    format!("{}{}{end}", if is_first { "" } else { INDENT }, words[row.clone()].join(" "))
}

/// As many words in each row as fit, at least one. An argument stays with its value, and a mark in one piece, where both fit into a row.
fn rows(words: &[String], marks: &[Range<usize>], columns: usize) -> Vec<Row> {
    let room = columns.saturating_sub(ENDING.len());
    let mut rows: Vec<Row> = Vec::new();
    let mut used = 0;
    for group in groups(words, marks) {
        let together = width(&words[group.clone()]);
        let pieces: Vec<Row> = if INDENT.len() + together <= room { vec![group] } else { group.map(|at| at..at + 1).collect() };
        for piece in pieces {
            let width = width(&words[piece.clone()]);
            match rows.last_mut() {
                Some(row) if used + 1 + width <= room => {
                    row.end = piece.end;
                    used += 1 + width;
                }
                Some(_) | None => {
                    used = width + if rows.is_empty() { 0 } else { INDENT.len() };
                    rows.push(piece);
                }
            }
        }
    }
    rows
}

/// Columns of words with a space between.
fn width(words: &[String]) -> usize {
    words.iter().map(|word| measure_text_width(word)).sum::<usize>() + words.len().saturating_sub(1)
}

/// Words that had better stand in one row.
fn groups(words: &[String], marks: &[Range<usize>]) -> Vec<Row> {
    let mut groups: Vec<Row> = Vec::new();
    for at in 0..words.len() {
        let is_marked_on = marks.iter().any(|mark| mark.start < at && at < mark.end);
        let is_value = at > 0 && words[at - 1].starts_with('-') && !words[at].starts_with('-');
        match groups.last_mut() {
            Some(group) if is_marked_on || is_value => group.end = at + 1,
            Some(_) | None => groups.push(at..at + 1),
        }
    }
    groups
}

/// `^~~~` under the words of a row that are marked; nothing when none is.
fn marks_of(row: &Row, words: &[String], marks: &[Range<usize>]) -> Option<String> {
    let mut text = String::new();
    for at in row.clone() {
        let mark = marks.iter().find(|mark| mark.contains(&at));
        let (first, other) = match mark {
            Some(mark) if mark.start == at => ('^', '~'),
            Some(_) => ('~', '~'),
            None => (' ', ' '),
        };
        let width = measure_text_width(&words[at]);
        text.extend((0..width).map(|column| if column == 0 { first } else { other }));
        let goes_on = mark.is_some_and(|mark| mark.contains(&(at + 1)));
        text.push(if goes_on && at + 1 < row.end { '~' } else { ' ' });
    }
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(first: usize, end: usize) -> Range<usize> {
        first..end
    }

    fn words(line: &str) -> Vec<String> {
        line.split('_').map(str::to_owned).collect()
    }

    #[test]
    fn a_mark_stands_under_its_words_whatever_their_width() {
        for (line, marks, expected) in [
            ("xcodebuild_-target_App_build", &[mark(1, 3)][..], ["xcodebuild -target App build", "           ^~~~~~~~~~~"]),
            (
                "xcodebuild_-scheme_'샘플 앱'_archive",
                &[mark(3, 4)],
                ["xcodebuild -scheme '샘플 앱' archive", "                             ^~~~~~~"],
            ),
            ("a_'b c'_d_e", &[1..2, 3..4], ["a 'b c' d e", "  ^~~~~   ^"]),
            ("a_e\u{301}_b", &[mark(2, 3)], ["a e\u{301} b", "    ^"]),
        ] {
            assert_eq!(marked(&words(line), marks), expected);
        }
        assert_eq!(marked(&words("a_b"), &[]), ["a b"]);
    }

    #[test]
    fn a_long_line_is_broken_where_a_shell_reads_on() {
        let long = words(
            "xcodebuild_-workspace_SampleApplication.xcworkspace_-scheme_SampleApplication_-destination_'platform=iOS Simulator,name=iPhone 16'_archive",
        );
        assert_eq!(
            marked(&long, &[mark(5, 8)]),
            [
                "xcodebuild -workspace SampleApplication.xcworkspace -scheme SampleApplication \\",
                "    -destination 'platform=iOS Simulator,name=iPhone 16' archive",
                "    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
            ]
        );
        assert!(marked(&long, &[]).iter().all(|row| measure_text_width(row) <= COLUMNS));
        let alone = words(&format!("xcodebuild_-scheme_{}_archive", "x".repeat(90)));
        assert_eq!(marked(&alone, &[mark(3, 4)]).len(), 4, "a word that fits nowhere has a row of its own");
    }

    #[test]
    fn of_a_line_of_thousands_of_tests_the_marked_rows_are_shown() {
        let many: Vec<String> = (0..3_000).map(|number| format!("-only-testing:AppTests/Suite{number}")).collect();
        let lines = marked(&many, &[mark(1_500, 1_501)]);
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert!(lines[1].starts_with("    .. 1") && lines[3].contains('^'), "{lines:#?}");
    }
}
