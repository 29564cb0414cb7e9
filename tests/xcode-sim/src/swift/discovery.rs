//! Finds the tests of a target: methods of XCTest classes, and functions with `@Test`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::lexer::{Kind, Token, lex};
use super::script::Script;

/// Which library runs a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestKind {
    XcTest,
    /// XCTest too, in Objective-C: its names have neither a module nor brackets.
    ObjectiveC,
    SwiftTesting,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct TestMethod {
    pub(crate) kind: TestKind,
    /// Its class or suite; empty for a `@Test` function outside of any type.
    pub(crate) suite: String,
    /// "testX", without brackets.
    pub(crate) name: String,
    /// What `@Test("…")` calls it.
    pub(crate) display_name: Option<String>,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    pub(crate) script: Script,
}

impl TestMethod {
    /// "testX()"; "testX" in Objective-C.
    pub(crate) fn called(&self) -> String {
        match self.kind {
            TestKind::XcTest | TestKind::SwiftTesting => format!("{}()", self.name),
            TestKind::ObjectiveC => self.name.clone(),
        }
    }

    /// "Suite/testX()", and "testX()" for a function outside of any type.
    pub(crate) fn identifier(&self) -> String {
        if self.suite.is_empty() { self.called() } else { format!("{}/{}", self.suite, self.called()) }
    }
}

/// What was found in files read so far.
#[derive(Debug, Default)]
pub(crate) struct SwiftTests {
    /// A class and what it inherits from.
    classes: BTreeMap<String, Vec<String>>,
    /// Methods called "test…" without parameters: they count when their class turns out to be a test case.
    candidates: Vec<TestMethod>,
    tests: Vec<TestMethod>,
}

/// Reads a file's tests into `found`.
pub(crate) fn discover(source: &str, file: &Path, found: &mut SwiftTests) {
    if !source.contains("XCT") && !source.contains("test") && !source.contains("@Test") {
        return;
    }
    let lexed = lex(source);
    let mut reader = Reader { tokens: &lexed.tokens, file, scopes: Vec::new(), found };
    reader.read();
}

impl SwiftTests {
    /// Adds a test that was found otherwise.
    pub(super) fn add(&mut self, test: TestMethod) {
        self.tests.push(test);
    }

    /// Every test, suite by suite and within a suite by name, as XCTest runs them.
    pub(crate) fn into_tests(self) -> Vec<TestMethod> {
        let Self { classes, candidates, mut tests } = self;
        tests.extend(candidates.into_iter().filter(|candidate| is_test_case(&candidate.suite, &classes, &mut BTreeSet::new())));
        tests.sort_by(|left, right| (&left.suite, &left.name).cmp(&(&right.suite, &right.name)));
        tests.dedup_by(|left, right| left.suite == right.suite && left.name == right.name);
        tests
    }
}

/// Whether a class is an XCTest case: by inheritance, and where that leaves the target's own files, by its base's name.
fn is_test_case(class: &str, classes: &BTreeMap<String, Vec<String>>, seen: &mut BTreeSet<String>) -> bool {
    if class == "XCTestCase" {
        return true;
    }
    if !seen.insert(class.to_owned()) {
        return false;
    }
    match classes.get(class) {
        Some(bases) => bases.iter().any(|base| is_test_case(base, classes, seen)),
        None => class.ends_with("TestCase") || class.ends_with("Tests") || class.ends_with("TestsBase"),
    }
}

/// A type or another pair of braces.
struct Scope {
    /// Its name, when it is a type.
    name: Option<String>,
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    file: &'a Path,
    scopes: Vec<Scope>,
    found: &'a mut SwiftTests,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        // Where the words before a declaration (attributes, modifiers) start.
        let mut declaration = 0;
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                Kind::Word if is_type_keyword(token.text) && self.opens_type(at) => {
                    at = self.enter_type(at);
                    declaration = at;
                    continue;
                }
                Kind::Word if token.text == "func" => {
                    at = self.read_function(declaration, at);
                    declaration = at;
                    continue;
                }
                Kind::Symbol('{') => {
                    self.scopes.push(Scope { name: None });
                    declaration = at + 1;
                }
                Kind::Symbol('}') => {
                    self.scopes.pop();
                    declaration = at + 1;
                }
                Kind::Word | Kind::Text | Kind::Directive | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
            }
            at += 1;
        }
    }

    /// `class Name` opens a type; `class func`, `.class` and `class var` do not.
    fn opens_type(&self, at: usize) -> bool {
        let after_dot = at > 0 && self.tokens[at - 1].is('.');
        let name = self.tokens.get(at + 1);
        !after_dot
            && name.is_some_and(|name| name.kind == Kind::Word && !matches!(name.text, "func" | "var" | "let" | "override" | "subscript"))
    }

    /// Notes a type down and goes behind its opening brace.
    fn enter_type(&mut self, at: usize) -> usize {
        let keyword = self.tokens[at].text;
        let body = self.tokens[at..].iter().position(|token| token.is('{')).map_or(self.tokens.len(), |offset| at + offset);
        let head = &self.tokens[at + 1..body];
        let colon = head.iter().position(|token| token.is(':')).unwrap_or(head.len());
        // `extension Module.Name`: the last word of the dotted name.
        let name = head[..colon]
            .iter()
            .take_while(|token| token.kind == Kind::Word || token.is('.'))
            .filter(|token| token.kind == Kind::Word)
            .last();
        let name = name.map(|token| token.text.trim_matches('`').to_owned()).unwrap_or_default();
        if keyword == "class" {
            let bases = head[colon..].iter().take_while(|token| !token.is_word("where"));
            let bases = bases.filter(|token| token.kind == Kind::Word);
            let bases = bases.map(|token| token.text.to_owned()).collect();
            self.found.classes.insert(name.clone(), bases);
        }
        self.scopes.push(Scope { name: Some(name) });
        body + 1
    }

    /// Notes a test function down and goes behind its body, or behind its head when it has none.
    fn read_function(&mut self, declaration: usize, at: usize) -> usize {
        let Some(name) = self.tokens.get(at + 1).filter(|name| name.kind == Kind::Word) else {
            return at + 1;
        };
        let Some(open) = self.tokens[at..].iter().position(|token| token.is('(')).map(|offset| at + offset) else {
            return at + 1;
        };
        let parameters_end = matching(self.tokens, open);
        let Some(body) = self.body_start(parameters_end + 1) else {
            return parameters_end + 1;
        };
        let end = matching(self.tokens, body);
        let method = TestMethod {
            kind: TestKind::XcTest,
            suite: self.suite(),
            name: name.text.trim_matches('`').to_owned(),
            display_name: None,
            file: self.file.to_owned(),
            line: name.line,
            script: Script::of(&self.tokens[(body + 1).min(end)..end]),
        };
        let head = &self.tokens[declaration..at];
        let is_plain =
            parameters_end == open + 1 && !head.iter().any(|token| matches!(token.text, "private" | "fileprivate" | "static" | "class"));
        if let Some(attribute) = head.iter().position(|token| token.text == "@Test") {
            self.found.tests.push(with_attribute(method, &head[attribute + 1..]));
        } else if is_plain && method.name.starts_with("test") && !method.suite.is_empty() {
            self.found.candidates.push(method);
        }
        end + 1
    }

    /// The type this is in: the innermost, as XCTest names it.
    fn suite(&self) -> String {
        self.scopes.iter().rev().find_map(|scope| scope.name.clone()).unwrap_or_default()
    }

    /// Where the body's brace is, behind `async throws -> (A, B)`; `None` when the next declaration comes first.
    fn body_start(&self, from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                Kind::Symbol('{') => return Some(at),
                Kind::Symbol('(' | '[') => at = matching(self.tokens, at),
                Kind::Symbol('}' | ';') | Kind::Attribute | Kind::Directive => return None,
                Kind::Word if matches!(token.text, "func" | "var" | "let" | "init" | "static") => return None,
                Kind::Word | Kind::Text | Kind::Regex | Kind::Symbol(_) => {}
            }
            at += 1;
        }
        None
    }
}

fn is_type_keyword(word: &str) -> bool {
    matches!(word, "class" | "struct" | "enum" | "extension" | "actor")
}

/// Where the bracket that opens at `open` is closed; the last token when it is not.
fn matching(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Symbol('(' | '[' | '{') => depth += 1,
            Kind::Symbol(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            Kind::Word | Kind::Text | Kind::Directive | Kind::Attribute | Kind::Regex | Kind::Symbol(_) => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// Reads `("Display name", .disabled("why"))` behind `@Test`.
fn with_attribute(method: TestMethod, words: &[Token<'_>]) -> TestMethod {
    let display_name = match words {
        [open, name, ..] if open.is('(') => name.string(),
        _ => None,
    };
    let disabled = words.iter().position(|token| token.is_word("disabled"));
    let script = match disabled {
        Some(at) => Script::Skip { message: words.get(at + 2).and_then(Token::string).unwrap_or_default(), line: method.line },
        None => method.script,
    };
    TestMethod { kind: TestKind::SwiftTesting, display_name, script, ..method }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(String, Script)> {
        let mut found = SwiftTests::default();
        discover(source, Path::new("A.swift"), &mut found);
        let tests = found.into_tests();
        tests.into_iter().map(|test| (format!("{}/{}", test.suite, test.name), test.script)).collect()
    }

    fn names(source: &str) -> Vec<String> {
        found(source).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn methods_of_test_cases_are_tests() {
        let source = "
            import XCTest
            final class B: XCTestCase {
                private var x = { 1 }()
                override func setUp() {}
                func testTwo() async throws -> (Void) { if x == 1 { } }
                func testOne() {}
                func testWith(parameter: Int) {}
                private func testHelper() {}
                static func testStatic() {}
                func helper() {}
            }
            class C: B { func testThree() {} }
            class D { func testNothing() {} }
            extension B { func testInExtension() {} }
            protocol P { func testRequirement() }
            class E: AppTestCase { func testOfUnknownBase() {} }
        ";
        assert_eq!(names(source), ["B/testInExtension", "B/testOne", "B/testTwo", "C/testThree", "E/testOfUnknownBase"]);
    }

    #[test]
    fn swift_testing_functions_are_tests() {
        let source = "
            import Testing
            @Suite(\"Feed\") struct FeedSuite {
                @Test func merges() async {}
                @Test(\"Shown name\", .disabled(\"later\")) func sorts() {}
                func helper() {}
            }
            @Test func free() { #expect(false) }
        ";
        let found = found(source);
        assert_eq!(found[0].0, "/free");
        assert!(matches!(found[0].1, Script::Fail { .. }));
        assert_eq!(found[1], ("FeedSuite/merges".to_owned(), Script::Pass));
        assert!(matches!(&found[2].1, Script::Skip { message, .. } if message == "later"));
    }

    #[test]
    fn a_body_says_how_its_test_ends() {
        let body = |body: &str| {
            let source = format!("class T: XCTestCase {{ func testX() throws {{\n{body}\n}} }}");
            found(&source).remove(0).1
        };
        let fail = |message: &str| Script::Fail { message: message.to_owned(), line: 2 };
        assert_eq!(body("XCTFail(\"no\")"), fail("failed - no"));
        assert_eq!(body("XCTFail()"), fail("failed"));
        assert_eq!(body("XCTAssertEqual(1, 2)"), fail("XCTAssertEqual failed: (\"1\") is not equal to (\"2\")"));
        assert_eq!(body("XCTAssertEqual(a, 2)"), Script::Pass);
        assert_eq!(body("guard let a = b else { return XCTFail(\"no\") }"), Script::Pass);
        assert_eq!(body("// XCTFail(\"no\")\nlet s = \"XCTFail()\""), Script::Pass);
        assert!(matches!(body("throw XCTSkip(\"not now\")"), Script::Skip { message, .. } if message == "not now"));
        assert!(matches!(body("fatalError(\"dead\")"), Script::Crash { message, .. } if message == "dead"));
    }
}
