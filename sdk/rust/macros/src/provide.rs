//! `#[provide]`: leaves the function as it is, and registers it as what the component gives.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ItemFn;
use syn::spanned::Spanned;

use crate::function::{self, From, Parameters};
use crate::options::ProvideOptions;
use crate::register::{place, registration};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand("provide", options, item, provide)
}

fn provide(options: &ProvideOptions, function: &ItemFn) -> syn::Result<TokenStream> {
    let (from, make) = if options.per_run {
        (From::Run, quote!(Run))
    } else {
        (From::Context, quote!(Attempt))
    };
    let Parameters {
        declaration,
        context,
        declares,
        arguments,
    } = Parameters::of(function, &from)?;
    let (name, place) = (&function.sig.ident, place());
    let returned = function::returned(function);
    let provided = quote_spanned!(returned.span()=> <#returned as ::runner_sdk::Provided>);
    let option_declares = options.needs.declare(&declaration);
    let twin = options.needs.twin();
    let registered = registration(
        &quote!(Provider),
        &quote! {
            ::runner_sdk::__private::Provider {
                name: ::core::stringify!(#name),
                place: #place,
                twin: #twin,
                kind: #provided::KIND,
                declare: |#declaration| { let _ = &#declaration; #(#declares)* #option_declares },
                make: ::runner_sdk::__private::Make::#make(|#context| {
                    let _ = #context;
                    #provided::into_given(#name(#(#arguments),*))
                }),
            }
        },
        &quote!(register_provider),
    );
    let conditions = function::conditions(function);
    // Macros that are exported stand in the crate's root, in which a name is given once. So a second function with the
    // attribute does not compile, wherever in the crate it is.
    Ok(quote! {
        #(#conditions)* #registered
        #(#conditions)*
        const _: () = {
            #[doc(hidden)]
            #[allow(non_local_definitions)]
            #[macro_export]
            macro_rules! a_component_has_one_function_with_provide { () => {}; }
        };
    })
}
