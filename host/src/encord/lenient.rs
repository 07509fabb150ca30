//! Readers of single values for which anything unexpected is absent.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

pub(super) fn maybe_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(maybe_text(deserializer)?.unwrap_or_default())
}

pub(super) fn maybe_uuid<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Uuid>, D::Error> {
    Ok(maybe_text(deserializer)?.and_then(|text| text.parse().ok()))
}

pub(super) fn maybe_bool<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_bool())
}

pub(super) fn maybe_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    })
}

pub(super) fn maybe_size<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    // Floats appear where a number went through a language without integers. Up to 2^53 they are
    // exact, which is more than any file has bytes.
    Ok(maybe_number(deserializer)?
        .filter(|number| (0.0..9_007_199_254_740_992.0).contains(number))
        .map(|number| number as u64))
}

pub(super) fn maybe_count<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    Ok(maybe_size(deserializer)?.and_then(|number| number.try_into().ok()))
}

/// An object; empty for anything else.
pub(super) fn object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    })
}

/// A list; empty for anything else.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(values) => values,
        _ => Vec::new(),
    })
}

/// Those of the values that can be read. The others are named in the log: they are of no use to a host that
/// does not know them, and no reason to refuse the whole.
pub(super) fn readable<W, T>(what: &str, values: Vec<Value>, into: impl Fn(W) -> T) -> Vec<T>
where
    W: for<'de> Deserialize<'de>,
{
    values
        .into_iter()
        .filter_map(|value| match W::deserialize(&value) {
            Ok(wire) => Some(into(wire)),
            Err(error) => {
                tracing::warn!(%error, "left out a {what} that cannot be read: {value}");
                None
            }
        })
        .collect()
}
