use serde_json::json;

use super::*;
use crate::encord::ErrorKind;
use crate::encord::peer::{Peer, again, ok, refusal};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn item(number: u128) -> Value {
    json!({"uuid": id(number), "name": format!("item {number}"), "signedUrl": format!("https://files/{number}")})
}

fn page(numbers: &[u128], next: Option<&str>) -> String {
    let results: Vec<_> = numbers.iter().map(|number| item(*number)).collect();
    json!({"results": results, "nextPageToken": next}).to_string()
}

#[test]
fn captured_items() {
    let page = item_page(include_bytes!("testdata/storage_items.json")).expect("captured items");
    let items = page.results;
    assert_eq!(items[0].item_type, "image");
    assert_eq!(items[0].file_size, Some(13_719));
    assert_eq!(items[0].mime_type.as_deref(), Some("image/jpeg"));
    assert_eq!(
        items[0].client_metadata.as_deref(),
        Some(r#"{"item_type": "image", "a": "b"}"#)
    );
    assert_eq!(items[0].raw["owner"], "agent@stub.example");
    assert_eq!(items[1].frame_count, Some(30));
    assert_eq!(items[1].fps, Some(10.0));
    assert_eq!(items[2].item_type, "imageGroup");
    assert_eq!(items[2].signed_url, None);
}

#[tokio::test]
async fn one_item_and_a_fresh_url() {
    let peer = Peer::start([ok(&item(1).to_string()), ok(&item(1).to_string())]).await;
    let found = peer
        .client
        .storage_item(id(1), false)
        .await
        .expect("the item");
    assert_eq!(found.name, "item 1");
    let url = peer.client.signed_url(id(1)).await.expect("a URL");
    assert_eq!(url.as_deref(), Some("https://files/1"));
    let targets: Vec<_> = peer
        .received()
        .iter()
        .map(|sent| sent.target.clone())
        .collect();
    let path = format!("/v2/public/storage/items/{}", id(1));
    assert_eq!(
        targets,
        [
            format!("{path}?signUrl=False"),
            format!("{path}?signUrl=True")
        ]
    );
}

#[tokio::test]
async fn child_items_of_every_page() {
    let peer = Peer::start([ok(&page(&[3, 1], Some("a b"))), ok(&page(&[2], None))]).await;
    let children = peer
        .client
        .child_items(id(8), id(9), true)
        .await
        .expect("children");
    let names: Vec<_> = children.iter().map(|child| &*child.name).collect();
    assert_eq!(names, ["item 3", "item 1", "item 2"]);
    let path = format!(
        "/v2/public/storage/folders/{}/items/{}/child-items",
        id(8),
        id(9)
    );
    let received = peer.received();
    assert_eq!(received[0].target, format!("{path}?signUrls=True"));
    assert_eq!(
        received[1].target,
        format!("{path}?signUrls=True&pageToken=a+b")
    );
    received[1].assert_signed_by(&peer.key);
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let peer = Peer::start((0..9).map(|_| ok(&page(&[1], Some("again"))))).await;
    let error = peer
        .client
        .child_items(id(8), id(9), false)
        .await
        .expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(peer.client.requests(), 2);
}

#[tokio::test]
async fn an_update_sets_what_it_has_and_is_repeated() {
    let peer = Peer::start([again(503), ok(&item(1).to_string())]).await;
    let metadata = json!({"agent": "was here"});
    let update = StorageItemUpdate {
        client_metadata: metadata.as_object().cloned(),
        ..StorageItemUpdate::default()
    };
    peer.client
        .update_storage_item(id(8), id(1), &update)
        .await
        .expect("updated");
    let received = peer.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].method.as_str(), "PATCH");
    assert_eq!(
        received[1].target,
        format!("/v2/public/storage/folders/{}/items/{}", id(8), id(1))
    );
    assert_eq!(received[1].json(), json!({"clientMetadata": metadata}));
    received[1].assert_signed_by(&peer.key);

    let nothing = StorageItemUpdate::default();
    let refused = peer
        .client
        .update_storage_item(id(8), id(1), &nothing)
        .await;
    assert_eq!(
        refused.expect_err("nothing").kind(),
        ErrorKind::InvalidArguments
    );
    assert_eq!(peer.client.requests(), 2);
}

#[tokio::test]
async fn updates_in_bulk_fail_one_by_one() {
    let forbidden = || refusal(403, "not yours");
    let peer = Peer::start([
        forbidden(),
        ok(&page(&[2, 1], None)),
        forbidden(),
        ok(&page(&[], None)),
    ])
    .await;
    let named = |number: u128| {
        let update = StorageItemUpdate {
            name: Some(format!("new {number}")),
            ..StorageItemUpdate::default()
        };
        (id(number), update)
    };
    let updated = peer
        .client
        .update_storage_items_each(&[1, 2, 3, 4].map(named))
        .await;
    assert_eq!(updated[0].as_ref().expect("updated").name, "item 1");
    assert_eq!(updated[1].as_ref().expect("updated").name, "item 2");
    let kind = |place: usize| updated[place].as_ref().expect_err("refused").kind();
    assert_eq!(kind(2), ErrorKind::Authorisation);
    assert_eq!(kind(3), ErrorKind::NotFound, "the answer left it out");
    let received = peer.received();
    assert_eq!(received[1].target, "/v2/public/storage/items/patch-bulk");
    assert_eq!(
        received[1].json(),
        json!({"itemPatches": {
            id(1).to_string(): {"name": "new 1"}, id(2).to_string(): {"name": "new 2"}}})
    );
}
