//! End-to-end and tidiness tests of the whole farm; see `e2e/` and `tidy/`. There is no code for others to use here: the binary `rch-farm`
//! is what the tests run, and this library exists so that the package can be named on its own.
