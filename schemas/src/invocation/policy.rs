//! What the farm's operators allow beyond the table's own answers.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::{self, SettingClass};
use super::table::{self, Class};
use crate::digest::Sha256;

/// The farm's policy. A repo may narrow it and never widen it; what the tables deny no policy allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policy {
    /// Arguments of class policy that the farm allows, such as `-xcconfig`.
    pub arguments: BTreeSet<String>,
    /// Settings of class policy and the projects' own keys that the farm allows: the exact key (`OTHER_LDFLAGS`, `SQLITE_FTS5`,
    /// `ARCHS[sdk=iphoneos*]`) or a row of the table as it stands there (`*_SEARCH_PATHS`).
    pub settings: BTreeSet<String>,
    /// Whether package macros and plug-ins run without being confirmed.
    pub trust_macros_and_plugins: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { arguments: BTreeSet::new(), settings: BTreeSet::new(), trust_macros_and_plugins: true }
    }
}

impl Policy {
    /// The digest of the canonical form, recorded with every decision.
    pub fn digest(&self) -> Sha256 {
        Sha256::of_canonical(self).expect("sets of strings and a boolean always have a canonical form")
    }

    /// What both allow: how a repo's policy is applied to the farm's.
    #[must_use]
    pub fn narrowed_by(&self, repo: &Self) -> Self {
        Self {
            arguments: self.arguments.intersection(&repo.arguments).cloned().collect(),
            settings: self.settings.intersection(&repo.settings).cloned().collect(),
            trust_macros_and_plugins: self.trust_macros_and_plugins && repo.trust_macros_and_plugins,
        }
    }

    /// Names in this policy that change nothing, because the tables allow or deny them whatever a policy says, or because there is no such
    /// argument. An operator who wrote one should be told.
    pub fn without_effect(&self) -> Vec<&str> {
        let arguments = self.arguments.iter().filter(|name| table::find(name).is_none_or(|row| row.class != Class::Policy));
        let settings = self.settings.iter().filter(|key| {
            settings::find(settings::base(key)).is_some_and(|row| match row.class {
                SettingClass::Allow(_) => !key.contains('['),
                SettingClass::Policy => false,
                SettingClass::Deny => true,
            })
        });
        arguments.chain(settings).map(String::as_str).collect()
    }
}
