//! Finds tests in Objective-C: methods called "test…" of an implementation in a file that uses XCTest. They pass: their
//! bodies are not read.

use std::path::Path;

use super::discovery::{SwiftTests, TestKind, TestMethod};
use super::script::Script;

/// Reads a file's tests into `found`.
pub(crate) fn discover_objective_c(source: &str, file: &Path, found: &mut SwiftTests) {
    if !source.contains("XCTest") && !source.contains("XCTAssert") {
        return;
    }
    let mut class = "";
    for (index, line) in source.lines().enumerate() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("@implementation ") {
            class = first_name(rest);
        } else if line.starts_with("@end") {
            class = "";
        } else if let Some(name) = test_name(line)
            && !class.is_empty()
        {
            found.add(TestMethod {
                kind: TestKind::ObjectiveC,
                suite: class.to_owned(),
                name: name.to_owned(),
                display_name: None,
                file: file.to_owned(),
                line: index + 1,
                script: Script::Pass,
            });
        }
    }
}

/// The name in `- (void)testSomething {`. A method with parameters is no test.
fn test_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('-')?.trim_start().strip_prefix("(void)")?.trim_start();
    let name = first_name(rest);
    let is_plain = !rest[name.len()..].trim_start().starts_with(':');
    (name.starts_with("test") && is_plain).then_some(name)
}

fn first_name(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_without_parameters_are_tests() {
        let source = "#import <XCTest/XCTest.h>\n@interface A : XCTestCase\n- (void)testDeclared;\n@end\n\
            @implementation A\n- (void)setUp {}\n- (void)testOne {\n}\n-(void) testTwo\n{\n}\n\
            - (void)testWith:(int)number {}\n+ (void)testClass {}\n@end";
        let mut found = SwiftTests::default();
        discover_objective_c(source, Path::new("A.m"), &mut found);
        let names: Vec<String> = found.into_tests().into_iter().map(|test| test.identifier()).collect();
        assert_eq!(names, ["A/testOne", "A/testTwo"]);
    }
}
