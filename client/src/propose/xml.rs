//! XML as Xcode writes it: elements with attributes. Text between elements means nothing here. Forty lines read it; what is damaged ends early.

use std::collections::BTreeMap;

/// The start or the end of an element; one that closes itself has both.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Start { name: String, attributes: BTreeMap<String, String> },
    End { name: String },
}

/// The elements of a document, in order.
pub(super) fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
            continue;
        }
        let Some(end) = element_end(rest) else { break };
        let inner = &rest[1..end];
        rest = &rest[end + 1..];
        if inner.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = inner.strip_prefix('/') {
            events.push(Event::End { name: name.trim().to_owned() });
            continue;
        }
        let (inner, closes_itself) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let name_end = inner.find(char::is_whitespace).unwrap_or(inner.len());
        let name = inner[..name_end].to_owned();
        events.push(Event::Start { name: name.clone(), attributes: attributes(&inner[name_end..]) });
        if closes_itself {
            events.push(Event::End { name });
        }
    }
    events
}

/// The `>` that ends an element; one in a quoted value does not.
fn element_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn attributes(text: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let mut rest = text;
    while let Some((name, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { break };
        let Some((value, after)) = value[1..].split_once(quote) else { break };
        attributes.insert(name.trim().to_owned(), unescape(value));
        rest = after;
    }
    attributes
}

fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] = [("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&#10;", "\n"), ("&amp;", "&")];
    ENTITIES.into_iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_entities_are_read() {
        let events = events("<?xml?>\n<A\n   b = \"1 &gt; 0\"\n   c='x>y'><!-- <Z/> --><D/></A>");
        let expected = BTreeMap::from([("b".to_owned(), "1 > 0".to_owned()), ("c".to_owned(), "x>y".to_owned())]);
        assert!(matches!(&events[0], Event::Start { name, attributes } if name == "A" && *attributes == expected));
        assert!(matches!(&events[1], Event::Start { name, .. } if name == "D"));
        assert!(matches!(&events[2], Event::End { name } if name == "D"));
        assert_eq!(events.len(), 4);
    }

    #[test]
    fn what_is_damaged_is_read_as_far_as_it_goes() {
        for text in ["<", "<A", "<A b=", "<A b=\"", "<A b='x", "</", "<!--", "<A b=\"ü", "\u{feff}<A =\"\"", "<>", "</>", "<A b=c>"] {
            assert!(events(text).len() <= 1, "{text}");
        }
    }
}
