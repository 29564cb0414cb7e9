//! Reading Swift, as far as a test double must: enough to tell a broken file from a good one and to find the tests.
//!
//! The rule is "when in doubt, accept": a real compiler would say more, but a file that a real compiler accepts must
//! never be refused here.

mod check;
mod discovery;
mod lexer;
mod objective_c;
mod script;

pub(crate) use check::{Diagnostic, Severity, check};
pub(crate) use discovery::{SwiftTests, TestKind, TestMethod, discover};
pub(crate) use lexer::{Kind, Token, lex};
pub(crate) use objective_c::discover_objective_c;
pub(crate) use script::Script;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_cut_anywhere_is_read_without_a_panic() {
        let sources = [
            include_str!("../../fixtures/SampleApp/Sources/Feed/FeedLoader.swift"),
            "/* é /* */ let s = #\"\\#(f(\"\\(g(\"{\"))\"))\"#; let r = /[é/]{\\/}/; let m = \"\"\"\n\\(x)\"\"\"\"; #if A\n#error(\"é\")\n#else",
            "extension A.B where C == D<[E]> { @Test(\"é\", .disabled(\"é\")) func t() async throws -> (Int, Int) { XCTFail(\"é\") } }",
        ];
        for source in sources {
            for (end, _) in source.char_indices() {
                let cut = &source[..end];
                let mut found = SwiftTests::default();
                discover(&format!("// XCTestCase @Test\n{cut}"), Path::new("A.swift"), &mut found);
                discover_objective_c(cut, Path::new("A.m"), &mut found);
                check(cut);
            }
        }
    }
}
