//! Text from outside made safe for a terminal.

/// `text` without terminal escapes and without control characters but the tab.
///
/// A farm, a build or a test can print anything; a terminal obeys some of it (titles, clipboard, colours, cursor). What remains is what a
/// person would have read.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\t' => clean.push(c),
            _ if c.is_control() => {}
            _ => clean.push(c),
        }
    }
    clean
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.next() {
        Some('[') => skip_control_sequence(chars),
        // Operating system command, device control, privacy message, application command, start of string.
        Some(']' | 'P' | '^' | '_' | 'X') => skip_string(chars),
        // Intermediate bytes: the final byte is still to come.
        Some(' '..='/') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next();
        }
        Some(_) | None => {}
    }
}

/// Parameters and intermediates, then one final byte.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// Up to the string terminator, or the bell that xterm takes for one. A string that never ends takes the rest of the line with it.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_gone_and_what_a_person_reads_stays() {
        for (text, expected) in [
            ("plain \u{e9}\u{1f600}\ttab", "plain \u{e9}\u{1f600}\ttab"),
            ("\u{1b}[1;31merror\u{1b}[0m: x", "error: x"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]52;c;ZXZpbA==\u{1b}\\after", "after"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}(Bx\u{1b}7y\u{1b}cz", "xyz"),
            ("a\r\u{8}\u{0}b\u{7f}", "ab"),
            ("\u{1b}[", ""),
            ("\u{1b}", ""),
            ("\u{90}device control\u{9c}x", "x"),
            ("[0m stays", "[0m stays"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }
}
