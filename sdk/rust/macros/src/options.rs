//! What stands in the parentheses of `#[stage(…)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::token::Bracket;
use syn::{Error, Ident, LitStr, Result, Token, bracketed};

const EXAMPLE: &str = "for example: `#[stage(\"Pre-label\")]`";

/// The stage's name and its options.
pub(crate) struct Options {
    pub(crate) name: LitStr,
    client_metadata: bool,
    reviews: bool,
    signed_url: bool,
    branch: Option<LitStr>,
    objects: Option<Vec<LitStr>>,
    classifications: Option<Vec<LitStr>>,
}

impl Options {
    /// Calls on `declaration`, one for each option.
    pub(crate) fn declare(&self, declaration: &Ident) -> TokenStream {
        let client_metadata = self
            .client_metadata
            .then(|| quote!(#declaration.include_client_metadata();));
        let reviews = self
            .reviews
            .then(|| quote!(#declaration.include_reviews();));
        let signed_url = self
            .signed_url
            .then(|| quote!(#declaration.include_signed_url();));
        let branch = self.branch.iter();
        let objects = self
            .objects
            .iter()
            .map(|features| quote!(#declaration.include_objects::<[&str; _]>([#(#features),*]);));
        let classifications = self.classifications.iter().map(
            |features| quote!(#declaration.include_classifications::<[&str; _]>([#(#features),*]);),
        );
        quote! {
            #client_metadata
            #reviews
            #signed_url
            #(#declaration.use_branch(#branch);)*
            #(#objects)*
            #(#classifications)*
        }
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            let missing = format!("expected the stage's name or UUID; {EXAMPLE}");
            return Err(Error::new(Span::call_site(), missing));
        }
        let Ok(name) = input.parse::<LitStr>() else {
            return Err(input.error(format!(
                "expected the stage's name or UUID first; {EXAMPLE}"
            )));
        };
        not_empty(&name, "a stage's name or UUID")?;
        let mut options = Self {
            name,
            client_metadata: false,
            reviews: false,
            signed_url: false,
            branch: None,
            objects: None,
            classifications: None,
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            options.parse_one(input)?;
        }
        Ok(options)
    }
}

impl Options {
    fn parse_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let option = input
            .parse::<Ident>()
            .map_err(|error| Error::new(error.span(), KNOWN))?;
        let repeated = match option.to_string().as_str() {
            "client_metadata" => alone(&option, input, &mut self.client_metadata)?,
            "reviews" => alone(&option, input, &mut self.reviews)?,
            "signed_url" => alone(&option, input, &mut self.signed_url)?,
            "branch" => {
                input.parse::<Token![=]>()?;
                let name = input.parse()?;
                not_empty(&name, "a branch's name")?;
                self.branch.replace(name).is_some()
            }
            "objects" => self.objects.replace(features(input)?).is_some(),
            "classifications" => self.classifications.replace(features(input)?).is_some(),
            unknown => {
                return Err(Error::new(
                    option.span(),
                    format!("unknown option `{unknown}`; {KNOWN}"),
                ));
            }
        };
        if repeated {
            return Err(Error::new(
                option.span(),
                format!("option `{option}` is given twice"),
            ));
        }
        Ok(())
    }
}

const KNOWN: &str = "expected one of `client_metadata`, `reviews`, `signed_url`, `branch = \"…\"`, \
    `objects = [\"…\"]`, `classifications = [\"…\"]`";

/// Turns on an option that takes no value. True if it was on.
fn alone(option: &Ident, input: ParseStream<'_>, on: &mut bool) -> Result<bool> {
    if input.peek(Token![=]) {
        return Err(input.error(format!("expected `{option}` alone: it takes no value")));
    }
    Ok(std::mem::replace(on, true))
}

fn features(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    input.parse::<Token![=]>()?;
    if !input.peek(Bracket) {
        return Err(input.error("expected a list of feature hashes or names: `[\"…\"]`"));
    }
    let list;
    bracketed!(list in input);
    let features = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
    features
        .into_iter()
        .map(|feature| not_empty(&feature, "a feature hash or name").map(|()| feature))
        .collect()
}

fn not_empty(text: &LitStr, what: &str) -> Result<()> {
    if text.value().trim().is_empty() {
        return Err(Error::new(
            text.span(),
            format!("expected {what}, found an empty string"),
        ));
    }
    Ok(())
}
