//! Text in HTML documents.

use serde_json::{Value, json};

use super::error::LabelError;

/// Text in an HTML document, from one place to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HtmlRange {
    /// Where it starts.
    pub start: HtmlNode,
    /// Where it ends.
    pub end: HtmlNode,
}

/// A place in an HTML document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HtmlNode {
    /// Path of the element, as XPath.
    pub xpath: String,
    /// In characters of the element's text, from 0.
    pub offset: u32,
}

/// Refuses ranges that mark nothing.
///
/// # Errors
/// [`LabelError::InvalidArgument`] if there are none, or if one has an empty path.
pub(super) fn check(ranges: &[HtmlRange]) -> Result<(), LabelError> {
    if ranges.is_empty() {
        return Err(LabelError::InvalidArgument(
            "expected at least one range of an HTML document, found an empty list".to_owned(),
        ));
    }
    for (position, range) in ranges.iter().enumerate() {
        for (end, node) in [("start", &range.start), ("end", &range.end)] {
            if node.xpath.is_empty() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the XPath of an element as the {end} of range {position} of an HTML \
                     document, found an empty text"
                )));
            }
        }
    }
    Ok(())
}

/// The ranges of a list as a label row has it, in either form; what is no range is left out.
pub(super) fn from_json(ranges: Option<&Value>) -> Vec<HtmlRange> {
    let ranges = ranges.and_then(Value::as_array).into_iter().flatten();
    let range = |json: &Value| {
        let end = |key: &str, position: usize| json.get(key).or_else(|| json.get(position));
        Some(HtmlRange {
            start: node(end("start", 0)?)?,
            end: node(end("end", 1)?)?,
        })
    };
    ranges.filter_map(range).collect()
}

/// As the key `range_html` of an object that is in the row itself has them.
pub(super) fn to_json(ranges: &[HtmlRange]) -> Value {
    let range = |range: &HtmlRange| json!({ "start": node_to_json(&range.start), "end": node_to_json(&range.end) });
    ranges.iter().map(range).collect()
}

/// As the key `range` of an object's space has them: pairs.
pub(super) fn to_space_json(ranges: &[HtmlRange]) -> Value {
    let pair = |range: &HtmlRange| json!([node_to_json(&range.start), node_to_json(&range.end)]);
    ranges.iter().map(pair).collect()
}

fn node(json: &Value) -> Option<HtmlNode> {
    Some(HtmlNode {
        xpath: json.get("xpath")?.as_str()?.to_owned(),
        offset: u32::try_from(json.get("offset")?.as_u64()?).ok()?,
    })
}

fn node_to_json(node: &HtmlNode) -> Value {
    json!({ "xpath": node.xpath, "offset": node.offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, from: u32, end: &str, to: u32) -> HtmlRange {
        let node = |xpath: &str, offset| HtmlNode {
            xpath: xpath.to_owned(),
            offset,
        };
        HtmlRange {
            start: node(start, from),
            end: node(end, to),
        }
    }

    #[test]
    fn ranges_are_written_as_the_python_sdk_writes_them_and_read_back() {
        let ranges = [range("/html[1]/p[1]", 3, "/html[1]/p[2]", 0)];
        let own = to_json(&ranges);
        assert_eq!(
            own.to_string(),
            r#"[{"start":{"xpath":"/html[1]/p[1]","offset":3},"end":{"xpath":"/html[1]/p[2]","offset":0}}]"#
        );
        assert_eq!(from_json(Some(&own)), ranges);
        let placed = to_space_json(&ranges);
        assert_eq!(
            placed.to_string(),
            r#"[[{"xpath":"/html[1]/p[1]","offset":3},{"xpath":"/html[1]/p[2]","offset":0}]]"#
        );
        assert_eq!(from_json(Some(&placed)), ranges);
    }

    #[test]
    fn the_captured_ranges_are_written_as_they_were_read() {
        let row: Value =
            serde_json::from_str(include_str!("testdata/html.json")).expect("testdata is JSON");
        let captured = &row["object_answers"]["YWJ+ULkH"]["range_html"];
        let ranges = from_json(Some(captured));
        assert_eq!(ranges.len(), 1);
        assert_eq!(to_json(&ranges).to_string(), captured.to_string());
    }

    #[test]
    fn what_is_no_range_is_left_out() {
        for json in [
            json!(null),
            json!([1, "a", {}, { "start": { "xpath": "/p", "offset": 0 } }]),
            json!([{ "start": { "xpath": "/p", "offset": -1 }, "end": { "xpath": "/p", "offset": 1 } }]),
            json!([[{ "xpath": "/p", "offset": 0 }]]),
        ] {
            assert_eq!(from_json(Some(&json)), [], "{json}");
        }
        assert_eq!(from_json(None), []);
    }

    #[test]
    fn ranges_that_mark_nothing_are_refused() {
        assert_eq!(check(&[range("/p", 0, "/p", 1)]), Ok(()));
        for (ranges, expected) in [
            (
                vec![],
                "expected at least one range of an HTML document, found an empty list",
            ),
            (
                vec![range("/p", 0, "/p", 1), range("/p", 0, "", 1)],
                "expected the XPath of an element as the end of range 1 of an HTML document, found an \
                 empty text",
            ),
        ] {
            let expected = LabelError::InvalidArgument(expected.to_owned());
            assert_eq!(check(&ranges), Err(expected));
        }
    }
}
