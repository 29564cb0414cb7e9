//! `xcrun`: finds a tool of the active Xcode, and runs it. Tools run within this process.

use std::path::PathBuf;

use crate::console::Console;
use crate::developer::{Developer, Installation};
use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::program::{dispatch, is_simulated};

/// What is asked about an SDK.
#[derive(Clone, Copy)]
enum SdkQuestion {
    Path,
    Version,
    BuildVersion,
    PlatformPath,
    PlatformVersion,
}

/// What `xcrun` was asked for.
enum Request {
    Version,
    Find(String),
    Sdk(SdkQuestion),
    Run(String, Vec<String>),
    Nothing,
}

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    let (sdk, request) = parse(&invocation.arguments);
    if matches!(request, Request::Version) {
        console.line("xcrun version 70.");
        return Exit::OK;
    }
    let developer = match installation.developer(invocation, "xcrun") {
        Ok(developer) => developer,
        Err(error) => {
            console.error(error.to_string());
            return error.exit();
        }
    };
    match request {
        Request::Version => Exit::OK,
        Request::Find(tool) => find(&tool, installation, developer, console),
        Request::Sdk(question) => answer(question, &sdk, developer, console),
        Request::Run(tool, arguments) if is_simulated(&tool) => {
            dispatch(&invocation.dispatched_to(&tool, &arguments), installation, console)
        }
        Request::Run(tool, arguments) => compiler_version(&tool, &arguments, installation, developer, console),
        Request::Nothing => {
            console.error("xcrun: error: no tool name specified\nUsage: xcrun [options] <tool name> ... arguments ...");
            Exit::USAGE
        }
    }
}

fn parse(arguments: &[String]) -> (String, Request) {
    let mut sdk = String::from("macosx");
    let mut find = false;
    let mut words = arguments.iter().enumerate();
    while let Some((index, word)) = words.next() {
        let Some(option) = word.strip_prefix('-') else {
            let request = if find { Request::Find(word.clone()) } else { Request::Run(word.clone(), arguments[index + 1..].to_vec()) };
            return (sdk, request);
        };
        match option.trim_start_matches('-') {
            "sdk" => sdk = words.next().map(|(_, name)| name.clone()).unwrap_or_default(),
            "find" | "f" => find = true,
            "version" => return (sdk, Request::Version),
            "show-sdk-path" => return (sdk, Request::Sdk(SdkQuestion::Path)),
            "show-sdk-version" => return (sdk, Request::Sdk(SdkQuestion::Version)),
            "show-sdk-build-version" => return (sdk, Request::Sdk(SdkQuestion::BuildVersion)),
            "show-sdk-platform-path" => return (sdk, Request::Sdk(SdkQuestion::PlatformPath)),
            "show-sdk-platform-version" => return (sdk, Request::Sdk(SdkQuestion::PlatformVersion)),
            // `--run`, `--log`, `--no-cache`, `--kill-cache` and `--verbose` change nothing that is simulated.
            _ => {}
        }
    }
    (sdk, Request::Nothing)
}

fn find(tool: &str, installation: &Installation, developer: Developer<'_>, console: &mut Console) -> Exit {
    let inside = developer.path().join("usr/bin").join(tool);
    let path = match tool {
        "sw_vers" | "xcode-select" => installation.root.join("bin").join(tool),
        "swift" | "swiftc" | "clang" => toolchain_tool(developer, tool),
        _ if is_simulated(tool) => inside,
        _ => return no_tool(tool, console),
    };
    console.line(path.to_string_lossy());
    Exit::OK
}

fn answer(question: SdkQuestion, name: &str, developer: Developer<'_>, console: &mut Console) -> Exit {
    let Some(sdk) = developer.sdk(name) else {
        console.error(format!("xcrun: error: SDK \"{name}\" cannot be located"));
        console.error("xcrun: error: unable to lookup item in SDK");
        return Exit::FAILURE;
    };
    let text = match question {
        SdkQuestion::Path => developer.sdk_path(sdk).to_string_lossy().into_owned(),
        SdkQuestion::Version | SdkQuestion::PlatformVersion => sdk.version.clone(),
        SdkQuestion::BuildVersion => sdk.build.clone(),
        SdkQuestion::PlatformPath => developer.platform_path(sdk.platform).to_string_lossy().into_owned(),
    };
    console.line(text);
    Exit::OK
}

/// The compilers are not simulated, except for saying which they are.
fn compiler_version(
    tool: &str,
    arguments: &[String],
    installation: &Installation,
    developer: Developer<'_>,
    console: &mut Console,
) -> Exit {
    let machine = &installation.machine;
    let major = machine.macos.version.split('.').next().unwrap_or("15");
    let target = format!("{}-apple-macosx{major}.0", machine.architecture);
    match (tool, arguments.first().map(String::as_str)) {
        ("swift" | "swiftc", Some("--version" | "-version")) => {
            let swift = &developer.xcode.swift;
            console.line(format!("Apple Swift version {swift} (swiftlang-{swift}.1.10 simulated)\nTarget: {target}"));
            Exit::OK
        }
        ("clang", Some("--version")) => {
            console.line(format!("Apple clang version 16.0.0 (simulated)\nTarget: {target}\nThread model: posix"));
            Exit::OK
        }
        ("clang", Some("-dumpmachine")) => {
            console.line(format!("{}-apple-darwin{}", machine.architecture, kernel_version(&machine.macos.version)));
            Exit::OK
        }
        ("swift" | "swiftc" | "clang", _) => {
            console.error(format!("simulated Xcode: {tool} has no compiler behind it; only --version is answered"));
            Exit::FAILURE
        }
        _ => no_tool(tool, console),
    }
}

/// The Darwin version of a macOS version: 15.3.1 is 24.3.0, 26.1 is 25.1.0.
fn kernel_version(macos: &str) -> String {
    let mut parts = macos.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let darwin = if major >= 26 { major - 1 } else { major + 9 };
    format!("{darwin}.{minor}.0")
}

fn toolchain_tool(developer: Developer<'_>, tool: &str) -> PathBuf {
    developer.path().join("Toolchains/XcodeDefault.xctoolchain/usr/bin").join(tool)
}

fn no_tool(tool: &str, console: &mut Console) -> Exit {
    console.error(format!("xcrun: error: unable to find utility \"{tool}\", not a developer tool or in PATH"));
    Exit::NO_TOOL
}
