//! RFC 8785 once more, from its text and for what our documents hold: no floats. Written for the audit, which must not use the project's own.

use serde_json::Value;

/// The canonical bytes of a value.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    let mut text = String::new();
    write(value, &mut text);
    text.into_bytes()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let integer = number.as_i64().unwrap_or_else(|| panic!("{number} is no integer that every reader can hold"));
            text.push_str(&integer.to_string());
        }
        Value::String(string) => write_string(string, text),
        Value::Array(items) => {
            let parts = items.iter().map(|item| |text: &mut String| write(item, text));
            write_list(['[', ']'], parts, text);
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_by_key(|name| name.encode_utf16().collect::<Vec<u16>>());
            let parts = names.into_iter().map(|name| {
                |text: &mut String| {
                    write_string(name, text);
                    text.push(':');
                    write(&members[name], text);
                }
            });
            write_list(['{', '}'], parts, text);
        }
    }
}

fn write_list(brackets: [char; 2], parts: impl Iterator<Item = impl Fn(&mut String)>, text: &mut String) {
    text.push(brackets[0]);
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text.push(',');
        }
        part(text);
    }
    text.push(brackets[1]);
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\u{1f}' => text.extend(["\\u".to_owned(), format!("{:04x}", u32::from(character))]),
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[test]
fn names_are_sorted_by_utf_16_and_only_what_must_be_is_escaped() {
    // The sample of RFC 8785, section 3.2.3, and the escapes of section 3.2.2.
    let value: Value = serde_json::from_str(
        r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
    )
    .unwrap();
    let text = String::from_utf8(canonical(&value)).unwrap();
    let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"].map(|word| text.find(word).unwrap());
    assert!(order.is_sorted(), "{text}");
    let escaped = serde_json::json!("\u{20ac}$\u{f}\nA'B\"\\\"/");
    assert_eq!(String::from_utf8(canonical(&escaped)).unwrap(), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\"/\"");
}
