//! Routes tasks by the client metadata of their storage items.

use runner_sdk::prelude::*;
use serde::Deserialize;

/// What this plugin looks at; items may have more.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Metadata {
    /// Where it was recorded.
    site: Option<String>,
    /// 10 or more is most urgent.
    weight: f64,
    /// `hold` keeps it back.
    tags: Vec<String>,
}

/// Read once, whoever asks for it. An item without metadata has none of the entries.
#[dependency]
fn metadata(item: StorageItem) -> Result<Metadata> {
    let found = item
        .client_metadata_as()
        .map_err(|error| AgentError::fatal(format!("{}: {}", item.name(), error.message())))?;
    Ok(found.unwrap_or_default())
}

#[stage("Route")]
fn route(metadata: Depends<metadata>, item: StorageItem, stage: AgentStage) -> Result<Outcome> {
    if metadata.tags.iter().any(|tag| tag == "hold") {
        return Ok(Outcome::stay());
    }
    let names: Vec<_> = stage
        .pathways()
        .into_iter()
        .map(|pathway| pathway.name)
        .collect();
    let Some(site) = pathway_of(metadata.site.as_deref(), &names) else {
        info!("{} is of no known site: {:?}", item.name(), metadata.site);
        return Ok(Outcome::to("Unknown site"));
    };
    item.update_client_metadata(&json!({ "routed_to": site }))?;
    Ok(Outcome::to(site).priority(priority(metadata.weight)))
}

/// Each site has a pathway of its name; so a new site needs a pathway in the workflow, and no new plugin.
fn pathway_of<'a>(site: Option<&str>, names: &'a [String]) -> Option<&'a str> {
    let site = site?;
    let found = names.iter().find(|name| name.eq_ignore_ascii_case(site));
    found.map(String::as_str)
}

fn priority(weight: f64) -> f64 {
    (weight / 10.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_names_of_pathways() {
        let names = ["North".to_owned(), "South".to_owned()];
        assert_eq!(pathway_of(Some("north"), &names), Some("North"));
        assert_eq!(pathway_of(Some("east"), &names), None);
        assert_eq!(pathway_of(None, &names), None);
    }

    #[test]
    fn what_is_not_noted_is_absent() {
        let metadata: Metadata =
            runner_sdk::serde_json::from_str(r#"{ "site": "north", "camera": 7 }"#).unwrap();
        assert_eq!(metadata.site.as_deref(), Some("north"));
        assert_eq!((metadata.weight, metadata.tags.len()), (0.0, 0));
    }

    #[test]
    fn priorities_stay_within_0_and_1() {
        assert_eq!(priority(3.0), 0.3);
        assert_eq!(priority(12.0), 1.0);
        assert_eq!(priority(-1.0), 0.0);
    }
}
