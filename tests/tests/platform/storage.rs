//! Storage items, their files and their metadata.

use reqwest::StatusCode;
use runner_host::encord::{StorageItem, StorageItemUpdate};
use runner_tests::picture;
use serde_json::{Value, json};

use crate::set_up::{PROJECT, Platform, download, row, rows};

#[tokio::test(flavor = "multi_thread")]
async fn storage_items_their_parts_and_their_files() {
    let platform = Platform::of_pictures(&["a"]);
    let served = platform.serve().await;
    let client = &served.client;
    let rows = rows(client, PROJECT, "main").await;
    let titles: Vec<_> = rows.iter().map(|row| row.data_title.as_str()).collect();
    let items: Vec<_> = rows
        .iter()
        .map(|row| row.backing_item_uuid.unwrap())
        .collect();
    let found = client.storage_items(&items, true).await.unwrap();
    let names: Vec<_> = found.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, titles, "in the order asked for");
    let of = |title: &str| found.iter().find(|item| item.name == title).unwrap();
    let types = ["a.gif", "group", "pair", "sequence", "document"];
    let types = types.map(|title| of(title).item_type.as_str());
    assert_eq!(
        types,
        ["image", "imageGroup", "group", "imageSequence", "pdf"]
    );

    let image = of("a.gif");
    assert_eq!(image.file_size, Some(picture().len() as u64));
    let url = client.signed_url(image.uuid).await.unwrap().unwrap();
    assert_eq!(download(&url, None).await, (StatusCode::OK, picture()));
    let part = download(&url, Some("bytes=3-5")).await;
    assert_eq!(part, (StatusCode::PARTIAL_CONTENT, b"89a".to_vec()));
    assert_eq!(
        download(&url[..url.len() - 1], None).await.0,
        StatusCode::FORBIDDEN
    );

    let group = of("group");
    assert_eq!(client.signed_url(group.uuid).await.unwrap(), None);
    let children = async |item: &StorageItem| {
        client
            .child_items(item.parent.unwrap(), item.uuid, true)
            .await
            .unwrap()
    };
    let images = children(group).await;
    let names: Vec<_> = images.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["first.gif", "second.gif"]);
    let url = images[1].signed_url.as_deref().unwrap();
    assert_eq!(download(url, None).await.1, picture());
    let parts = children(of("pair")).await;
    let types: Vec<_> = parts.iter().map(|item| item.item_type.as_str()).collect();
    assert_eq!(types, ["image", "plainText"]);
    assert!(children(image).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn client_metadata_of_one_item_and_of_many() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let client = &served.client;
    let item = async |title| row(client, title).await.backing_item_uuid.unwrap();
    let (a, b) = (item("a.gif").await, item("b.gif").await);
    let with = |metadata: Value| StorageItemUpdate {
        client_metadata: metadata.as_object().cloned(),
        ..StorageItemUpdate::default()
    };
    let metadata = |item: &StorageItem| -> Value {
        serde_json::from_str(item.client_metadata.as_deref().unwrap()).unwrap()
    };
    let one = json!({ "site": "Ålesund", "nested": { "list": [1, 2.5, null] } });
    let folder = client.storage_item(a, false).await.unwrap().parent.unwrap();
    let updated = client
        .update_storage_item(folder, a, &with(one.clone()))
        .await
        .unwrap();
    assert_eq!((updated.uuid, metadata(&updated)), (a, one.clone()));
    assert_eq!(metadata(&client.storage_item(a, false).await.unwrap()), one);
    // Others of the item stay.
    assert_eq!(updated.name, "a.gif");

    let updates = [(b, with(json!({ "n": 2 }))), (a, with(json!({ "n": 1 })))];
    let updated = client.update_storage_items(&updates).await.unwrap();
    assert_eq!(
        (updated[0].uuid, updated[1].uuid),
        (b, a),
        "in the order given"
    );
    let read = client.storage_items(&[a, b, a], false).await.unwrap();
    let read: Vec<_> = read.iter().map(metadata).collect();
    assert_eq!(
        read,
        [json!({ "n": 1 }), json!({ "n": 2 }), json!({ "n": 1 })]
    );
    let nothing = client
        .update_storage_item(folder, a, &StorageItemUpdate::default())
        .await;
    assert!(nothing.is_err());
}
