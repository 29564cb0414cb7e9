//! JSON as Foundation prints it: a space on both sides of the colon, escaped slashes, an empty line in an empty list.

use std::io::{self, Write};

use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// `value` as Apple's tools print it.
pub(crate) fn pretty(value: &Value) -> String {
    written(value, Foundation(PrettyFormatter::new()))
}

/// `value` on one line: `--compact`.
pub(crate) fn compact(value: &Value) -> String {
    value.to_string()
}

fn written(value: &Value, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value is always written to memory");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

struct Foundation(PrettyFormatter<'static>);

impl Formatter for Foundation {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b" : ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        writer.write_all(fragment.replace('/', "\\/").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_escaped_and_colons_stand_free() {
        let value = serde_json::json!({ "path": "/a/b", "n": [1] });
        assert_eq!(pretty(&value), "{\n  \"n\" : [\n    1\n  ],\n  \"path\" : \"\\/a\\/b\"\n}");
    }
}
