//! Lays a machine out as a folder of tools, so that a program pointed at its `bin` sees that machine.
//!
//! ```text
//! machine.json                              which Mac this is
//! simulators.json                           made by simctl: created, booted and deleted simulators
//! bin/{xcodebuild,xcrun,sw_vers,xcode-select}   links to the program that holds every tool
//! Xcode-16.2.app/Contents/version.plist
//! Xcode-16.2.app/Contents/Developer/usr/bin/{xcodebuild,xcrun,simctl,xcresulttool}
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Machine, Xcode};
use crate::program::PROGRAMS;

/// The machine document's name in a tool folder.
pub const MACHINE_FILE: &str = "machine.json";

/// The tools inside an Xcode.
const DEVELOPER_TOOLS: [&str; 4] = ["xcodebuild", "xcrun", "simctl", "xcresulttool"];

/// Why a machine could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file or folder could not be made.
    #[error("cannot make {}", path.display())]
    Write {
        /// What was to be made.
        path: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    /// The program that holds the tools is not there.
    #[error("cannot find the program that holds the tools, {}", path.display())]
    NoProgram {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it was not found.
        source: io::Error,
    },
}

/// Lays `machine` out in `folder`, its tools being links to `program`, and returns the folder to put into a tool path
/// (`folder/bin`). Doing it again replaces the links and the document, and forgets the simulators' state.
///
/// # Errors
///
/// The program does not exist, or a file cannot be written.
pub fn install(folder: &Path, machine: &Machine, program: &Path) -> Result<PathBuf, InstallError> {
    let program = fs::canonicalize(program).map_err(|source| InstallError::NoProgram { path: program.to_owned(), source })?;
    let bin = folder.join("bin");
    make_folder(&bin)?;
    for tool in PROGRAMS {
        link(&program, &bin.join(tool))?;
    }
    for xcode in &machine.xcodes {
        install_xcode(folder, xcode, &program)?;
    }
    let state = folder.join(crate::simctl::STATE_FILE);
    if state.exists() {
        fs::remove_file(&state).map_err(|source| InstallError::Write { path: state, source })?;
    }
    let document = serde_json::to_string_pretty(machine).expect("a machine has only string keys");
    write(&folder.join(MACHINE_FILE), &document)?;
    Ok(bin)
}

fn install_xcode(folder: &Path, xcode: &Xcode, program: &Path) -> Result<(), InstallError> {
    let contents = folder.join(&xcode.app).join("Contents");
    let usr_bin = contents.join("Developer/usr/bin");
    make_folder(&usr_bin)?;
    for tool in DEVELOPER_TOOLS {
        link(program, &usr_bin.join(tool))?;
    }
    for sdk in &xcode.sdks {
        let sdks =
            format!("Developer/Platforms/{}.platform/Developer/SDKs/{}", sdk.platform.folder_name(), crate::developer::sdk_folder(sdk));
        make_folder(&contents.join(sdks))?;
    }
    write(&contents.join("version.plist"), &version_plist(xcode))
}

/// The keys of a real `version.plist` that say which Xcode it is.
fn version_plist(xcode: &Xcode) -> String {
    let entries = [
        ("CFBundleShortVersionString", xcode.version.as_str()),
        ("CFBundleVersion", "23507"),
        ("ProductBuildVersion", xcode.build.as_str()),
        ("ProjectName", "IDEApplication"),
    ];
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n",
    );
    for (key, value) in entries {
        text.extend(["\t<key>", key, "</key>\n\t<string>", value, "</string>\n"]);
    }
    text.push_str("</dict>\n</plist>\n");
    text
}

fn make_folder(path: &Path) -> Result<(), InstallError> {
    fs::create_dir_all(path).map_err(|source| InstallError::Write { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), InstallError> {
    fs::write(path, text).map_err(|source| InstallError::Write { path: path.to_owned(), source })
}

fn link(program: &Path, path: &Path) -> Result<(), InstallError> {
    let failed = |source| InstallError::Write { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    symlink(program, path).map_err(failed)
}
