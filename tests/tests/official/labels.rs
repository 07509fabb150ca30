//! Labels of every kind: what the SDK writes is read equal by both, and survives the host.

use runner_tests::TestProject;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::canonical::{self, differences};
use crate::peer::Peer;

/// The data units of `tests/projects/everything`.
pub(crate) fn units() -> Vec<Uuid> {
    let first = 0xe5000000_0000_4000_8000_000000000001_u128;
    (0..12)
        .map(|number| Uuid::from_u128(first + number))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_of_the_sdk_is_read_equal_by_the_host_and_kept_by_it() {
    let project = TestProject::of_everything();
    let peer = Peer::of_project(&project).await;
    let (client, hash) = (&peer.served.client, peer.served.hash);
    let expected = peer
        .python_writes("write_labels.py", &[&hash.to_string()])
        .await;

    let rows = canonical::rows(client, hash, &units()).await;
    let found: Map<_, _> = rows
        .iter()
        .map(|(_, row)| (row.data_title().to_owned(), canonical::label_row(row)))
        .collect();
    assert_eq!(differences(&Value::Object(found), &expected), "");

    // Saved as it was read: all that the server sent is sent back and kept.
    let saved: Vec<_> = rows
        .iter()
        .map(|(metadata, row)| (metadata.label_hash.unwrap(), row.to_document()))
        .collect();
    let sent: Vec<_> = saved.iter().map(|(hash, row)| (*hash, &**row)).collect();
    client.save_label_rows(hash, &sent).await.unwrap();
    let again = canonical::rows(client, hash, &units()).await;
    for ((_, before), (_, after)) in rows.iter().zip(&again) {
        let (before, after) = (before.to_document(), after.to_document());
        let (before, after) = (lasting(&before), lasting(&after));
        assert_eq!(differences(&after, &before), "", "{}", before["data_title"]);
    }
}

/// Without the time of the save, and without what a URL that is signed anew changes.
fn lasting(document: &Value) -> Value {
    let Value::Object(fields) = document else {
        panic!("a row is an object")
    };
    let fields = fields.iter().filter(|(key, _)| *key != "last_edited_at");
    Value::Object(
        fields
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}
