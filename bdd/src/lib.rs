//! Nothing but a place for the features: the steps that run them are the test `bdd`.

#![forbid(unsafe_code)]
