//! What is to be built: from a workspace, project or package and a scheme to targets and their files.
//!
//! It reads the tree as Xcode does (container, shared schemes, `project.pbxproj`, test plans) and is lenient where a
//! tree is unusual: what cannot be understood is left out rather than refused.

mod container;
mod file_tree;
mod openstep;
mod package;
mod pbxproj;
mod plan;
mod scheme;
mod target;
mod xml;

pub(crate) use container::{Container, ContainerError, ContainerKind};
pub(crate) use plan::{Plan, PlanError, TestSelection, Wanted, names_test};
pub(crate) use target::{Dependency, Source, Target, TargetKind};
