//! What projects, datasets and ontologies are listed by.

use url::form_urlencoded;

use super::reply::ApiError;
use crate::local::clock;

/// Which are listed; absent means all.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    title: Option<String>,
    title_like: Option<String>,
    description: Option<String>,
    description_like: Option<String>,
    /// In milliseconds since 1970, all excluded.
    created_before: Option<i64>,
    created_after: Option<i64>,
    edited_before: Option<i64>,
    edited_after: Option<i64>,
}

impl Filter {
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let moment = || {
                clock::parse(&value).ok_or_else(|| {
                    ApiError::invalid(format!(
                        "expected a date and time (ISO 8601), found `{value}`"
                    ))
                })
            };
            match &*key {
                "titleEq" => filter.title = Some(value.into_owned()),
                "titleLike" => filter.title_like = Some(value.into_owned()),
                "descEq" | "descriptionEq" => filter.description = Some(value.into_owned()),
                "descLike" | "descriptionLike" => {
                    filter.description_like = Some(value.into_owned())
                }
                "createdBefore" => filter.created_before = Some(moment()?),
                "createdAfter" => filter.created_after = Some(moment()?),
                "editedBefore" => filter.edited_before = Some(moment()?),
                "editedAfter" => filter.edited_after = Some(moment()?),
                _ => {}
            }
        }
        Ok(filter)
    }

    /// The moments are in milliseconds since 1970.
    pub(super) fn takes(&self, title: &str, description: &str, created: i64, edited: i64) -> bool {
        let equal = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == text)
        };
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| like(pattern, text))
        };
        equal(&self.title, title)
            && fits(&self.title_like, title)
            && equal(&self.description, description)
            && fits(&self.description_like, description)
            && self.created_before.is_none_or(|before| created < before)
            && self.created_after.is_none_or(|after| created > after)
            && self.edited_before.is_none_or(|before| edited < before)
            && self.edited_after.is_none_or(|after| edited > after)
    }
}

/// SQL's `LIKE`: `%` is any text, `_` any one character, and case does not matter.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (pattern, text) = (chars(pattern), chars(text));
    let (mut at, mut seen) = (0, 0);
    // Behind the last `%`, and where its text ends as far as is known.
    let mut wildcard = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('%') => {
                wildcard = Some((at + 1, seen));
                at += 1;
            }
            Some(one) if *one == '_' || *one == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match wildcard {
                // The text of the last `%` is one character longer; those before need not change.
                Some((behind, end)) => {
                    wildcard = Some((behind, end + 1));
                    (at, seen) = (behind, end + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '%')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_is_that_of_sql() {
        assert!(like("agent%", "Agent 1"));
        assert!(like("%1", "Agent 1"));
        assert!(like("Agent _", "Agent 1"));
        assert!(!like("Agent", "Agent 1"));
        assert!(!like("_", ""));
        assert!(like("%", "") && like("", "") && !like("", "a"));
        assert!(like("a%b%c", "a-b-b-c") && !like("a%b%c", "a-c-b"));
        // Without going back further than the last wildcard, this ends before long.
        assert!(!like(&"%a".repeat(40), &"a".repeat(39)));
    }
}
