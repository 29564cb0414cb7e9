//! The header that every document starts with.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A document with a stable name and a major version.
pub trait Document {
    /// The name in `rch-xcode/<name>@<major>` and of the schema file.
    const NAME: &'static str;
    /// Bumped when a field is removed, renamed, retyped or tightened.
    const MAJOR: u32;

    /// `rch-xcode/<name>@<major>`.
    fn document_id() -> String {
        format!("rch-xcode/{}@{}", Self::NAME, Self::MAJOR)
    }
}

macro_rules! constant_member {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<D>(PhantomData<fn() -> D>);

        impl<D> Default for $name<D> {
            fn default() -> Self {
                Self(PhantomData)
            }
        }
        impl<D> Clone for $name<D> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<D> Copy for $name<D> {}
        impl<D> PartialEq for $name<D> {
            fn eq(&self, _: &Self) -> bool {
                true
            }
        }
        impl<D> Eq for $name<D> {}
    };
}

constant_member!(
    /// The `schema_id` member: one text per document type, checked when read.
    SchemaId
);
constant_member!(
    /// The `schema_version` member: the major version, checked when read.
    SchemaVersion
);

impl<D: Document> fmt::Debug for SchemaId<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&D::document_id())
    }
}

impl<D: Document> fmt::Debug for SchemaVersion<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        D::MAJOR.fmt(f)
    }
}

impl<D: Document> Serialize for SchemaId<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&D::document_id())
    }
}

impl<'de, D: Document> Deserialize<'de> for SchemaId<D> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        let found = Cow::<str>::deserialize(deserializer)?;
        if found == D::document_id() {
            Ok(Self::default())
        } else {
            Err(R::Error::custom(format!("expected schema_id {}, found {found}", D::document_id())))
        }
    }
}

impl<D: Document> JsonSchema for SchemaId<D> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("SchemaId_{}", D::NAME).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": D::document_id() })
    }
}

impl<D: Document> Serialize for SchemaVersion<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(D::MAJOR)
    }
}

impl<'de, D: Document> Deserialize<'de> for SchemaVersion<D> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        let found = u32::deserialize(deserializer)?;
        if found == D::MAJOR {
            Ok(Self::default())
        } else {
            Err(R::Error::custom(format!("expected schema_version {} of {}, found {found}", D::MAJOR, D::NAME)))
        }
    }
}

impl<D: Document> JsonSchema for SchemaVersion<D> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("SchemaVersion_{}", D::NAME).into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": D::MAJOR })
    }
}

/// Declares a document: its header by scope, then its own members.
macro_rules! document {
    ($(#[$doc:meta])* farm $name:ident = $schema:literal @ $major:literal { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $crate::document::header::document!(@struct $(#[$doc])* $name $schema $major {} { $($(#[$field_doc])* pub $field: $type,)* });
    };
    ($(#[$doc:meta])* run $name:ident = $schema:literal @ $major:literal { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $crate::document::header::document!(@struct $(#[$doc])* $name $schema $major {
            /// The run this belongs to.
            pub run_id: $crate::id::RunId,
        } { $($(#[$field_doc])* pub $field: $type,)* });
    };
    ($(#[$doc:meta])* job $name:ident = $schema:literal @ $major:literal { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $crate::document::header::document!(@struct $(#[$doc])* $name $schema $major {
            /// The run this belongs to.
            pub run_id: $crate::id::RunId,
            /// The job this belongs to.
            pub job_id: $crate::id::JobId,
            /// The job's key; null until a toolchain is bound to the job.
            pub job_key: Option<$crate::job_key::JobKey>,
            /// The attempt that produced this; 0 when none did.
            pub attempt: $crate::id::Attempt,
        } { $($(#[$field_doc])* pub $field: $type,)* });
    };
    (@struct $(#[$doc:meta])* $name:ident $schema:literal $major:literal { $($(#[$scope_doc:meta])* pub $scope:ident: $scope_type:ty,)* } { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub struct $name {
            /// The major version of the schema.
            pub schema_version: $crate::document::SchemaVersion<$name>,
            /// The stable name of the schema.
            pub schema_id: $crate::document::SchemaId<$name>,
            /// When the document was made, by its maker's clock; for display only.
            pub created_at: $crate::time::Timestamp,
            $($(#[$scope_doc])* pub $scope: $scope_type,)*
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $crate::document::Document for $name {
            const NAME: &'static str = $schema;
            const MAJOR: u32 = $major;
        }
    };
}
pub(crate) use document;

#[cfg(test)]
mod tests {
    use crate::document::Recipe;

    #[test]
    fn another_major_is_refused_naming_both_schema_ids() {
        let text = r#"{"schema_version":1,"schema_id":"rch-xcode/recipe@2","created_at":"2026-01-01T00:00:00Z"}"#;
        let error = serde_json::from_str::<Recipe>(text).expect_err("another major").to_string();
        assert!(error.starts_with("expected schema_id rch-xcode/recipe@1, found rch-xcode/recipe@2"), "{error}");
    }
}
