//! What lies where in the object store, and how it is put and got so that nothing read is believed unverified.
