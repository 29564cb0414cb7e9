//! `sw_vers`: which macOS this is.

use crate::console::Console;
use crate::developer::Installation;
use crate::exit::Exit;
use crate::invocation::Invocation;

pub(crate) fn main(invocation: &Invocation, installation: &Installation, console: &mut Console) -> Exit {
    let macos = &installation.machine.macos;
    let Some(option) = invocation.arguments.first() else {
        console.line(format!("ProductName:\t\t{}", macos.product_name));
        console.line(format!("ProductVersion:\t\t{}", macos.version));
        console.line(format!("BuildVersion:\t\t{}", macos.build));
        return Exit::OK;
    };
    let value = match option.trim_start_matches('-') {
        "productName" => &macos.product_name,
        "productVersion" => &macos.version,
        "buildVersion" => &macos.build,
        _ => {
            console.error("Usage: sw_vers [--help|--productName|--productVersion|--productVersionExtra|--buildVersion]");
            return Exit::FAILURE;
        }
    };
    console.line(value);
    Exit::OK
}
