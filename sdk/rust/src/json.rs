//! JSON of the author's own types.

use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, JsonValue, Result, StorageItem};

/// A value that goes from one plugin to another, or from the run to its attempts, as JSON: of any type that serde knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Reads JSON text.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| unexpected::<T>(&error))
}

/// Writes JSON text.
pub(crate) fn write(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| {
        Error::InvalidArgument(format!(
            "expected a value that can be written as JSON: {error}"
        ))
    })
}

pub(crate) fn unexpected<T>(error: &serde_json::Error) -> Error {
    let expected = std::any::type_name::<T>();
    Error::Other(format!(
        "expected JSON that a {expected} can be read from: {error}"
    ))
}

/// Its client metadata as values of the author's own.
impl StorageItem {
    /// Its client metadata, as any type that serde knows. Absent if nothing was noted.
    ///
    /// # Errors
    /// [`Error::Other`] if it is of another type.
    pub fn client_metadata_as<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.client_metadata().as_deref().map(read).transpose()
    }

    /// Sets some entries of its client metadata, and keeps the others: `item.update_client_metadata(&json!({"blur": 0.3}))`.
    /// Sent with the outcome; nothing is sent if the attempt fails.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is no JSON object.
    pub fn update_client_metadata(&self, entries: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let Ok(JsonValue::Object(entries)) = serde_json::to_value(entries) else {
            return Err(Error::InvalidArgument(
                "expected entries of client metadata, as a JSON object; found another value"
                    .to_owned(),
            ));
        };
        let mut metadata: serde_json::Map<_, _> = self.client_metadata_as()?.unwrap_or_default();
        metadata.extend(entries);
        self.set_client_metadata(&write(&metadata)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_type_is_told() {
        let error = read::<Vec<u32>>("{}").unwrap_err();
        assert!(
            error.message().starts_with(
                "expected JSON that a alloc::vec::Vec<u32> can be read from: invalid type: map"
            ),
            "{error}"
        );
    }
}
