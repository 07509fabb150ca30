//! The text of label rows: what is kept of one that a client saves, and how links are put into one that it reads. It is
//! looked into only as deep as is needed: labels are most of it, and stay as they are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ACCOUNT;

/// The fields of an object in their order, as the text that they are.
#[derive(Debug, Default)]
pub(super) struct Fields<'text>(Vec<(String, &'text RawValue)>);

impl<'text> Fields<'text> {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&'text RawValue> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| *value)
    }

    /// The same as a text; absent if it is something else.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'text, str>> {
        serde_json::from_str(self.get(key)?.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(String, &RawValue)> = Vec::new();
                let mut places: HashMap<String, usize> = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    // Of a key that comes twice, the last one counts, as for other readers of JSON.
                    match places.get(&key) {
                        Some(place) => fields[*place].1 = value,
                        None => {
                            places.insert(key.clone(), fields.len());
                            fields.push((key, value));
                        }
                    }
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// What is kept of a row: every field that was sent, known or not, except those in `without`. What is known of its
/// data units and spaces (`known`: key of the row, then by hash) takes the place of what was sent of it. Authors that
/// were left open become the account.
pub(super) fn kept(
    sent: &Fields<'_>,
    without: &[&str],
    known: [(&'static str, Map<String, Value>); 2],
) -> Result<String, serde_json::Error> {
    let mut document = Object::new();
    let mut known = HashMap::from(known);
    for (key, value) in &sent.0 {
        if without.contains(&key.as_str()) {
            continue;
        }
        if let Some(known) = known.remove(key.as_str()) {
            document.put(key, &units(value, known)?)?;
        } else if matches!(key.as_str(), "object_answers" | "classification_answers") {
            // An object of entries.
            document.put(key, &with_authors(value.get(), 2..=2))?;
        } else {
            document.put(key, value.get())?;
        }
    }
    for (key, known) in known {
        document.put(key, &units(RawValue::NULL, known)?)?;
    }
    Ok(document.end())
}

/// The data units, or the spaces, of a row.
fn units(sent: &RawValue, mut known: Map<String, Value>) -> Result<String, serde_json::Error> {
    let sent: Option<Fields<'_>> = serde_json::from_str(sent.get())?;
    let mut units = Object::new();
    for (hash, unit) in &sent.unwrap_or_default().0 {
        let known = known.shift_remove(hash);
        units.put(hash, &self::unit(unit, known)?)?;
    }
    for (hash, mut known) in known {
        known["labels"] = Value::Object(Map::new());
        units.put(&hash, &known.to_string())?;
    }
    Ok(units.end())
}

fn unit(sent: &RawValue, known: Option<Value>) -> Result<String, serde_json::Error> {
    let Some(Value::Object(mut known)) = known else {
        return Ok(with_authors(sent.get(), 4..=5).into_owned());
    };
    let fields: Fields<'_> = serde_json::from_str(sent.get())?;
    let mut unit = Object::new();
    for (key, value) in &fields.0 {
        match known.shift_remove(key) {
            Some(known) => unit.put(key, &known.to_string())?,
            // One set of labels, or one for each frame: lists of entries in an object, or in objects in an object.
            None if key == "labels" => unit.put(key, &with_authors(value.get(), 3..=4))?,
            None => unit.put(key, value.get())?,
        }
    }
    if fields.get("labels").is_none() {
        unit.put("labels", "{}")?;
    }
    for (key, value) in known {
        unit.put(&key, &value.to_string())?;
    }
    Ok(unit.end())
}

/// A row whose data units, and the parts of a data group, say where their files can be read: `links` by data hash.
pub(super) fn with_links(
    document: &str,
    links: &HashMap<String, String>,
) -> Result<String, serde_json::Error> {
    let linked = |unit: &RawValue, link: Option<&String>, path: &[&str]| match link {
        Some(link) => replaced(unit.get(), path, &serde_json::to_string(link)?),
        None => Ok(unit.get().to_owned()),
    };
    let fields: Fields<'_> = serde_json::from_str(document)?;
    let mut row = Object::new();
    for (key, value) in &fields.0 {
        let path: &[&str] = match key.as_str() {
            "data_units" => &["data_link"],
            "spaces" => &["child_info", "data_link"],
            _ => {
                row.put(key, value.get())?;
                continue;
            }
        };
        let units: Fields<'_> = serde_json::from_str(value.get())?;
        let mut written = Object::new();
        for (hash, unit) in &units.0 {
            written.put(hash, &linked(unit, links.get(hash), path)?)?;
        }
        row.put(key, &written.end())?;
    }
    Ok(row.end())
}

/// The object with another value at the end of the path. What has no such field stays as it is.
fn replaced(object: &str, path: &[&str], value: &str) -> Result<String, serde_json::Error> {
    let [key, deeper @ ..] = path else {
        return Ok(value.to_owned());
    };
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(object) else {
        return Ok(object.to_owned());
    };
    let mut written = Object::new();
    for (name, field) in &fields.0 {
        match name == key {
            true => written.put(name, &replaced(field.get(), deeper, value)?)?,
            false => written.put(name, field.get())?,
        }
    }
    Ok(written.end())
}

/// An object that is being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn put(&mut self, key: &str, value: &str) -> Result<(), serde_json::Error> {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&serde_json::to_string(key)?);
        self.0.push(':');
        self.0.push_str(value);
        Ok(())
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The same JSON, with the account in place of each author that is null. Authors are looked for in objects that lie
/// as deep as `depths` says: 1 is the outermost value.
fn with_authors(json: &str, depths: RangeInclusive<usize>) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut written = String::new();
    // What of `json` is written.
    let mut done = 0;
    let (mut depth, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let end = end_of_text(bytes, at);
                let author = matches!(&json[at..end], r#""createdBy""# | r#""lastEditedBy""#);
                if author
                    && depths.contains(&depth)
                    && let Some(null) = null_behind(bytes, end)
                {
                    written.push_str(&json[done..null]);
                    written.push('"');
                    written.push_str(ACCOUNT);
                    written.push('"');
                    done = null + "null".len();
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    written.push_str(&json[done..]);
    Cow::Owned(written)
}

/// Where the text ends that begins at `start` with a quotation mark: behind the closing one.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where `null` begins, if that is the value of the key that ends at `end`.
fn null_behind(bytes: &[u8], end: usize) -> Option<usize> {
    let skip = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    let colon = skip(end);
    if bytes.get(colon) != Some(&b':') {
        return None;
    }
    let value = skip(colon + 1);
    bytes[value..].starts_with(b"null").then_some(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn authors_are_filled_in_where_entries_lie() {
        let given = r#"{"0": {"objects": [{"createdBy" : null, "lastEditedBy":null, "x": {"createdBy": null},
            "note": "\"createdBy\": null"}], "createdBy": null}}"#;
        let filled: Value = serde_json::from_str(&with_authors(given, 3..=4)).expect("JSON");
        let expected = json!({ "0": {
            "objects": [{
                "createdBy": ACCOUNT,
                "lastEditedBy": ACCOUNT,
                "x": { "createdBy": null },
                "note": "\"createdBy\": null",
            }],
            "createdBy": null,
        } });
        assert_eq!(filled, expected);
        assert!(matches!(with_authors("[]", 1..=9), Cow::Borrowed("[]")));
    }

    #[test]
    fn links_are_put_where_files_are() {
        let document = r#"{"data_units": {"a": {"data_link": "old", "labels": {"x": 1.50}}, "b": {"data_link": "b"}},
            "spaces": {"a": {"child_info": {"layout_key": "k", "data_link": null}}, "c": 5}, "data_link": "no"}"#;
        let links = HashMap::from([("a".to_owned(), "http://\"new\"".to_owned())]);
        let linked = with_links(document, &links).expect("it is JSON");
        assert!(linked.contains("1.50"), "{linked}");
        let linked: Value = serde_json::from_str(&linked).expect("it is JSON");
        let expected = json!({
            "data_units": {
                "a": { "data_link": "http://\"new\"", "labels": { "x": 1.5 } },
                "b": { "data_link": "b" },
            },
            "spaces": { "a": { "child_info": { "layout_key": "k", "data_link": "http://\"new\"" } }, "c": 5 },
            "data_link": "no",
        });
        assert_eq!(linked, expected);
    }

    #[test]
    fn what_is_known_takes_the_place_of_what_was_sent() {
        let sent = r#"{"label_hash": "x", "future": {"kept": [1, 2.50]}, "data_units": {
            "a": {"data_link": "sent", "labels": {"objects": [{"createdBy": null}]}, "other": 1}, "b": 5},
            "object_answers": {"h": {"createdBy": null}}, "future": {"last": 1e400}}"#;
        let sent: Fields<'_> = serde_json::from_str(sent).expect("JSON");
        let known = |fields: Value| fields.as_object().expect("it is one").clone();
        let units =
            known(json!({ "a": { "data_link": "known", "width": 3 }, "c": { "width": 4 } }));
        let spaces = known(json!({ "s": { "space_type": "image" } }));
        let kept = kept(
            &sent,
            &["label_hash"],
            [("data_units", units), ("spaces", spaces)],
        );
        let kept = kept.expect("it is JSON");
        // A number that no machine type holds is kept as it was written.
        assert!(kept.contains(r#""future":{"last": 1e400}"#), "{kept}");
        let kept: Value = serde_json::from_str(&kept.replace("1e400", "1")).expect("JSON");
        let expected = json!({
            "future": { "last": 1 },
            "data_units": {
                "a": { "data_link": "known", "labels": { "objects": [{ "createdBy": ACCOUNT }] }, "other": 1, "width": 3 },
                "b": 5,
                "c": { "width": 4, "labels": {} },
            },
            "object_answers": { "h": { "createdBy": ACCOUNT } },
            "spaces": { "s": { "space_type": "image", "labels": {} } },
        });
        assert_eq!(kept, expected);
    }
}
