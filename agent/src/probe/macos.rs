//! The operating system and the architecture.

use std::time::Duration;

use rch_schemas::capabilities::Macos;

use crate::tool::{Call, ToolError, Tools};

/// `sw_vers` answers in milliseconds; more means the machine is in trouble.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks `sw_vers`.
pub(super) async fn ask(tools: &Tools) -> Result<Macos, ToolError> {
    let text = tools.ask(Call { tool: "sw_vers", arguments: &[], developer_dir: None, timeout: TIMEOUT }).await?;
    Ok(parse(&text))
}

/// The architecture of the machine, `arm64` or `x86_64`: the first word of the triple that the selected Xcode's compiler builds for by default.
/// Not our own: under Rosetta that would be the wrong one.
pub(super) async fn arch(tools: &Tools, developer_dir: Option<&str>) -> Result<String, ToolError> {
    let call = Call { tool: "xcrun", arguments: &["clang", "-dumpmachine"], developer_dir, timeout: TIMEOUT };
    let triple = tools.ask(call).await?;
    Ok(triple.trim().split('-').next().unwrap_or_default().to_owned())
}

/// The architecture this program was built for, in Apple's word: for when no tool answers.
pub(super) fn own_arch() -> String {
    match std::env::consts::ARCH {
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    }
}

/// Reads `sw_vers`: a name, a colon, tabs, a value. A member it does not say is empty.
fn parse(text: &str) -> Macos {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    Macos { product_name: value("ProductName"), version: value("ProductVersion"), build: value("BuildVersion") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tab_two_tabs_and_the_old_name_are_read() {
        let macos = parse("ProductName:\t\tmacOS\nProductVersion:\t\t14.4.1\nBuildVersion:\t\t23E224\n");
        assert_eq!((macos.product_name.as_str(), macos.version.as_str(), macos.build.as_str()), ("macOS", "14.4.1", "23E224"));
        assert_eq!(parse("ProductName:\tMac OS X\nProductVersion:\t10.15.7\n").product_name, "Mac OS X");
        assert_eq!(parse("sw_vers: command not understood").version, "");
    }
}
