use serde_json::json;

use crate::encord::ProjectDataset;
use crate::encord::peer::{Peer, ok};
use uuid::Uuid;

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

#[tokio::test]
async fn branches_and_datasets() {
    let first = json!({"results": [{"name": "main"}], "nextPageToken": "2"});
    let second = json!({"results": [{"name": "second", "new": 1}]});
    let datasets =
        json!({"results": [{"datasetHash": PROJECT, "title": "Data", "description": null}]});
    let peer = Peer::start([first, second, datasets].map(|body| ok(&body.to_string()))).await;
    let branches = peer.client.branches(PROJECT).await.expect("branches");
    assert_eq!(branches, ["main", "second"]);
    let datasets = peer.client.datasets(PROJECT).await.expect("datasets");
    assert_eq!(
        datasets,
        [ProjectDataset {
            hash: PROJECT,
            title: "Data".to_owned(),
            description: String::new(),
        }]
    );
    let targets: Vec<_> = peer
        .received()
        .iter()
        .map(|sent| sent.target.clone())
        .collect();
    let path = format!("/v2/public/projects/{PROJECT}");
    assert_eq!(
        targets,
        [
            format!("{path}/branches"),
            format!("{path}/branches?pageToken=2"),
            format!("{path}/datasets"),
        ]
    );
}
