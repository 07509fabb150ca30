//! `#[stage]`: leaves the function as it is, and registers it beside it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, ReturnType, Signature, Type, parse_quote};

use crate::options::Options;

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = format!("expected a function for `#[stage]`: {error}");
            let error = Error::new(error.span(), message).into_compile_error();
            return quote!(#error #item);
        }
    };
    let registration = syn::parse2(options).and_then(|options| registration(&options, &function));
    // The function itself stays in any case, so that one mistake is one message.
    let registration = registration.unwrap_or_else(Error::into_compile_error);
    quote! {
        #function
        #registration
    }
}

fn registration(options: &Options, function: &ItemFn) -> syn::Result<TokenStream> {
    let signature = &function.sig;
    check(signature)?;
    // What leaves out the function leaves out its registration.
    let conditions = function
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    // Of the macro's own scope, so that a function of the same name is not mistaken for them.
    let context = Ident::new("context", Span::mixed_site());
    let declaration = Ident::new("declaration", Span::mixed_site());
    let mut declares = Vec::new();
    let mut arguments = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(parameter) = input else {
            return Err(Error::new(
                input.span(),
                "expected a function, found a method: an agent has no `self`",
            ));
        };
        match &*parameter.ty {
            Type::ImplTrait(ty) => {
                return Err(Error::new(
                    ty.span(),
                    "expected a type: `impl Trait` does not say what to resolve",
                ));
            }
            Type::Reference(reference) => {
                if let Some(mutable) = &reference.mutability {
                    return Err(Error::new(
                        mutable.span(),
                        "expected `&Context` or a type by value: nothing is lent mutably",
                    ));
                }
                let lent = &reference.elem;
                arguments.push(quote_spanned! {lent.span()=>
                    <#lent as ::runner_sdk::Lent>::lend(#context)
                });
            }
            ty => {
                declares.push(quote_spanned! {ty.span()=>
                    <#ty as ::runner_sdk::FromContext>::declare(#declaration);
                });
                arguments.push(quote_spanned! {ty.span()=>
                    <#ty as ::runner_sdk::FromContext>::resolve(#context)?
                });
            }
        }
    }
    let returned: Type = match &signature.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let (name, function) = (&options.name, &signature.ident);
    let options = options.declare(&declaration);
    let run = quote_spanned! {returned.span()=>
        <#returned as ::runner_sdk::IntoOutcome>::into_outcome(#function(#(#arguments),*))
    };
    // The two statics are the only items, and upper-case: no function of the author's is hidden.
    Ok(quote! {
        #(#conditions)*
        const _: () = {
            static STAGE: ::runner_sdk::__private::Stage = ::runner_sdk::__private::Stage {
                name: #name,
                place: (::core::file!(), ::core::line!(), ::core::column!()),
                declare: |#declaration| { let _ = &#declaration; #(#declares)* #options },
                run: |#context| { let _ = #context; #run },
            };
            #[cfg(target_family = "wasm")]
            #[used]
            #[unsafe(link_section = ".init_array")]
            static REGISTER: extern "C" fn() = {
                extern "C" fn register() {
                    ::runner_sdk::__private::register(&STAGE);
                }
                register
            };
            #[cfg(not(target_family = "wasm"))]
            let _ = &STAGE;
        };
    })
}

fn check(signature: &Signature) -> syn::Result<()> {
    if let Some(token) = &signature.asyncness {
        let message = "expected a function that is not `async`: an agent runs to its end";
        return Err(Error::new(token.span(), message));
    }
    if !signature.generics.params.is_empty() {
        let message = "expected a function without generic parameters: the host calls it, and cannot choose them";
        return Err(Error::new(signature.generics.params.span(), message));
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        let message = "expected a function that is not `unsafe`: the host cannot keep its promises";
        return Err(Error::new(token.span(), message));
    }
    if let Some(token) = &signature.variadic {
        return Err(Error::new(
            token.span(),
            "expected a fixed number of parameters",
        ));
    }
    Ok(())
}
