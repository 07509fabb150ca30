//! What the attributes have in common: a function whose parameters are resolved.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::Parse;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, Ident, ItemFn, ReturnType, Signature, Type, parse_quote};

/// Leaves the function as it is, and puts beside it what `add` makes of it and the attribute's options.
pub(crate) fn expand<Options: Parse>(
    attribute: &str,
    options: TokenStream,
    item: TokenStream,
    add: impl FnOnce(&Options, &ItemFn) -> syn::Result<TokenStream>,
) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = format!("expected a function for `#[{attribute}]`: {error}");
            let error = Error::new(error.span(), message).into_compile_error();
            return quote!(#error #item);
        }
    };
    let added = syn::parse2(options).and_then(|options| {
        check(&function.sig)?;
        add(&options, &function)
    });
    // The function itself stays in any case, so that one mistake is one message.
    let added = added.unwrap_or_else(Error::into_compile_error);
    quote! {
        #function
        #added
    }
}

/// How parameters are resolved: from what, and by which traits.
pub(crate) enum From {
    Context,
    Run,
}

/// What the parameters of a function come to.
pub(crate) struct Parameters {
    /// The name of a `&mut Declaration`, of the macro's own scope, so that a function of the same name is not mistaken for it.
    pub(crate) declaration: Ident,
    /// The name of what they are resolved from, likewise.
    pub(crate) context: Ident,
    /// Statements that declare what they need.
    pub(crate) declares: Vec<TokenStream>,
    /// Expressions that resolve them, with `?`.
    pub(crate) arguments: Vec<TokenStream>,
}

impl Parameters {
    pub(crate) fn of(function: &ItemFn, from: &From) -> syn::Result<Self> {
        let context = Ident::new("context", Span::mixed_site());
        let declaration = Ident::new("declaration", Span::mixed_site());
        let mut declares = Vec::new();
        let mut arguments = Vec::new();
        for ty in types(function)? {
            match ty {
                Type::Reference(reference) => {
                    if let Some(mutable) = &reference.mutability {
                        return Err(Error::new(
                            mutable.span(),
                            "expected `&Context` or a type by value: nothing is lent mutably",
                        ));
                    }
                    let lent = &reference.elem;
                    let lends = match from {
                        From::Context => quote_spanned!(lent.span()=> ::runner_sdk::Lent),
                        From::Run => quote_spanned!(lent.span()=> ::runner_sdk::LentForRun),
                    };
                    arguments.push(quote_spanned!(lent.span()=> <#lent as #lends>::lend(#context)));
                }
                ty => {
                    let (declare, resolve) = match from {
                        From::Context => (
                            quote_spanned!(ty.span()=> <#ty as ::runner_sdk::FromContext>::declare),
                            quote_spanned!(ty.span()=> <#ty as ::runner_sdk::FromContext>::resolve),
                        ),
                        From::Run => (
                            quote_spanned!(ty.span()=> <#ty as ::runner_sdk::FromRun>::declare_for_run),
                            quote_spanned!(ty.span()=> <#ty as ::runner_sdk::FromRun>::resolve_for_run),
                        ),
                    };
                    declares.push(quote_spanned!(ty.span()=> #declare(#declaration);));
                    arguments.push(quote_spanned!(ty.span()=> #resolve(#context)?));
                }
            }
        }
        Ok(Self {
            declaration,
            context,
            declares,
            arguments,
        })
    }
}

/// The types of the parameters.
pub(crate) fn types(function: &ItemFn) -> syn::Result<Vec<&Type>> {
    let mut types = Vec::new();
    for input in &function.sig.inputs {
        let FnArg::Typed(parameter) = input else {
            return Err(Error::new(
                input.span(),
                "expected a function, found a method: there is no `self`",
            ));
        };
        if let Type::ImplTrait(ty) = &*parameter.ty {
            return Err(Error::new(
                ty.span(),
                "expected a type: `impl Trait` does not say what to resolve",
            ));
        }
        types.push(&*parameter.ty);
    }
    Ok(types)
}

/// What it returns.
pub(crate) fn returned(function: &ItemFn) -> Type {
    match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// What leaves out the function leaves out what is beside it.
pub(crate) fn conditions(function: &ItemFn) -> Vec<&Attribute> {
    attributes(function, "cfg")
}

pub(crate) fn attributes<'a>(function: &'a ItemFn, name: &str) -> Vec<&'a Attribute> {
    let all = function.attrs.iter();
    all.filter(|attribute| attribute.path().is_ident(name))
        .collect()
}

fn check(signature: &Signature) -> syn::Result<()> {
    if let Some(token) = &signature.asyncness {
        let message = "expected a function that is not `async`: it runs to its end";
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
