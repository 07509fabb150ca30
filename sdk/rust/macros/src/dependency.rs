//! `#[dependency]`: leaves the function as it is, and makes a type of its name beside it, for `Depends`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Ident, ItemFn, ReturnType, Type};

use crate::function::{self, From, Parameters};
use crate::options::DependencyOptions;
use crate::register::{place, registration};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    function::expand("dependency", options, item, dependency)
}

fn dependency(options: &DependencyOptions, function: &ItemFn) -> syn::Result<TokenStream> {
    let returned = match &function.sig.output {
        ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => {
            let message = "expected a type: what asks for it has to name the value's";
            return Err(Error::new(ty.span(), message));
        }
        ReturnType::Type(_, ty) => &**ty,
        ReturnType::Default => {
            let message = "expected a function that returns a value, which is what `Depends` gives";
            return Err(Error::new(function.sig.ident.span(), message));
        }
    };
    let implementation = if options.per_run {
        per_run(function, returned)?
    } else {
        per_attempt(options, function, returned)?
    };
    let (visibility, name) = (&function.vis, &function.sig.ident);
    let conditions = function::conditions(function);
    let documentation = function::attributes(function, "doc");
    Ok(quote! {
        #(#conditions)*
        #(#documentation)*
        #[allow(non_camel_case_types)]
        #visibility enum #name {}
        #(#conditions)*
        const _: () = { #implementation };
    })
}

/// The value that a call gives, and its type.
fn called(returned: &Type, call: &TokenStream) -> (TokenStream, TokenStream) {
    if may_fail(returned) {
        let fallible = quote_spanned! {returned.span()=>
            <#returned as ::runner_sdk::__private::Fallible>
        };
        (
            quote!(#fallible::into_result(#call)?),
            quote_spanned!(returned.span()=> #fallible::Value),
        )
    } else {
        (call.clone(), quote!(#returned))
    }
}

/// True of `Result`, by whatever path it is named.
fn may_fail(returned: &Type) -> bool {
    let Type::Path(path) = returned else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "Result")
}

fn per_attempt(
    options: &DependencyOptions,
    function: &ItemFn,
    returned: &Type,
) -> syn::Result<TokenStream> {
    let Parameters {
        declaration,
        context,
        declares,
        arguments,
    } = Parameters::of(function, &From::Context)?;
    let name = &function.sig.ident;
    let (value, ty) = called(returned, &quote!(#name(#(#arguments),*)));
    let given = Ident::new("value", Span::mixed_site());
    let tear_down = options.teardown.iter().map(|tear_down| {
        quote_spanned! {tear_down.span()=>
            fn tear_down(#given: &Self::Value) {
                let () = #tear_down(#given);
            }
        }
    });
    Ok(quote! {
        impl ::runner_sdk::Dependency for #name {
            type Value = #ty;
            const NAME: &'static str = ::core::stringify!(#name);

            fn declare(#declaration: &mut ::runner_sdk::Declaration) {
                let _ = &#declaration;
                #(#declares)*
            }

            fn resolve(#context: &::runner_sdk::Context) -> ::runner_sdk::Result<::std::rc::Rc<#ty>> {
                let _ = #context;
                ::core::result::Result::Ok(::std::rc::Rc::new(#value))
            }

            #(#tear_down)*
        }
    })
}

fn per_run(function: &ItemFn, returned: &Type) -> syn::Result<TokenStream> {
    let Parameters {
        declaration,
        context,
        declares,
        arguments,
    } = Parameters::of(function, &From::Run)?;
    let (name, place) = (&function.sig.ident, place());
    let (value, ty) = called(returned, &quote!(#name(#(#arguments),*)));
    let kept = quote_spanned!(returned.span()=> <#ty as ::runner_sdk::PerRunValue>);
    let ty = quote_spanned!(returned.span()=> #kept::Value);
    let registered = registration(
        &quote!(PerRun),
        &quote! {
            ::runner_sdk::__private::PerRun { name: PATH, place: #place, create: CREATE }
        },
        &quote!(register_per_run),
    );
    Ok(quote! {
        const PATH: &::core::primitive::str =
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name));

        // Upper-case, so that no function of the author's is hidden.
        const CREATE: fn(&::runner_sdk::RunContext) -> ::runner_sdk::Result<::std::vec::Vec<u8>> = |#context| {
            let _ = #context;
            #kept::into_bytes(#value)
        };

        #registered

        impl ::runner_sdk::Dependency for #name {
            type Value = #ty;
            const NAME: &'static str = ::core::stringify!(#name);

            fn declare(#declaration: &mut ::runner_sdk::Declaration) {
                let _ = &#declaration;
                #(#declares)*
            }

            fn resolve(context: &::runner_sdk::Context) -> ::runner_sdk::Result<::std::rc::Rc<#ty>> {
                #kept::from_bytes(<Self as ::runner_sdk::Stored>::stored(context)?.bytes()?)
            }
        }

        impl ::runner_sdk::RunDependency for #name {
            fn create(run: &::runner_sdk::RunContext) -> ::runner_sdk::Result<::std::rc::Rc<#ty>> {
                #kept::from_bytes(run.per_run_value(PATH)?.bytes()?)
            }
        }

        impl ::runner_sdk::Stored for #name {
            fn stored(context: &::runner_sdk::Context) -> ::runner_sdk::Result<::runner_sdk::Value> {
                ::core::result::Result::Ok(context.per_run_value(PATH)?)
            }
        }
    })
}
