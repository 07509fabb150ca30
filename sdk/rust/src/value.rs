use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::runner::stage::values as wit;
use crate::{
    Context, Declaration, Dependency, Error, Json, Result, RunContext, RunDependency, Stored, json,
};

pub use wit::ValueKind;

/// What a dependency component gave, or what was made once in a run. It is read in no other way than what it is: others
/// give [`Error::Unsupported`]. A clone is another handle of it.
#[derive(Clone, Debug)]
pub struct Value {
    value: Rc<wit::Value>,
}

impl Value {
    pub(crate) fn new(value: wit::Value) -> Self {
        Self {
            value: Rc::new(value),
        }
    }

    /// What it is.
    pub fn kind(&self) -> ValueKind {
        self.value.kind()
    }

    /// Of JSON or bytes, in bytes; 0 for what answers calls.
    pub fn size(&self) -> u64 {
        self.value.size()
    }

    /// JSON, as any type that serde knows.
    ///
    /// # Errors
    /// [`Error::Other`] if it is of another type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read(&self.value.to_json()?)
    }

    /// All of the bytes; of JSON its text.
    ///
    /// # Errors
    /// [`Error::Unsupported`] of what answers calls.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        self.value.to_bytes()
    }

    /// A part of the bytes, shorter at the end, empty behind it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] of what answers calls.
    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        self.value.read(offset, length)
    }

    /// Calls a function of what answers calls. Which there are, its component says.
    ///
    /// # Errors
    /// Those that it returns; [`Error::Unavailable`] if it trapped or went over a limit.
    pub fn call(&self, function: &str, input: &[u8]) -> Result<Vec<u8>, Error> {
        self.value.call(function, input)
    }

    /// The same with JSON as input and output.
    ///
    /// # Errors
    /// As for [`call`](Self::call); [`Error::Other`] if the output is of another type.
    pub fn call_json<T: DeserializeOwned>(
        &self,
        function: &str,
        input: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let output = self.call(function, json::write(input)?.as_bytes())?;
        serde_json::from_slice(&output).map_err(|error| json::unexpected::<T>(&error))
    }
}

/// Bytes that go from one plugin to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// In [`named!`](crate::named): a dependency that answers calls, by [`Value::call`]. A component gives one by returning what
/// implements [`Service`](crate::Service).
#[derive(Clone, Copy, Debug)]
pub enum Callable {}

/// What a dependency component can give, as [`named!`](crate::named) has it.
#[diagnostic::on_unimplemented(
    message = "a dependency component cannot give a `{Self}`",
    label = "neither JSON, nor bytes, nor something to call",
    note = "a dependency gives `Json` of any type that serde knows, `Bytes`, or something `Callable`"
)]
pub trait Named {
    /// What `Depends` gives.
    type Value: ?Sized + 'static;

    /// What the component has to give.
    const KIND: ValueKind;

    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Other`] if it is of another type.
    fn read(value: &Value) -> Result<Rc<Self::Value>, Error>;
}

impl<T: DeserializeOwned + 'static> Named for Json<T> {
    type Value = T;
    const KIND: ValueKind = ValueKind::Json;

    fn read(value: &Value) -> Result<Rc<T>, Error> {
        value.json().map(Rc::new)
    }
}

impl Named for Bytes {
    type Value = [u8];
    const KIND: ValueKind = ValueKind::Bytes;

    fn read(value: &Value) -> Result<Rc<[u8]>, Error> {
        value.bytes().map(Into::into)
    }
}

impl Named for Callable {
    type Value = Value;
    const KIND: ValueKind = ValueKind::Service;

    fn read(value: &Value) -> Result<Rc<Value>, Error> {
        Ok(Rc::new(value.clone()))
    }
}

/// Declares dependencies by the names that the user gives to components (`--dependency name=file.wasm`), for
/// [`Depends`](crate::Depends).
///
/// ```
/// use runner_sdk::prelude::*;
/// use runner_sdk::named;
///
/// named! {
///     /// What the catalogue says of the item.
///     pub Catalogue = "catalogue": Json<JsonValue>;
///     Thresholds = "thresholds": Bytes;
///     Model = "model": Callable;
/// }
///
/// #[stage("Sort")]
/// fn sort(catalogue: Depends<Catalogue>, thresholds: Depends<Thresholds>, model: Depends<Model>) -> Result<&'static str> {
///     let score: f64 = model.call_json("score", &catalogue["features"])?;
///     Ok(if score * 255.0 > f64::from(thresholds[0]) { "Keep" } else { "Reject" })
/// }
/// ```
///
/// What is declared is resolved for many tasks ahead, and a name that the user did not give, or that gives another kind of
/// value, is an error when the host starts. [`Context::dependency`](crate::Context::dependency) is the way without.
#[macro_export]
macro_rules! named {
    ($($(#[$attribute:meta])* $visibility:vis $name:ident = $given:literal: $kind:ty);+ $(;)?) => {$(
        $(#[$attribute])*
        $visibility enum $name {}

        impl $crate::NamedDependency for $name {
            type Kind = $kind;
            const NAMED: &'static ::core::primitive::str = $given;
        }
    )+};
}

/// What [`named!`](crate::named) declares.
pub trait NamedDependency: 'static {
    /// What the component gives.
    type Kind: Named;

    /// The name that the user gives to it.
    const NAMED: &'static str;
}

// The compiler would speak of this implementation's bound of all that is no dependency.
#[diagnostic::do_not_recommend]
impl<D: NamedDependency> Dependency for D {
    type Value = <D::Kind as Named>::Value;
    const NAME: &'static str = D::NAMED;

    fn declare(declaration: &mut Declaration) {
        declaration.needs_dependency(D::NAMED, D::Kind::KIND);
    }

    fn resolve(context: &Context) -> Result<Rc<Self::Value>> {
        Ok(D::Kind::read(&context.dependency(D::NAMED)?)?)
    }
}

#[diagnostic::do_not_recommend]
impl<D: NamedDependency> RunDependency for D {
    fn create(run: &RunContext) -> Result<Rc<Self::Value>> {
        Ok(D::Kind::read(&run.dependency(D::NAMED)?)?)
    }
}

#[diagnostic::do_not_recommend]
impl<D: NamedDependency> Stored for D {
    fn stored(context: &Context) -> Result<Value> {
        Ok(context.dependency(D::NAMED)?)
    }
}
