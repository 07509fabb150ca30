//! Nothing: the plugins are in the files beside this one.
