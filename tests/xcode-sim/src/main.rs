//! The simulated tools as one program of their own: called through a link named like a tool it is that tool, called
//! by its own name it lays out a machine.

use std::path::Path;
use std::process::ExitCode;

use rch_xcode_sim::Machine;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let program = words.first().map_or("", String::as_str);
    if let Some(exit) = rch_xcode_sim::run(program) {
        return exit;
    }
    match words.get(1..) {
        Some([command, folder]) if command == "install" => install(Path::new(folder), "16.2"),
        Some([command, folder, xcode]) if command == "install" => install(Path::new(folder), xcode),
        Some(_) | None => {
            eprintln!("usage: rch-xcode-sim install FOLDER [16.2|16.4|26.1]");
            ExitCode::from(64)
        }
    }
}

/// Lays a machine out with links to this program.
fn install(folder: &Path, xcode: &str) -> ExitCode {
    let machine = match xcode {
        "15.4" => Machine::xcode_15_4(),
        "16.2" => Machine::xcode_16_2(),
        "16.4" => Machine::xcode_16_4(),
        "26.1" => Machine::xcode_26_1(),
        other => {
            eprintln!("no simulated Xcode {other}: there are 15.4, 16.2, 16.4 and 26.1");
            return ExitCode::from(64);
        }
    };
    let installed = std::env::current_exe()
        .map_err(|error| error.to_string())
        .and_then(|program| rch_xcode_sim::install(folder, &machine, &program).map_err(|error| error.to_string()));
    match installed {
        Ok(bin) => {
            println!("{}", bin.display());
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("rch-xcode-sim: {reason}");
            ExitCode::FAILURE
        }
    }
}
