//! `xcode-select`: which developer directory is active.

use crate::console::Console;
use crate::developer::Installation;
use crate::exit::Exit;
use crate::invocation::Invocation;

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    match invocation.arguments.first().map(String::as_str) {
        Some("-p" | "--print-path" | "-print-path") => print_path(invocation, installation, console),
        Some("-v" | "--version" | "-version") => {
            console.line("xcode-select version 2409.");
            Exit::OK
        }
        Some("-s" | "--switch" | "-switch") => {
            console.error("xcode-select: error: --switch must be run as root (e.g. `sudo xcode-select --switch <xcode_folder_path>`).");
            Exit::FAILURE
        }
        _ => {
            console.error("Usage: xcode-select [options]\n\nPrint or change the path to the active developer directory.");
            Exit::FAILURE
        }
    }
}

fn print_path(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    let dir = installation.developer_dir(invocation);
    if dir.as_os_str().is_empty() {
        console.error("xcode-select: error: unable to get active developer directory, use `sudo xcode-select --switch path/to/Xcode.app` to set one (or see `man xcode-select`)");
        return Exit(2);
    }
    console.line(dir.to_string_lossy());
    Exit::OK
}
