//! Calls Encord's API: reads, looks up, and writes. What is refused is logged.

use runner_sdk::Method;
use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(
    client: Client,
    project: Project,
    item: StorageItem,
    stage: AgentStage,
) -> Result<Option<runner_sdk::StagePathway>> {
    let path = format!("projects/{}", project.project_hash());
    told("project", client.get(&path, &[]), "title");
    told(
        "item",
        client.get(
            &format!("storage/items/{}", item.uuid()),
            &[("signUrl", "false")],
        ),
        "name",
    );
    let bulk = json!({ "itemUuids": [item.uuid()], "signUrls": false });
    told(
        "bulk",
        client.post("storage/items/get-bulk", &bulk),
        "results",
    );
    let patch = json!({ "itemPatches": { item.uuid(): { "description": "written by a plugin" } } });
    told(
        "patch",
        client.patch("storage/items/patch-bulk", &patch),
        "results",
    );
    let hash: Uuid = project.project_hash().parse()?;
    let row = client.query_project::<JsonValue>(
        hash,
        "labelrow",
        "GET",
        &["00000000-0000-4000-8000-000000000000"],
        &(),
    );
    told("query", row, "label_hash");
    for elsewhere in [
        "../users",
        "https://example.com/",
        "//example.com",
        "projects/../../../public",
        "a?b=c",
        "",
    ] {
        if let Err(error) = client.request(Method::Get, elsewhere, &[], None) {
            info!("{elsewhere:?}: {error}");
        }
    }
    Ok(stage.pathways().into_iter().next())
}

fn told(what: &str, answer: Result<JsonValue, Error>, key: &str) {
    match answer {
        Ok(answer) => match &answer[key] {
            JsonValue::Array(list) => info!("{what}: {} {key}", list.len()),
            value => info!("{what}: {key} {value}"),
        },
        Err(error) => info!("{what}: {error}"),
    }
}
