use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::bitmap;
use super::uploads::{Place, image};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_spoils_a_job_unless_errors_are_ignored() {
    let place = Place::new().await;
    let good = place.upload(bitmap(3, 3)).await;
    let bad = place.upload(b"no image".to_vec()).await;
    let elsewhere = json!({ "objectUrl": "s3://bucket/sound.wav" });
    let items = json!({
        "images": [image(&good, "good"), image(&bad, "bad")],
        "audio": [elsewhere],
    });
    let counts = |job: &Value| {
        ["done", "error", "cancelled", "pending"].map(|what| {
            job[format!("units_{what}_count")]
                .as_u64()
                .expect("a number")
        })
    };
    let job = place.job(items.clone(), false).await;
    assert_eq!(
        (&job["status"], counts(&job)),
        (&json!("ERROR"), [0, 2, 1, 0])
    );
    assert_eq!(job["data_hashes_with_titles"], json!([]));
    let error = &job["data_unit_errors"][0];
    assert_eq!(error["object_urls"], json!([bad["objectKey"]]));
    assert_eq!(error["action_description"], "Uploading image");
    let said = error["error"].as_str().expect("it says why");
    assert!(said.starts_with("bad: expected an image"), "{said}");
    assert_eq!(place.titles().await, ["image_000.bmp"]);

    let job = place.job(items, true).await;
    assert_eq!(
        (&job["status"], counts(&job)),
        (&json!("DONE"), [1, 2, 0, 0])
    );
    assert_eq!(place.titles().await, ["image_000.bmp", "good"]);
    assert_eq!(place.tasks().await, 2);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_server_cannot_add_is_refused() {
    let place = Place::new().await;
    let query = "datasetdatalongpolling";
    for refused in [
        json!({ "files": { "videos": [] }, "ignoreErrors": false }),
        json!({ "integrationId": place.dataset, "dataItems": {}, "ignoreErrors": true }),
        json!({ "dataItems": { "timeSeries": [{}] }, "ignoreErrors": true }),
        json!({ "dataItems": { "scenes": [{}] }, "ignoreErrors": true }),
        json!({ "dataItems": {}, "ignoreErrors": true }),
    ] {
        let (status, said) = place.v1(query, "POST", Value::Null, refused).await;
        assert_eq!((status, said), (400, json!(["INVALID_ARGUMENTS_ERROR"])));
    }
    let path = format!("storage/folders/{}/data-upload-jobs", place.folder);
    let body = json!({ "externalFiles": { "videos": [] }, "ignoreErrors": true });
    let (status, said) = place.served.v2(Method::POST, &path, Some(body)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        said["message"]
            .as_str()
            .expect("it says why")
            .contains("no cloud integrations")
    );
    for item_type in ["scene", "timeseries", "group", ""] {
        let path = format!("presigned-urls?count=1&uploadItemType={item_type}");
        let (status, _) = place.served.v2(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{item_type}");
    }
    let unknown = format!("{path}/00000000-0000-4000-8000-000000000000");
    let (status, _) = place.served.v2(Method::GET, &unknown, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_parts_of_several_groups_and_items_of_their_own() {
    let place = Place::new().await;
    let mut parts = Vec::new();
    for title in ["left", "right"] {
        let upload = place.upload(bitmap(3, 3)).await;
        place
            .job(json!({ "images": [image(&upload, title)] }), false)
            .await;
        parts.push(upload["itemUuid"].clone());
    }
    let path = format!("storage/folders/{}/create-group-items", place.folder);
    let groups = json!([
        { "layoutType": "default-grid", "layoutContents": parts, "name": "grid" },
        { "layoutType": "custom", "layoutContents": { "b": parts[1], "a": parts[0] }, "timeline": ["a"] },
    ]);
    let (status, made) = place.served.v2(Method::POST, &path, Some(groups)).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let of_folder = format!("storage/folders/{}/items", place.folder);
    for (group, expected) in [(0, [&parts[0], &parts[1]]), (1, [&parts[1], &parts[0]])] {
        let group = made[group].as_str().expect("it is a UUID");
        let path = format!("{of_folder}/{group}/child-items");
        let (_, children) = place.served.v2(Method::GET, &path, None).await;
        let children = children["results"].as_array().expect("a page").iter();
        let uuids: Vec<_> = children.map(|child| &child["uuid"]).collect();
        assert_eq!(uuids, expected);
    }
    let keyed = made[1].as_str().expect("it is a UUID");
    let path = format!("{of_folder}/{keyed}/summary?includeGroupLayout=true");
    let (_, summary) = place.served.v2(Method::GET, &path, None).await;
    assert_eq!(
        summary["groupLayout"]["layoutContents"]["a"]["uuid"],
        parts[0]
    );
    assert_eq!(summary["groupLayout"]["timeline"], json!(["a"]));
    let (_, listed) = place.served.v2(Method::GET, &of_folder, None).await;
    let listed = listed["results"].as_array().expect("a page");
    assert_eq!(listed.len(), 5, "both images are items still");

    // Both groups and the image they share are data units of one dataset, and go without each other.
    let link = json!({ "item_uuids": made });
    let (status, linked) = place
        .v1("datasetlinkitems", "POST", Value::Null, link)
        .await;
    assert_eq!(status, 200, "{linked}");
    assert_eq!(place.tasks().await, 5);
    let rows = json!({ "include_uninitialised_labels": true, "include_children": true });
    assert_eq!(place.served.metadata(rows.clone()).await.len(), 9);
    let (_, row) = place
        .served
        .v1("labelrow", "PUT", linked[1]["data_hash"].clone(), json!({}))
        .await;
    let spaces = row["spaces"].as_object().expect("it is a group").values();
    let keys: Vec<_> = spaces
        .map(|space| &space["child_info"]["layout_key"])
        .collect();
    assert_eq!(keys, ["b", "a"]);
    let gone = json!([linked[1]["data_hash"]]);
    assert_eq!(
        place.v1("video", "DELETE", gone.clone(), json!({})).await.0,
        200
    );
    assert_eq!(place.v1("video", "DELETE", gone, json!({})).await.0, 404);
    assert_eq!(place.served.metadata(rows).await.len(), 6);

    let nested = json!([{ "layoutType": "default-list", "layoutContents": [keyed] }]);
    let path = format!("storage/folders/{}/create-group-items", place.folder);
    let (status, _) = place.served.v2(Method::POST, &path, Some(nested)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_the_dataset_that_was_made_with_it_are_kept_alike() {
    let place = Place::new().await;
    let new = json!({ "title": "Both", "createBackingFolder": true });
    let (_, made) = place.served.v2(Method::POST, "datasets", Some(new)).await;
    let folder = made["backingFolderUuid"].as_str().expect("it has one");
    let (_, shown) = place
        .served
        .v2(Method::GET, &format!("storage/folders/{folder}"), None)
        .await;
    assert_eq!(shown["syncedDatasetHash"], made["datasetUuid"]);
    let upload = place.upload(b"some text".to_vec()).await;
    let items = json!({ "text": [image(&upload, "note.md")] });
    let path = format!("storage/folders/{folder}/data-upload-jobs");
    let start = json!({ "dataItems": items, "ignoreErrors": false });
    let (status, job) = place.served.v2(Method::POST, &path, Some(start)).await;
    assert_eq!(status, StatusCode::OK, "{job}");
    let path = format!("{path}/{}", job.as_str().expect("it is a UUID"));
    let (_, job) = place.served.v2(Method::GET, &path, None).await;
    assert_eq!(job["itemsWithNames"][0]["name"], "note.md");
    let place = Place {
        dataset: made["datasetUuid"]
            .as_str()
            .expect("it is a text")
            .to_owned(),
        ..place
    };
    assert_eq!(place.titles().await, ["note.md"]);
    let (_, summary) = place
        .served
        .v2(
            Method::GET,
            &format!("storage/folders/{folder}/summary"),
            None,
        )
        .await;
    assert_eq!(
        (
            &summary["plainTexts"],
            &summary["totalSize"],
            &summary["uploadJobs"]
        ),
        (&json!(1), &json!(9), &json!(1))
    );
    place.served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_become_a_video_with_a_frame_for_each() {
    let place = Place::new().await;
    let mut images = Vec::new();
    for _ in 0..3 {
        let upload = place.upload(bitmap(33, 21)).await;
        images.push(json!({ "url": upload["objectKey"], "title": "frame" }));
    }
    let group = |images: &Value| json!({ "images": images, "title": "all", "createVideo": true });
    let all = images.clone().into();
    let job = place
        .job(json!({ "imageGroups": [group(&all)] }), false)
        .await;
    assert_eq!(job["status"], "DONE", "{job}");
    let listing = json!({ "include_uninitialised_labels": true, "data_title_eq": "all" });
    let rows = place.served.metadata(listing).await;
    assert_eq!(rows[0]["is_image_sequence"], true);
    let size = ["number_of_frames", "width", "height"].map(|name| rows[0][name].as_u64());
    assert_eq!(size, [Some(3), Some(33), Some(21)]);

    let before = place.uploads().len();
    let other = place.upload(bitmap(4, 4)).await;
    images.push(json!({ "url": other["objectKey"], "title": "other" }));
    let job = place
        .job(json!({ "imageGroups": [group(&images.into())] }), false)
        .await;
    let error = job["errors"][0].as_str().expect("it says why");
    assert_eq!(error, "expected images of one size, found several");
    // A video whose job failed for another reason is not kept.
    let missing = json!({ "objectUrl": "uploads/nothing" });
    let items = json!({ "imageGroups": [group(&all)], "pdf": [missing] });
    let job = place.job(items, false).await;
    assert_eq!(
        (&job["status"], &job["units_cancelled_count"]),
        (&json!("ERROR"), &json!(1))
    );
    assert_eq!(place.uploads().len(), before + 1);
    place.served.stop().await;
}
