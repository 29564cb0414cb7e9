//! Which machine the tool runs on, and which of its Xcodes is meant.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::invocation::Invocation;
use crate::machine::{FORMAT, MACHINE_FILE, Machine, Platform, Sdk, Xcode};

/// How far above a tool its machine's document may lie: `Xcode.app/Contents/Developer/usr/bin` is five below it.
const FOLDERS_UP: usize = 6;

/// A machine and where it is laid out.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) machine: Machine,
    /// The folder the Xcodes are in.
    pub(crate) root: PathBuf,
    /// Where simulators' state is kept.
    pub(crate) state: PathBuf,
    /// The tool's own folder, resolved.
    folder: Option<PathBuf>,
}

/// An Xcode and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Developer<'a> {
    pub(crate) xcode: &'a Xcode,
    root: &'a Path,
}

/// Why a tool does not know its machine or its Xcode. The texts are the real tools'.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeveloperError {
    #[error("xcrun: error: missing DEVELOPER_DIR path: {}", .0.display())]
    MissingDeveloperDir(PathBuf),
    #[error(
        "xcrun: error: invalid active developer path ({path}), missing xcrun at: {path}/usr/bin/xcrun",
        path = .0.display()
    )]
    InvalidActivePath(PathBuf),
    #[error(
        "xcode-select: error: tool '{tool}' requires Xcode, but active developer directory '{}' is a command line \
         tools instance",
        path.display()
    )]
    CommandLineTools { tool: String, path: PathBuf },
    #[error("simulated Xcode: cannot read its machine document {}: {reason}", path.display())]
    Machine { path: PathBuf, reason: String },
}

impl DeveloperError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::MissingDeveloperDir(_) | Self::InvalidActivePath(_) | Self::CommandLineTools { .. } => Exit::FAILURE,
            Self::Machine { .. } => Exit::IO,
        }
    }
}

impl Installation {
    /// The machine of a tool folder (found near the tool), else of the environment, else the built-in one.
    pub(crate) fn of(invocation: &Invocation) -> Result<Self, DeveloperError> {
        let folder = invocation.tool_folder().and_then(|folder| fs::canonicalize(folder).ok());
        let near = folder.iter().flat_map(|folder| folder.ancestors().take(FOLDERS_UP));
        if let Some(root) = near.map(Path::to_owned).find(|root| root.join(MACHINE_FILE).is_file()) {
            return Self::read(&root.join(MACHINE_FILE), folder);
        }
        if let Some(path) = invocation.machine_variable() {
            return Self::read(path, folder);
        }
        Ok(Self {
            machine: Machine::xcode_16_2(),
            root: PathBuf::from("/Applications"),
            state: invocation.home().join("Library/Developer/CoreSimulator").join(crate::simctl::STATE_FILE),
            folder,
        })
    }

    fn read(path: &Path, folder: Option<PathBuf>) -> Result<Self, DeveloperError> {
        let failed = |reason: String| DeveloperError::Machine { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let machine: Machine = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        if machine.format != FORMAT {
            return Err(failed(format!("format is {:?}, expected {FORMAT:?}", machine.format)));
        }
        let root = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { machine, state: root.join(crate::simctl::STATE_FILE), root, folder })
    }

    /// The developer directory in force: `DEVELOPER_DIR`, else the Xcode the tool lies in, else the selected one.
    pub(crate) fn developer_dir(&self, invocation: &Invocation) -> PathBuf {
        if let Some(path) = invocation.variable("DEVELOPER_DIR") {
            return invocation.absolute(path);
        }
        let own = self.machine.xcodes.iter().map(|xcode| self.dir_of(xcode));
        own.into_iter()
            .find(|dir| self.folder.as_ref().is_some_and(|folder| folder.starts_with(dir)))
            .unwrap_or_else(|| self.selected_dir())
    }

    fn selected_dir(&self) -> PathBuf {
        self.machine
            .xcodes
            .iter()
            .find(|xcode| xcode.app == self.machine.selected)
            .map_or_else(|| PathBuf::from(&self.machine.selected), |xcode| self.dir_of(xcode))
    }

    fn dir_of(&self, xcode: &Xcode) -> PathBuf {
        self.root.join(&xcode.app).join("Contents/Developer")
    }

    /// The Xcode in force for `tool`, or what the real tools say when there is none.
    pub(crate) fn developer(&self, invocation: &Invocation, tool: &str) -> Result<Developer<'_>, DeveloperError> {
        let dir = self.developer_dir(invocation);
        if dir.ends_with("CommandLineTools") {
            return Err(DeveloperError::CommandLineTools { tool: tool.to_owned(), path: dir });
        }
        if let Some(xcode) = self.machine.xcodes.iter().find(|xcode| self.is_dir_of(&dir, xcode)) {
            return Ok(Developer { xcode, root: &self.root });
        }
        if invocation.variable("DEVELOPER_DIR").is_some() && !dir.exists() {
            return Err(DeveloperError::MissingDeveloperDir(dir));
        }
        Err(DeveloperError::InvalidActivePath(dir))
    }

    /// `DEVELOPER_DIR` may name the app or its developer directory, directly or through links.
    fn is_dir_of(&self, dir: &Path, xcode: &Xcode) -> bool {
        let own = self.dir_of(xcode);
        let same = |path: &Path| path == own || matches!((fs::canonicalize(path), fs::canonicalize(&own)), (Ok(a), Ok(b)) if a == b);
        same(dir) || same(&dir.join("Contents/Developer"))
    }
}

impl Developer<'_> {
    /// The developer directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.join(&self.xcode.app).join("Contents/Developer")
    }

    /// An SDK by platform, or by a name like "iphonesimulator" or "iphonesimulator18.2".
    pub(crate) fn sdk(&self, name: &str) -> Option<&Sdk> {
        self.xcode.sdks.iter().find(|sdk| sdk.platform.sdk_name() == name || sdk.canonical_name() == name)
    }

    pub(crate) fn sdk_of(&self, platform: Platform) -> Option<&Sdk> {
        self.sdk(platform.sdk_name())
    }

    pub(crate) fn platform_path(&self, platform: Platform) -> PathBuf {
        self.path().join(format!("Platforms/{}.platform", platform.folder_name()))
    }

    pub(crate) fn sdk_path(&self, sdk: &Sdk) -> PathBuf {
        self.platform_path(sdk.platform).join("Developer/SDKs").join(sdk_folder(sdk))
    }
}

/// "iPhoneSimulator18.2.sdk".
pub(crate) fn sdk_folder(sdk: &Sdk) -> String {
    format!("{}{}.sdk", sdk.platform.folder_name(), sdk.version)
}
