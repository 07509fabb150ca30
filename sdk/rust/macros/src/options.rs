//! What stands in the parentheses of the attributes.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::token::Bracket;
use syn::{Error, Ident, LitInt, LitStr, Path, Result, Token, bracketed};

const EXAMPLE: &str = "for example: `#[stage(\"Pre-label\")]`";

/// What stands at any function that is called for a task: how its label row is read, and where its twin is.
#[derive(Default)]
pub(crate) struct Needs {
    client_metadata: bool,
    reviews: bool,
    signed_url: bool,
    branch: Option<LitStr>,
    objects: Option<Vec<LitStr>>,
    classifications: Option<Vec<LitStr>>,
    twin: Option<Twin>,
    twin_task: bool,
}

enum Twin {
    Uuid(LitStr),
    Setting(LitStr),
}

/// The stage's name and its options.
pub(crate) struct StageOptions {
    pub(crate) name: LitStr,
    pub(crate) needs: Needs,
    /// How many tasks it takes at most.
    pub(crate) batch: Option<u32>,
}

/// The options of `#[dependency]`.
#[derive(Default)]
pub(crate) struct DependencyOptions {
    pub(crate) per_run: bool,
    pub(crate) teardown: Option<Path>,
}

/// The options of `#[provide]`.
#[derive(Default)]
pub(crate) struct ProvideOptions {
    pub(crate) needs: Needs,
    pub(crate) per_run: bool,
}

impl Needs {
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
        let twin_task = self
            .twin_task
            .then(|| quote!(#declaration.needs_stages_twin_task();));
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
            #twin_task
            #(#declaration.use_branch(#branch);)*
            #(#objects)*
            #(#classifications)*
        }
    }

    /// An `Option<TwinProject>`.
    pub(crate) fn twin(&self) -> TokenStream {
        match &self.twin {
            None => quote!(::core::option::Option::None),
            Some(Twin::Uuid(uuid)) => quote_spanned! {uuid.span()=>
                ::core::option::Option::Some(::runner_sdk::__private::TwinProject::Uuid(::runner_sdk::uuid!(#uuid)))
            },
            Some(Twin::Setting(name)) => quote! {
                ::core::option::Option::Some(::runner_sdk::__private::TwinProject::Setting(#name))
            },
        }
    }

    fn parse_one(&mut self, option: &Ident, input: ParseStream<'_>) -> Result<Parsed> {
        let repeated = match option.to_string().as_str() {
            "client_metadata" => alone(option, input, &mut self.client_metadata)?,
            "reviews" => alone(option, input, &mut self.reviews)?,
            "signed_url" => alone(option, input, &mut self.signed_url)?,
            "twin_task" => alone(option, input, &mut self.twin_task)?,
            "twin" => {
                let uuid = text(input, "the UUID of a project")?;
                self.twin.replace(Twin::Uuid(uuid)).is_some()
            }
            "twin_setting" => {
                let name = text(input, "a setting's name")?;
                self.twin.replace(Twin::Setting(name)).is_some()
            }
            "branch" => {
                let name = text(input, "a branch's name")?;
                self.branch.replace(name).is_some()
            }
            "objects" => self.objects.replace(features(input)?).is_some(),
            "classifications" => self.classifications.replace(features(input)?).is_some(),
            _ => return Ok(Parsed::Unknown),
        };
        Ok(if repeated {
            Parsed::Twice
        } else {
            Parsed::Once
        })
    }
}

/// What became of one option.
enum Parsed {
    Once,
    Twice,
    Unknown,
}

const NEEDS: &str = "`client_metadata`, `reviews`, `signed_url`, `branch = \"…\"`, `objects = [\"…\"]`, \
    `classifications = [\"…\"]`, `twin = \"<uuid>\"`, `twin_setting = \"…\"`, `twin_task`";

/// Options with commas between them.
fn parse_all(
    input: ParseStream<'_>,
    known: &str,
    mut parse_one: impl FnMut(&Ident) -> Result<Parsed>,
) -> Result<()> {
    while !input.is_empty() {
        let option = input
            .parse::<Ident>()
            .map_err(|error| Error::new(error.span(), format!("expected one of {known}")))?;
        let message = match parse_one(&option)? {
            Parsed::Once => {
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
                continue;
            }
            Parsed::Twice if option == "twin" || option == "twin_setting" => {
                "the twin's project is given twice".to_owned()
            }
            Parsed::Twice => format!("option `{option}` is given twice"),
            Parsed::Unknown => format!("unknown option `{option}`; expected one of {known}"),
        };
        return Err(Error::new(option.span(), message));
    }
    Ok(())
}

impl Parse for StageOptions {
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
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let (mut needs, mut batch) = (Needs::default(), None);
        let known = format!("{NEEDS}, `batch = 32`");
        parse_all(input, &known, |option| {
            if option != "batch" {
                return needs.parse_one(option, input);
            }
            let repeated = batch.replace(most(option, input)?).is_some();
            Ok(if repeated {
                Parsed::Twice
            } else {
                Parsed::Once
            })
        })?;
        Ok(Self { name, needs, batch })
    }
}

impl Parse for DependencyOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut place = None;
        let known = "`per_run`, `teardown = function`";
        parse_all(input, known, |option| {
            let repeated = match option.to_string().as_str() {
                "per_run" => alone(option, input, &mut options.per_run)?,
                "teardown" => {
                    input.parse::<Token![=]>()?;
                    place = Some(option.span());
                    options.teardown.replace(input.parse()?).is_some()
                }
                _ => return Ok(Parsed::Unknown),
            };
            Ok(if repeated {
                Parsed::Twice
            } else {
                Parsed::Once
            })
        })?;
        match place {
            Some(place) if options.per_run => Err(Error::new(
                place,
                "expected no `teardown` with `per_run`: its value goes to the host as bytes",
            )),
            _ => Ok(options),
        }
    }
}

impl Parse for ProvideOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut needs, mut per_run, mut of_task) = (Needs::default(), false, None);
        let known = format!("`per_run`, {NEEDS}");
        parse_all(input, &known, |option| {
            if option != "per_run" {
                of_task = Some(option.clone());
                return needs.parse_one(option, input);
            }
            let repeated = alone(option, input, &mut per_run)?;
            Ok(if repeated {
                Parsed::Twice
            } else {
                Parsed::Once
            })
        })?;
        match of_task {
            Some(option) if per_run => Err(Error::new(
                option.span(),
                format!("expected no `{option}` with `per_run`: a run has no label row"),
            )),
            _ => Ok(Self { needs, per_run }),
        }
    }
}

/// How many tasks a batch has at most.
fn most(option: &Ident, input: ParseStream<'_>) -> Result<u32> {
    const EXPECTED: &str =
        "expected the largest number of tasks that are taken at once, 1 or more: `batch = 32`";
    let expected = |_| Error::new(option.span(), EXPECTED);
    input.parse::<Token![=]>().map_err(expected)?;
    let number: LitInt = input.parse().map_err(expected)?;
    match number.base10_parse::<u32>() {
        Ok(most) if most > 0 => Ok(most),
        _ => Err(Error::new(number.span(), EXPECTED)),
    }
}

fn text(input: ParseStream<'_>, what: &str) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    let text = input.parse()?;
    not_empty(&text, what)?;
    Ok(text)
}

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
