//! One suite for every backend of the store: what holds in a double in memory must hold on a disk and in a bucket of a real server.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod backend;
mod chunks;
mod objects;
mod recipes;
mod sets;

/// Makes each test of a room three times: in a double in memory, in a directory, in a bucket.
macro_rules! on_every_backend {
    ($($test:ident),* $(,)?) => {
        mod in_a_double {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::backend::Backend::in_a_double()).await;
                }
            )*
        }
        mod in_a_directory {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::backend::Backend::in_a_directory()).await;
                }
            )*
        }
        mod in_a_bucket {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::backend::Backend::in_a_bucket()).await;
                }
            )*
        }
    };
}
pub(crate) use on_every_backend;
