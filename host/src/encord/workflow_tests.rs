use serde_json::json;

use super::*;
use crate::encord::ErrorKind;
use crate::encord::peer::{Peer, again, ok, refusal};

const PROJECT: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);
const STAGE: Uuid = Uuid::from_u128(0x6011_c844_fb26_438b_b465_0b08_2595_1015);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn every_action_as_the_sdk_sends_it() {
    let task = id(1);
    let someone = || Some("a@b.c".to_owned());
    let name = PathwayChoice::Name("next".to_owned());
    for (action, sent) in [
        (
            TaskAction::Follow {
                pathway: PathwayChoice::Uuid(id(2)),
            },
            json!({"taskUuid": task, "action": "PATHWAY_ACTION", "pathwayUuid": id(2)}),
        ),
        (
            TaskAction::Follow { pathway: name },
            json!({"taskUuid": task, "action": "PATHWAY_ACTION", "pathwayName": "next"}),
        ),
        (
            TaskAction::Submit {
                assignee: None,
                retain_assignee: true,
                resolve_label_reviews: true,
            },
            json!({"taskUuid": task, "action": "SUBMIT", "resolveLabelReviews": true, "retainAssignee": true}),
        ),
        (
            TaskAction::Approve {
                assignee: someone(),
                retain_assignee: false,
                approve_label_reviews: Some(true),
            },
            json!({"taskUuid": task, "action": "APPROVE", "approveLabelReviews": true, "assignee": "a@b.c",
                "retainAssignee": false}),
        ),
        (
            TaskAction::Reject {
                assignee: None,
                retain_assignee: false,
                reject_label_reviews: None,
            },
            json!({"taskUuid": task, "action": "REJECT", "retainAssignee": false}),
        ),
        (
            TaskAction::Assign {
                assignee: "a@b.c".to_owned(),
            },
            json!({"taskUuid": task, "action": "ASSIGN", "assignee": "a@b.c"}),
        ),
        (
            TaskAction::Release,
            json!({"taskUuid": task, "action": "RELEASE"}),
        ),
    ] {
        let pair = (task, action);
        let wire = serde_json::to_value(WireAction::from(&pair)).expect("JSON");
        assert_eq!(wire, sent);
    }
    assert_eq!(
        serde_json::to_value(SetPriorities {
            priorities: &[(task, 0.75)]
        })
        .expect("JSON"),
        json!({"priorities": [[task, 0.75]]})
    );
}

#[tokio::test]
async fn releasing_is_repeated_only_if_it_was_not_carried_out() {
    let peer = Peer::start([again(503), again(503), ok("null"), again(429), ok("null")]).await;
    let assign = (
        id(1),
        TaskAction::Assign {
            assignee: "a@b.c".to_owned(),
        },
    );
    let release = (id(2), TaskAction::Release);
    let both = [assign.clone(), release.clone()];
    let error = peer
        .client
        .act_on_tasks(PROJECT, STAGE, &both)
        .await
        .expect_err("the failure");
    assert!(error.may_have_been_applied());
    assert_eq!(
        error.to_string(),
        "cannot release the task: Encord answered 503 Service Unavailable"
    );
    assert_eq!(peer.client.requests(), 1);
    peer.client
        .act_on_tasks(PROJECT, STAGE, &[assign])
        .await
        .expect("the second answer");
    assert_eq!(peer.client.requests(), 3);
    peer.client
        .act_on_tasks(PROJECT, STAGE, &[release])
        .await
        .expect("the second answer");
    assert_eq!(peer.client.requests(), 5);
}

#[tokio::test]
async fn a_refused_action_is_not_taken_for_a_task_that_is_gone() {
    let refused = || refusal(400, "no such user");
    let peer = Peer::start([refused(), refused(), refused()]).await;
    let actions = [
        (
            id(1),
            TaskAction::Assign {
                assignee: "a@b.c".to_owned(),
            },
        ),
        (
            id(2),
            TaskAction::Follow {
                pathway: PathwayChoice::Uuid(id(9)),
            },
        ),
    ];
    let acted = peer
        .client
        .act_on_tasks_each(PROJECT, STAGE, &actions)
        .await;
    let kinds: Vec<_> = acted
        .iter()
        .map(|result| result.as_ref().expect_err("refused").kind())
        .collect();
    assert_eq!(kinds, [ErrorKind::InvalidArguments, ErrorKind::TaskGone]);
}

#[tokio::test]
async fn moves_go_in_parts_of_500_and_name_who_is_gone() {
    let gone = || refusal(400, "not there");
    let peer = Peer::start([ok("null"), gone(), gone(), ok("null")]).await;
    let tasks: Vec<_> = (0..502).map(id).collect();
    let moved = peer
        .client
        .move_tasks_each(PROJECT, STAGE, id(9), &tasks)
        .await;
    let failed: Vec<_> = (0..502).filter(|place| moved[*place].is_err()).collect();
    assert_eq!(failed, [500]);
    assert_eq!(
        moved[500].as_ref().expect_err("gone").kind(),
        ErrorKind::TaskGone
    );
    let received = peer.received();
    let sizes: Vec<_> = received
        .iter()
        .map(|sent| sent.json()["taskUuids"].as_array().map(Vec::len))
        .collect();
    assert_eq!(sizes, [Some(500), Some(2), Some(1), Some(1)]);
    assert_eq!(
        received[3].json(),
        json!({"taskUuids": [id(501)], "destinationStageUuid": id(9)})
    );
    assert_eq!(
        received[0].target,
        format!("/v2/public/projects/{PROJECT}/workflow/stages/{STAGE}/move-tasks")
    );
    peer.client
        .move_tasks(PROJECT, STAGE, id(9), &[])
        .await
        .expect("nothing");
    assert_eq!(peer.client.requests(), 4);
}

#[tokio::test]
async fn label_rows_are_completed_and_reopened() {
    let peer = Peer::start([
        ok(r#"{"status": 200, "response": true}"#),
        ok(r#"{"status": 404, "response": ["RESOURCE_NOT_FOUND_ERROR"], "payload": "no such row"}"#),
        again(503),
    ])
    .await;
    peer.client
        .complete_label_rows(PROJECT, &[id(1), id(2)])
        .await
        .expect("completed");
    assert_eq!(
        peer.received()[0].json(),
        json!({"query_type": "labelworkflowgraphnode", "query_method": "POST",
            "values": {"uid": [id(1), id(2)], "payload": {"action": "complete"}}})
    );
    let reopened = peer.client.reopen_label_rows_each(PROJECT, &[id(3)]).await;
    let error = reopened[0].as_ref().expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), Some("no such row"));
    assert!(error.trace_id().is_some());
    assert_eq!(
        peer.received()[1].json()["values"]["payload"],
        json!({"action": "reopen"})
    );
    let error = peer
        .client
        .reopen_label_rows(PROJECT, &[id(3)])
        .await
        .expect_err("not repeated");
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(peer.client.requests(), 3);
}
