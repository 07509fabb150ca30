use std::fmt::Display;
use std::str::FromStr;

use crate::bindings::runner::stage::settings as wit;
use crate::{AgentError, Context, FromContext, FromRun, Result, RunContext};

/// What the user has set for plugins: `--set name=value`. The same for the whole run.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Check the light")]
/// fn check(frame: SingleFrame, settings: Settings) -> Result<&'static str> {
///     let darkest = settings.parse("darkest")?.unwrap_or(40.0);
///     Ok(if frame.brightness() < darkest { "Too dark" } else { "Annotate" })
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {}

impl Settings {
    /// The value of a setting. Absent if it was not set.
    pub fn get(&self, name: &str) -> Option<String> {
        setting(name)
    }

    /// The value of a setting as a number, a [`Uuid`](crate::Uuid), or any other type that can be read from text. Absent if
    /// it was not set.
    ///
    /// # Errors
    /// A fatal one that names the setting, if it is of another type.
    pub fn parse<T>(&self, name: &str) -> Result<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        setting(name).map(|value| parse(name, &value)).transpose()
    }
}

/// The value of a setting (`--set name=value`). Absent if it was not set.
pub fn setting(name: &str) -> Option<String> {
    wit::get(name)
}

pub(crate) fn parse<T>(name: &str, value: &str) -> Result<T>
where
    T: FromStr<Err: Display>,
{
    value.parse().map_err(|error| {
        AgentError::fatal(format!(
            "expected another value of the setting {name}, found {value:?}: {error}"
        ))
    })
}

impl FromContext for Settings {
    fn resolve(_: &Context) -> Result<Self> {
        Ok(Self {})
    }
}

impl FromRun for Settings {
    fn resolve_for_run(_: &RunContext) -> Result<Self> {
        Ok(Self {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_another_type_is_named() {
        assert_eq!(parse("most", "0.5"), Ok(0.5));
        let error = parse::<f64>("most", "high").unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            error.message(),
            "expected another value of the setting most, found \"high\": invalid float literal"
        );
    }
}
