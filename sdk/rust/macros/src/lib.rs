//! Attribute macros of `runner-sdk`. Use them from there: it documents them.

mod dependency;
mod function;
mod options;
mod provide;
mod register;
mod stage;

use proc_macro::TokenStream;

/// Makes a function the agent of a stage. Documented where `runner-sdk` re-exports it.
#[proc_macro_attribute]
pub fn stage(options: TokenStream, function: TokenStream) -> TokenStream {
    stage::expand(options.into(), function.into()).into()
}

/// Makes a function a dependency of agents. Documented where `runner-sdk` re-exports it.
#[proc_macro_attribute]
pub fn dependency(options: TokenStream, function: TokenStream) -> TokenStream {
    dependency::expand(options.into(), function.into()).into()
}

/// Makes a function what a dependency component gives. Documented where `runner-sdk` re-exports it.
#[proc_macro_attribute]
pub fn provide(options: TokenStream, function: TokenStream) -> TokenStream {
    provide::expand(options.into(), function.into()).into()
}
