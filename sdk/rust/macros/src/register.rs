//! How a static reaches the plugin: see `plugin.rs` of runner-sdk.

use proc_macro2::TokenStream;
use quote::quote;

/// Registers the value before all else, by a function of `runner_sdk::__private`.
pub(crate) fn registration(
    ty: &TokenStream,
    value: &TokenStream,
    register: &TokenStream,
) -> TokenStream {
    // The two statics are the only items, and upper-case: no function of the author's is hidden.
    quote! {
        const _: () = {
            static REGISTERED: ::runner_sdk::__private::#ty = #value;
            #[cfg(target_family = "wasm")]
            #[used]
            #[unsafe(link_section = ".init_array")]
            static REGISTER: extern "C" fn() = {
                extern "C" fn register() {
                    ::runner_sdk::__private::#register(&REGISTERED);
                }
                register
            };
            #[cfg(not(target_family = "wasm"))]
            let _ = &REGISTERED;
        };
    }
}

/// Where the attribute stands.
pub(crate) fn place() -> TokenStream {
    quote!((::core::file!(), ::core::line!(), ::core::column!()))
}
