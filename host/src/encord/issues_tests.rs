use serde_json::json;

use super::*;
use crate::encord::ErrorKind;
use crate::encord::peer::{Peer, again, ok};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn issue(anchor: IssueAnchor) -> NewIssue {
    NewIssue {
        data_hash: id(1),
        anchor,
        comment: "look".to_owned(),
        tags: vec!["qa".to_owned()],
    }
}

#[tokio::test]
async fn every_anchor_is_sent_as_the_sdk_does() {
    let peer = Peer::start([ok("null")]).await;
    let space_id = || Some("left".to_owned());
    let anchors = [
        IssueAnchor::DataUnit { space_id: None },
        IssueAnchor::Frame {
            frame: 3,
            space_id: space_id(),
        },
        IssueAnchor::FrameCoordinate {
            frame: 3,
            x: 0.25,
            y: 0.5,
            space_id: None,
        },
        IssueAnchor::SceneCoordinate {
            frame: 0,
            x: -1.5,
            y: 2.0,
            z: 3.0,
        },
        IssueAnchor::Annotation {
            hash: "853bJd0B".to_owned(),
            frames: None,
            space_id: None,
        },
        IssueAnchor::Annotation {
            hash: "853bJd0B".to_owned(),
            frames: Some(vec![0..=4, 7..=7]),
            space_id: space_id(),
        },
    ];
    peer.client
        .create_issues(PROJECT, &anchors.map(issue))
        .await
        .expect("created");
    let sent = peer.received()[0].json();
    let anchors: Vec<_> = sent["issues"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|issue| issue["anchor"].clone())
        .collect();
    let data = id(1);
    assert_eq!(
        anchors,
        [
            json!({"type": "dataUnit", "dataUuid": data}),
            json!({"type": "frame", "dataUuid": data, "spaceId": "left", "frameIndex": 3}),
            json!({"type": "frameCoordinate", "dataUuid": data, "frameIndex": 3, "x": 0.25, "y": 0.5}),
            json!({"type": "sceneCoordinate", "dataUuid": data, "frameIndex": 0, "x": -1.5, "y": 2.0, "z": 3.0}),
            json!({"type": "annotation", "dataUuid": data, "annotationId": "853bJd0B"}),
            json!({"type": "annotation", "dataUuid": data, "annotationId": "853bJd0B", "spaceId": "left",
                "frameRanges": [{"start": 0, "end": 4}, {"start": 7, "end": 7}]}),
        ]
    );
    assert_eq!(sent["issues"][0]["comment"], json!("look"));
    assert_eq!(sent["issues"][0]["issueTags"], json!(["qa"]));
}

#[tokio::test]
async fn anchors_that_cannot_be_are_not_sent() {
    let peer = Peer::start([]).await;
    let annotation = |frames| IssueAnchor::Annotation {
        hash: "853bJd0B".to_owned(),
        frames: Some(frames),
        space_id: None,
    };
    #[allow(clippy::reversed_empty_ranges)] // That it cannot be is the point.
    let backwards = vec![5..=4];
    for anchor in [
        annotation(Vec::new()),
        annotation(backwards),
        IssueAnchor::SceneCoordinate {
            frame: 0,
            x: f64::NAN,
            y: 0.0,
            z: 0.0,
        },
    ] {
        let refused = peer.client.create_issues(PROJECT, &[issue(anchor)]).await;
        assert_eq!(
            refused.expect_err("refused").kind(),
            ErrorKind::InvalidArguments
        );
    }
    assert_eq!(peer.client.requests(), 0);
}

#[tokio::test]
async fn creation_is_not_repeated_and_deletion_is() {
    let peer = Peer::start([again(503), again(503), ok("null")]).await;
    let issues = [issue(IssueAnchor::DataUnit { space_id: None })];
    let error = peer
        .client
        .create_issues(PROJECT, &issues)
        .await
        .expect_err("the failure");
    assert!(error.may_have_been_applied());
    assert_eq!(peer.client.requests(), 1);
    peer.client
        .delete_issues(PROJECT, &[id(5)])
        .await
        .expect("the second answer");
    let last = peer.received().pop().expect("a request");
    assert_eq!(
        last.target,
        format!("/v2/public/projects/{PROJECT}/issues/delete")
    );
    assert_eq!(last.json(), json!({"issueUuids": [id(5)]}));
}

#[tokio::test]
async fn issues_of_every_kind_are_listed() {
    let page = json!({"nextPageToken": null, "results": [
        {"type": "frameCoordinate", "uuid": id(1), "dataUuid": id(9), "frameIndex": 2, "coordinate": {"x": 0.1, "y": 0.2},
         "comments": [{"content": "look", "authorEmail": "a@b.c", "createdAt": "2025-01-15T09:30:00"}],
         "tags": [{"name": "qa", "uuid": id(7)}],
         "resolutionHistory": [{"isResolved": true, "createdAt": "2025-01-15T09:30:00", "actorEmail": null}]},
        {"type": "frameRange", "uuid": id(2), "dataUuid": id(9), "frameRanges": [{"start": 1, "end": 3}], "comments": []},
        {"type": "annotation", "uuid": id(3), "dataUuid": id(9), "annotationId": "853bJd0B", "frameRanges": null},
        {"type": "hologram", "uuid": id(4), "dataUuid": id(9), "coordinate": "odd", "comments": null},
        {"no": "identifier"}]});
    let peer = Peer::start([ok(&page.to_string())]).await;
    let issues = peer.client.issues(PROJECT, id(9)).await.expect("issues");
    let types: Vec<_> = issues.iter().map(|issue| &*issue.anchor_type).collect();
    assert_eq!(
        types,
        ["frameCoordinate", "frameRange", "annotation", "hologram"]
    );
    assert_eq!(
        issues[0].coordinate,
        Some(IssueCoordinate {
            x: 0.1,
            y: 0.2,
            z: None
        })
    );
    assert_eq!(issues[0].comments[0].created_at, "2025-01-15T09:30:00Z");
    assert!(issues[0].resolution_history[0].is_resolved);
    assert_eq!(issues[0].tags[0].name, "qa");
    assert_eq!(issues[1].frames, [1..=3]);
    assert_eq!(issues[2].annotation_hash.as_deref(), Some("853bJd0B"));
    assert_eq!(issues[3].coordinate, None);
    assert_eq!(
        peer.received()[0].target,
        format!("/v2/public/projects/{PROJECT}/issues?dataUnitId={}", id(9))
    );
}
