//! Dependency components: one function with `#[provide]` is what the component gives.

use serde::Serialize;

use crate::bindings::exports::runner::stage::dependency as wit;
use crate::plugin::{Place, Plugin, Registry};
use crate::twin::TwinProject;
use crate::{
    AgentError, Bytes, Context, Declaration, Error, IntoAgentError, Json, Result, RunContext,
    ValueKind, json,
};

/// Something that answers calls of other plugins: a model that was loaded once, say. It is dropped when the attempt or the run
/// that it was made for has ended, before what it was made from.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// struct Scale { factor: f64 }
///
/// impl Service for Scale {
///     fn call(&self, function: &str, input: &[u8]) -> Result<Vec<u8>> {
///         match function {
///             "scale" => Ok((self.factor * std::str::from_utf8(input)?.parse::<f64>()?).to_string().into()),
///             _ => Err(AgentError::fatal(format!("expected the function scale, found {function}"))),
///         }
///     }
/// }
///
/// #[provide(per_run)]
/// fn scale(settings: Settings) -> Result<Scale> {
///     Ok(Scale { factor: settings.parse("factor")?.unwrap_or(2.0) })
/// }
/// ```
pub trait Service: 'static {
    /// Answers a call. Calls of one service come one after another.
    ///
    /// # Errors
    /// That of the caller.
    fn call(&self, function: &str, input: &[u8]) -> Result<Vec<u8>>;
}

/// What a function with [`#[provide]`](macro@crate::provide) can return.
///
/// | returned | asked for as |
/// |---|---|
/// | [`Json`] of what serde can write | `Json` of what serde can read |
/// | [`Bytes`] | `Bytes` |
/// | what implements [`Service`] | [`Callable`](crate::Callable) |
/// | `Result` of any of these | with `Err`: it is that of those who asked |
#[diagnostic::on_unimplemented(
    message = "a dependency component cannot give a `{Self}`",
    label = "neither JSON, nor bytes, nor a service",
    note = "a function with `#[provide]` returns `Json` of any type that serde knows, `Bytes`, what implements `Service`, or a \
            `Result` of any of these"
)]
pub trait Provided {
    /// What asks for it has to expect this.
    const KIND: ValueKind;

    /// As the host is told it.
    ///
    /// # Errors
    /// That of those who asked.
    fn into_given(self) -> Result<Given>;
}

/// What a component gives. [`Provided`] makes it.
#[derive(Debug)]
pub struct Given(Gives);

enum Gives {
    Json(String),
    Bytes(Vec<u8>),
    Service(Box<dyn Service>),
}

impl std::fmt::Debug for Gives {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Json(_) => "Json",
            Self::Bytes(_) => "Bytes",
            Self::Service(_) => "Service",
        })
    }
}

impl<T: Serialize> Provided for Json<T> {
    const KIND: ValueKind = ValueKind::Json;

    fn into_given(self) -> Result<Given> {
        Ok(Given(Gives::Json(json::write(&self.0)?)))
    }
}

impl Provided for Bytes {
    const KIND: ValueKind = ValueKind::Bytes;

    fn into_given(self) -> Result<Given> {
        Ok(Given(Gives::Bytes(self.0)))
    }
}

// The compiler would speak of this implementation's bound instead of the text above.
#[diagnostic::do_not_recommend]
impl<S: Service> Provided for S {
    const KIND: ValueKind = ValueKind::Service;

    fn into_given(self) -> Result<Given> {
        Ok(Given(Gives::Service(Box::new(self))))
    }
}

impl<P: Provided, E: IntoAgentError> Provided for Result<P, E> {
    const KIND: ValueKind = P::KIND;

    fn into_given(self) -> Result<Given> {
        self.map_err(E::into_agent_error)?.into_given()
    }
}

/// The function with `#[provide]`. Only for code that the attribute generates.
#[derive(Debug)]
pub struct Provider {
    /// Its name, for messages.
    pub name: &'static str,
    /// Where the attribute stands: file, line, column.
    pub place: Place,
    /// The project of its twins.
    pub twin: Option<TwinProject>,
    /// What it gives.
    pub kind: ValueKind,
    /// Declares what the parameters and the options need.
    pub declare: fn(&mut Declaration),
    /// Resolves the parameters and calls the function.
    pub make: Make,
}

/// How long a value holds.
#[derive(Debug)]
pub enum Make {
    /// Made for one attempt.
    Attempt(fn(&Context) -> Result<Given>),
    /// Made for the run.
    Run(fn(&RunContext) -> Result<Given>),
}

static PROVIDERS: Registry<Provider> = Registry::new();

/// Makes the plugin a dependency component. Called before all else, by code that the attribute generates.
pub fn register_provider(provider: &'static Provider) {
    PROVIDERS.register(provider, |provider| provider.place);
}

/// The one that there is.
fn provider() -> Result<&'static Provider, String> {
    match PROVIDERS.all().as_slice() {
        [provider] => Ok(provider),
        [] => Err(
            "expected a dependency component, found a plugin without a function with `#[provide]`"
                .to_owned(),
        ),
        [first, second, ..] => Err(format!(
            "expected one function with `#[provide]`, found several: {} and {}",
            first.name, second.name
        )),
    }
}

impl wit::Guest for Plugin {
    type Service = Served;

    fn describe() -> Result<wit::Declaration, Error> {
        crate::logging::tell_panics();
        let provider = provider().map_err(AgentError::fatal)?;
        let mut declaration = Declaration::new(provider.twin);
        (provider.declare)(&mut declaration);
        declaration.gives(provider.kind);
        if matches!(provider.make, Make::Run(_)) {
            declaration.lives_per_run();
        }
        Ok(declaration.to_wit(provider.name))
    }

    fn resolve(context: wit::Context) -> Result<wit::Given, Error> {
        crate::logging::tell_panics();
        let provider = provider().map_err(AgentError::fatal)?;
        let Make::Attempt(make) = provider.make else {
            return Err(mistaken(provider, "create"));
        };
        let context = Context::new(context, provider.twin);
        let given = make(&context);
        given_to_host(given, Scope::Attempt(context))
    }

    fn create(run: wit::RunContext) -> Result<wit::Given, Error> {
        crate::logging::tell_panics();
        let provider = provider().map_err(AgentError::fatal)?;
        let Make::Run(make) = provider.make else {
            return Err(mistaken(provider, "resolve"));
        };
        let run = RunContext::new(run);
        let given = make(&run);
        given_to_host(given, Scope::Run(run))
    }
}

fn mistaken(provider: &Provider, right: &str) -> Error {
    let name = provider.name;
    AgentError::fatal(format!(
        "expected a call of `{right}`, since {name} declares it"
    ))
    .into()
}

fn given_to_host(given: Result<Given>, scope: Scope) -> Result<wit::Given, Error> {
    let given = match given {
        Ok(Given(given)) => given,
        Err(error) => {
            scope.tear_down();
            return Err(error.into());
        }
    };
    Ok(match given {
        Gives::Json(text) => {
            scope.tear_down();
            wit::Given::Json(text)
        }
        Gives::Bytes(bytes) => {
            scope.tear_down();
            wit::Given::Bytes(bytes)
        }
        // What it was made from lives as long as it does.
        Gives::Service(service) => wit::Given::Service(wit::Service::new(Served {
            service: Some(service),
            scope,
        })),
    })
}

/// What a value was made from.
enum Scope {
    Attempt(Context),
    Run(RunContext),
}

impl Scope {
    fn tear_down(&self) {
        match self {
            Self::Attempt(context) => context.cache().tear_down(),
            Self::Run(run) => run.cache().tear_down(),
        }
    }
}

/// A service in the host's hands.
pub(crate) struct Served {
    // Present until it is dropped.
    service: Option<Box<dyn Service>>,
    scope: Scope,
}

impl wit::GuestService for Served {
    fn call(&self, function: String, input: Vec<u8>) -> Result<Vec<u8>, Error> {
        let service = self.service.as_deref().expect("it is not dropped yet");
        Ok(service.call(&function, &input)?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.service = None;
        self.scope.tear_down();
    }
}
