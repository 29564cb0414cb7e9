//! End-to-end, contract and tidiness tests of the whole farm.
