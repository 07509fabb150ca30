//! What a request asks for, in the words of a rule.

use std::fmt::Write;

/// What of a request decides whether a rule is about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'request> {
    /// Of HTTP.
    pub(super) method: &'request str,
    /// Without the query.
    pub(super) path: &'request str,
    /// What the body of a request to the older API names: `query_type` and `query_method`.
    pub(super) query: Option<(&'request str, &'request str)>,
}

/// The operations of the newer API, whether or not this server has them, and the media. The first whose path fits is the operation of a request.
const BY_PATH: [(&str, &str); 32] = [
    ("projects", "/v2/public/projects"),
    ("project", "/v2/public/projects/*"),
    ("branches", "/v2/public/projects/*/branches"),
    ("datasets", "/v2/public/projects/*/datasets"),
    ("priorities", "/v2/public/projects/*/priorities"),
    ("issues", "/v2/public/projects/*/issues"),
    ("delete-issues", "/v2/public/projects/*/issues/delete"),
    (
        "classifications",
        "/v2/public/projects/*/label-rows/classifications",
    ),
    ("copy-branch", "/v2/public/projects/*/labels/copy-branch"),
    (
        "validation-state",
        "/v2/public/projects/*/labels/*/validation-state",
    ),
    ("tasks", "/v2/public/projects/*/workflow/stages/*/tasks"),
    ("actions", "/v2/public/projects/*/workflow/stages/*/actions"),
    (
        "move-tasks",
        "/v2/public/projects/*/workflow/stages/*/move-tasks",
    ),
    ("ontologies", "/v2/public/ontologies"),
    ("ontology", "/v2/public/ontologies/*"),
    ("get-bulk", "/v2/public/storage/items/get-bulk"),
    ("patch-bulk", "/v2/public/storage/items/patch-bulk"),
    ("item", "/v2/public/storage/items/*"),
    ("folders", "/v2/public/storage/folders"),
    ("folder", "/v2/public/storage/folders/*"),
    ("folder-items", "/v2/public/storage/folders/*/items"),
    ("patch-item", "/v2/public/storage/folders/*/items/*"),
    (
        "child-items",
        "/v2/public/storage/folders/*/items/*/child-items",
    ),
    (
        "item-summary",
        "/v2/public/storage/folders/*/items/*/summary",
    ),
    ("folder-summary", "/v2/public/storage/folders/*/summary"),
    (
        "create-groups",
        "/v2/public/storage/folders/*/create-group-items",
    ),
    ("presigned-urls", "/v2/public/presigned-urls"),
    (
        "upload-urls",
        "/v2/public/storage/folders/*/upload-signed-urls",
    ),
    ("upload", "/uploads/*"),
    (
        "start-upload-job",
        "/v2/public/storage/folders/*/data-upload-jobs",
    ),
    (
        "upload-job",
        "/v2/public/storage/folders/*/data-upload-jobs/*",
    ),
    (MEDIA, "/media/**"),
];
/// The operations of the older API, which has one path for all of them.
const BY_QUERY: [&str; 11] = [
    "labelrowmetadata",
    "labelrow",
    "labelworkflowgraphnode",
    "project",
    "dataset",
    "datarows",
    "datasetdata",
    "datasetlinkitems",
    "datasetdatalongpolling",
    "datarow",
    "video",
];
const QUERY_METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
/// Downloads of media files.
pub(super) const MEDIA: &str = "media";

/// What a rule may say that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    ByPath(&'static str),
    ByQuery {
        query_type: &'static str,
        query_method: &'static str,
    },
}

impl Operation {
    /// `None` if there is no such operation.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some((query_type, query_method)) = name.split_once('.') {
            return Some(Self::ByQuery {
                query_type: one_of(&BY_QUERY, query_type)?,
                query_method: one_of(&QUERY_METHODS, query_method)?,
            });
        }
        let (known, _) = BY_PATH.iter().find(|(known, _)| *known == name)?;
        Some(Self::ByPath(known))
    }

    /// For whoever wrote something else.
    pub(super) fn expected() -> String {
        let mut text = "one of ".to_owned();
        for (name, _) in &BY_PATH {
            let _ = write!(text, "{name}, ");
        }
        let (types, methods) = (BY_QUERY.join(", "), QUERY_METHODS.join(", "));
        let _ = write!(
            text,
            "or <type>.<method> with a type of {types} and a method of {methods}"
        );
        text
    }

    pub(super) fn is_that_of(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::ByPath(name) => BY_PATH
                .iter()
                .find(|(_, pattern)| fits(pattern, asked.path))
                .is_some_and(|(found, _)| found == name),
            Self::ByQuery {
                query_type,
                query_method,
            } => asked.query == Some((query_type, query_method)),
        }
    }
}

/// Whether a path is as the pattern says: `*` is any one segment, `**` at the end one or more.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        match segments.next() {
            Some(_) if wanted == "**" => return true,
            Some(found) if wanted == "*" || wanted == found => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Whether [`fits`] understands the pattern as its author meant it.
pub(super) fn is_pattern(text: &str) -> bool {
    let Some(segments) = text.strip_prefix('/') else {
        return false;
    };
    let count = segments.split('/').count();
    segments
        .split('/')
        .enumerate()
        .all(|(index, segment)| match segment {
            "*" => true,
            "**" => index + 1 == count,
            other => !other.contains(['*', '?', '#']),
        })
}

fn one_of(known: &[&'static str], name: &str) -> Option<&'static str> {
    known.iter().find(|known| **known == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Asked<'_> {
        Asked {
            method: "POST",
            path,
            query: None,
        }
    }

    fn is(name: &str, asked: &Asked<'_>) -> bool {
        let operation = Operation::parse(name).expect("there is this operation");
        operation.is_that_of(asked)
    }

    #[test]
    fn a_path_is_one_operation_only() {
        let bulk = asked("/v2/public/storage/items/get-bulk");
        assert!(is("get-bulk", &bulk));
        assert!(!is("item", &bulk));
        assert!(is("item", &asked("/v2/public/storage/items/1234")));
        let actions = asked("/v2/public/projects/1/workflow/stages/2/actions");
        assert!(is("actions", &actions));
        assert!(!is("tasks", &actions) && !is("project", &actions));
        assert!(is("media", &asked("/media/1234/image.png")));
    }

    #[test]
    fn the_older_api_is_told_apart_by_its_body() {
        let save = Asked {
            query: Some(("labelrow", "POST")),
            ..asked("/public")
        };
        assert!(is("labelrow.POST", &save));
        assert!(!is("labelrow.PUT", &save) && !is("labelrowmetadata.GET", &save));
        assert!(!is("labelrow.POST", &asked("/public")));
    }

    #[test]
    fn an_operation_that_is_none_is_noticed() {
        for name in ["", "action", "labelrow", "labelrow.post", "labelrows.GET"] {
            assert_eq!(Operation::parse(name), None, "{name}");
        }
        assert!(Operation::expected().contains("get-bulk"));
    }

    #[test]
    fn a_star_is_one_segment_and_two_are_the_rest() {
        assert!(fits("/v2/*/projects", "/v2/public/projects"));
        assert!(!fits("/v2/*/projects", "/v2/public/projects/1"));
        assert!(!fits("/v2/*", "/v2"));
        assert!(fits("/v2/**", "/v2/public/projects/1"));
        assert!(fits("/**", "/public"));
        assert!(!fits("/public", "/public/user"));
        let good = ["/", "/*", "/**", "/a/*/b/**"];
        assert!(good.iter().all(|pattern| is_pattern(pattern)));
        let bad = ["", "public", "/a*", "/**/b", "/a?b=c"];
        assert!(!bad.iter().any(|pattern| is_pattern(pattern)));
    }
}
