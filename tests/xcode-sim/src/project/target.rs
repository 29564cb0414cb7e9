//! What is compiled together.

use std::path::{Path, PathBuf};

/// What a target's product is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Application,
    UnitTests,
    UiTests,
    /// Frameworks, libraries, extensions, aggregates.
    Other,
}

impl TargetKind {
    pub(crate) const fn is_tests(self) -> bool {
        match self {
            Self::UnitTests | Self::UiTests => true,
            Self::Application | Self::Other => false,
        }
    }
}

/// A file to compile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Swift(PathBuf),
    /// C, C++, Objective-C.
    Clang(PathBuf),
}

impl Source {
    /// The source a path is by its ending; `None` when it is not compiled.
    pub(crate) fn of(path: PathBuf) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        match ending.as_str() {
            "swift" => Some(Self::Swift(path)),
            "m" | "mm" | "c" | "cc" | "cpp" | "cxx" => Some(Self::Clang(path)),
            _ => None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Swift(path) | Self::Clang(path) => path,
        }
    }
}

/// A target this one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dependency {
    /// In the same project.
    Id(String),
    /// In another project, by its name.
    Name(String),
}

/// A target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The project's id for it; a package's target has its name here.
    pub(crate) id: String,
    pub(crate) name: String,
    /// The project's or package's name.
    pub(crate) project: String,
    pub(crate) kind: TargetKind,
    /// "SampleApp.app".
    pub(crate) product: String,
    pub(crate) sources: Vec<Source>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Whether script phases may write sources that are not there yet.
    pub(crate) makes_sources: bool,
    /// The folder its project lies in.
    pub(crate) folder: PathBuf,
}
