//! Attribute macros of `runner-sdk`. Use them from there: it documents them.

mod options;
mod stage;

use proc_macro::TokenStream;

/// Makes a function the agent of a stage. Documented where `runner-sdk` re-exports it.
#[proc_macro_attribute]
pub fn stage(options: TokenStream, function: TokenStream) -> TokenStream {
    stage::expand(options.into(), function.into()).into()
}
