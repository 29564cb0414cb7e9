//! One suite for every backend of the store: what holds in memory must hold on a disk, and later in a bucket.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod backend;
mod chunks;
mod recipes;
mod sets;

/// Makes each test of a room twice: in memory and in a directory.
macro_rules! on_every_backend {
    ($($test:ident),* $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::backend::Backend::in_memory()).await;
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
    };
}
pub(crate) use on_every_backend;
