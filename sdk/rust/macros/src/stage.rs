//! `#[stage]`: leaves the function as it is, and registers it beside it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Ident, ItemFn};

use crate::function::{self, From, Parameters};
use crate::options::StageOptions;
use crate::register::{place, registration};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand("stage", options, item, stage)
}

fn stage(options: &StageOptions, function: &ItemFn) -> syn::Result<TokenStream> {
    let parameters = Parameters::of(function, &From::Context)?;
    let returned = function::returned(function);
    let (name, ident, place) = (&options.name, &function.sig.ident, place());
    let Parameters {
        declaration,
        context,
        declares,
        arguments,
    } = &parameters;
    let option_declares = options.needs.declare(declaration);
    let twin = options.needs.twin();
    let (declare, run) = match &options.batch {
        None => (
            quote!(#(#declares)*),
            quote_spanned! {returned.span()=>
                ::runner_sdk::__private::Run::One(|#context| {
                    let _ = #context;
                    <#returned as ::runner_sdk::IntoOutcome>::into_outcome(#ident(#(#arguments),*))
                })
            },
        ),
        Some(most) => {
            let types = function::types(function)?;
            let [batch] = types.as_slice() else {
                return Err(Error::new(
                    function.sig.inputs.span(),
                    "expected one parameter with the option `batch`: a `Batch` of all that there is for each task, for example \
                     `Batch<(SingleFrame, LabelRow)>`",
                ));
            };
            let whole = Ident::new("batch", Span::mixed_site());
            let takes =
                quote_spanned!(batch.span()=> <#batch as ::runner_sdk::__private::TakesBatch>);
            (
                quote!(#takes::declare(#declaration); #declaration.takes_batches(#most);),
                quote_spanned! {returned.span()=>
                    ::runner_sdk::__private::Run::Many(|#context| {
                        #takes::run(#context, |#whole| {
                            <#returned as ::runner_sdk::IntoOutcomes>::into_outcomes(#ident(#whole))
                        })
                    })
                },
            )
        }
    };
    let registered = registration(
        &quote!(Stage),
        &quote! {
            ::runner_sdk::__private::Stage {
                name: #name,
                place: #place,
                twin: #twin,
                declare: |#declaration| { let _ = &#declaration; #declare #option_declares },
                run: #run,
            }
        },
        &quote!(register),
    );
    let conditions = function::conditions(function);
    Ok(quote!(#(#conditions)* #registered))
}
