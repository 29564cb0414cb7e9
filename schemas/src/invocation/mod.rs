//! What of an `xcodebuild` command line the farm runs, drops or refuses; deny by default.
//!
//! Owns the table of arguments (`table`), the table of build settings (`settings`), and the one pure function over them, [`classify`], which
//! decides in the client (fast answer), in the coordinator (authority) and in the agent (last look). [`split`] takes away what people write
//! before the word `xcodebuild`.
//!
//! It deliberately does not know the tree, the repo's config, any worker or any timeout: path rules are lexical, links and existence are the
//! bundler's and the agent's to check, and a destination is read but not resolved.

mod agree;
mod anatomy;
mod classified;
mod classify;
mod nearest;
mod policy;
mod scan;
mod sdk;
mod settings;
mod split;
mod steps;
mod table;
mod value;
mod xcconfig;

pub use anatomy::{Part, anatomy};
pub use classified::{Classified, Container, Dropped, Rejected, sdk_of};
pub use classify::{classify, refused_for};
pub use nearest::nearest;
pub use policy::Policy;
pub use scan::{ARGUMENT_BYTES_MAX, ARGUMENTS_MAX};
pub use sdk::{Sdk, UnknownSdk};
pub use settings::{Closed, SETTINGS, SettingClass, SettingRow};
pub use split::{Assignment, Split, SplitError, SplitErrorKind, split};
pub use steps::{AllowanceTooLong, StepOrder, StepPlace, check_allowances, check_order};
pub use table::{Class, Row, TABLE};
pub use value::Value;
pub use xcconfig::{DeniedAssignment, Xcconfig, read_xcconfig, xcconfig_of};

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
